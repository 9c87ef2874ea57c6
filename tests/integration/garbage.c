// SPDX-License-Identifier: Apache-2.0
// garbage.c - a hostile peer: sends nonsense to a coordinator's sockets.
//
// garbage ENDPOINT KIND N [KEYFILE COORDINATORKEY] sends N messages of one kind:
//   random     random bytes, 0 to 2,000 of them, in one to three frames
//   huge       1 MiB of zeros: more than any socket takes
//   stranger   well-formed messages that have no place there: results, beats and
//              fetches of a session that never said HELLO, answers, status replies
//   truncated  the first bytes of a HELLO
// It exits 0 when the messages could be handed to ZeroMQ.
#include "common/base/rng.h"
#include "proto/wire.h"
#include "tests/integration/peer.h"

#include <stdlib.h>
#include <string.h>

#define HUGE_BYTES (1 << 20)
#define WAIT_MS    500

static unsigned char bytes[HUGE_BYTES];

// Waits up to the socket's own send timeout for room.
static bool put(void *socket, const void *data, size_t n, bool has_more)
{
    return zmq_send(socket, data, n, has_more ? ZMQ_SNDMORE : 0) >= 0;
}

static bool send_random(void *socket, unsigned i)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, i);
    bool ok = true;
    for (uint64_t left = rng_below(&r, 3) + 1; ok && left; left--) {
        size_t n = rng_below(&r, 2000);
        for (size_t j = 0; j < n; j++) {
            bytes[j] = (unsigned char)rng_u32(&r);
        }
        ok = put(socket, bytes, n, left > 1);
    }
    return ok;
}

static bool send_huge(void *socket, unsigned i)
{
    (void)i;
    memset(bytes, 0, HUGE_BYTES);
    return put(socket, bytes, HUGE_BYTES, false);
}

// Well-formed messages that have no place there, one after the other.
static void make_stranger(struct msg *m, unsigned i)
{
    static const enum msg_kind order[] = {MSG_RESULT,  MSG_REFUSED, MSG_FETCH, MSG_BEAT,
                                          MSG_RELEASE, MSG_NO_TASK, MSG_BYE};
    memset(m, 0, sizeof(*m));
    m->kind = order[i % (sizeof(order) / sizeof(order[0]))];
    switch (m->kind) {
    case MSG_RESULT:
        m->result.session = 99;
        m->result.task_id = m->result.token = 1;
        m->result.outcome = OUTCOME_ERROR;
        strcpy(m->result.error, "none of your business");
        break;
    case MSG_REFUSED:
        m->refused.code = ERR_PROTO;
        strcpy(m->refused.text, "you too");
        break;
    case MSG_FETCH:
        m->fetch.session = 99;
        m->fetch.slots = 1;
        break;
    case MSG_BEAT: m->beat.session = 99; break;
    case MSG_RELEASE:
        m->release.session = 99;
        m->release.task_id = m->release.token = 1;
        break;
    case MSG_NO_TASK: m->no_task.retry_ms = 1; break;
    default: break;
    }
}

static bool send_stranger(void *socket, unsigned i)
{
    static struct msg m;
    struct buf out = BUF_INIT;
    make_stranger(&m, i);
    wire_encode(&m, &out);
    bool ok = put(socket, out.data, out.len, false);
    buf_fini(&out);
    return ok;
}

static bool send_truncated(void *socket, unsigned i)
{
    static struct msg m;
    struct buf out = BUF_INIT;
    memset(&m, 0, sizeof(m));
    m.kind = MSG_HELLO;
    m.hello.version_min = m.hello.version_max = PROTO_VERSION;
    strcpy(m.hello.name, "half of me");
    m.hello.session = 99;
    m.hello.slots = m.hello.threads = 1;
    m.hello.capabilities = 1u << TASK_TRAIN;
    wire_encode(&m, &out);
    bool ok = put(socket, out.data, 1 + i % (out.len - 1), false);
    buf_fini(&out);
    return ok;
}

static const struct {
    const char *name;
    bool (*send)(void *socket, unsigned i);
} kinds[] = {
    {"random", send_random},
    {"huge", send_huge},
    {"stranger", send_stranger},
    {"truncated", send_truncated},
};

// A peer that is cut off gets no room to send: that is an answer too.
static int send_all(char **argv, bool has_keys, bool (*send)(void *, unsigned))
{
    void *context = zmq_ctx_new();
    void *socket = peer_open(context, argv[1], has_keys ? argv[4] : NULL,
                             has_keys ? argv[5] : NULL, WAIT_MS);
    unsigned n = (unsigned)strtoul(argv[3], NULL, 10);
    bool ok = socket;
    for (unsigned i = 0; ok && i < n; i++) {
        ok = send(socket, i);
    }
    if (socket) {
        zmq_close(socket);
    }
    zmq_ctx_term(context);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool has_keys = argc == 6;
    for (size_t i = 0; (argc == 4 || has_keys) && i < sizeof(kinds) / sizeof(kinds[0]);
         i++) {
        if (!strcmp(argv[2], kinds[i].name)) {
            return send_all(argv, has_keys, kinds[i].send);
        }
    }
    fprintf(stderr, "usage: garbage ENDPOINT random|huge|stranger|truncated N [KEYFILE "
                    "COORDINATORKEY]\n");
    return 2;
}
