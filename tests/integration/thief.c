// SPDX-License-Identifier: Apache-2.0
// thief.c - a peer with a listed key that wants what is another's.
//
// thief ENDPOINT KEYFILE COORDINATORKEY session NUMBER TASK TOKEN
//   speaks for another key's session: HELLO, FETCH, BEAT, RESULT, RELEASE
// thief ENDPOINT KEYFILE COORDINATORKEY artifact HASH
//   reads and announces an artifact while it holds no task
// It exits 0 when every message was answered with REFUSED{AUTH}.
#include "proto/wire.h"
#include "tests/integration/peer.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000

static struct msg m;

struct loot {
    uint64_t session, task, token;
    const char *hash;
};

static bool is_refused(void *socket)
{
    struct buf out = BUF_INIT;
    struct errinfo why = {0};
    zmq_msg_t answer;
    zmq_msg_init(&answer);
    wire_encode(&m, &out);
    enum msg_kind said = m.kind;
    bool ok =
        zmq_send(socket, out.data, out.len, 0) >= 0 &&
        zmq_msg_recv(&answer, socket, 0) >= 0 &&
        wire_decode(zmq_msg_data(&answer), zmq_msg_size(&answer), &m, &why) == ERR_OK;
    bool is_auth = ok && m.kind == MSG_REFUSED && m.refused.code == ERR_AUTH;
    printf("%s: %s %s\n", msg_kind_name(said), ok ? msg_kind_name(m.kind) : "no answer",
           ok && m.kind == MSG_REFUSED ? m.refused.text : why.text);
    zmq_msg_close(&answer);
    buf_fini(&out);
    return is_auth;
}

static void say_hello(const struct loot *l)
{
    m = (struct msg){.kind = MSG_HELLO,
                     .hello = {.version_min = PROTO_VERSION,
                               .version_max = PROTO_VERSION,
                               .name = "thief",
                               .session = l->session,
                               .slots = 1,
                               .threads = 1,
                               .capabilities = 1u << TASK_TRAIN,
                               .n_held = 1,
                               .held = {{.task_id = l->task, .token = l->token}}}};
}

static void say_fetch(const struct loot *l)
{
    m = (struct msg){.kind = MSG_FETCH, .fetch = {.session = l->session, .slots = 1}};
}

static void say_beat(const struct loot *l)
{
    m = (struct msg){.kind = MSG_BEAT,
                     .beat = {.session = l->session,
                              .n_held = 1,
                              .held = {{.task_id = l->task, .token = l->token}}}};
}

static void say_result(const struct loot *l)
{
    m = (struct msg){.kind = MSG_RESULT,
                     .result = {.session = l->session,
                                .task_id = l->task,
                                .token = l->token,
                                .outcome = OUTCOME_ERROR,
                                .error = "stolen"}};
}

static void say_release(const struct loot *l)
{
    m = (struct msg){
        .kind = MSG_RELEASE,
        .release = {.session = l->session, .task_id = l->task, .token = l->token}};
}

static void say_get(const struct loot *l)
{
    m = (struct msg){.kind = MSG_BLOB_GET, .blob_get = {.credit = 1}};
    snprintf(m.blob_get.hash, sizeof(m.blob_get.hash), "%s", l->hash);
}

static void say_put(const struct loot *l)
{
    m = (struct msg){.kind = MSG_BLOB_PUT, .blob_put = {.total_bytes = 1000}};
    snprintf(m.blob_put.hash, sizeof(m.blob_put.hash), "%s", l->hash);
}

typedef void say_fn(const struct loot *l);

static int try_all(void *socket, const struct loot *l)
{
    static say_fn *const of_session[] = {say_hello, say_fetch, say_beat, say_result,
                                         say_release};
    static say_fn *const of_artifact[] = {say_get, say_put};
    say_fn *const *says = l->hash ? of_artifact : of_session;
    size_t n = l->hash ? 2 : 5;
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        says[i](l);
        ok = is_refused(socket) && ok;
    }
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct loot l = {.hash = NULL};
    if (argc == 8 && strcmp(argv[4], "session") == 0) {
        l.session = strtoull(argv[5], NULL, 10);
        l.task = strtoull(argv[6], NULL, 10);
        l.token = strtoull(argv[7], NULL, 10);
    } else if (argc == 6 && strcmp(argv[4], "artifact") == 0) {
        l.hash = argv[5];
    } else {
        fprintf(stderr, "usage: thief ENDPOINT KEYFILE COORDINATORKEY session NUMBER "
                        "TASK TOKEN | artifact HASH\n");
        return 2;
    }
    void *context = zmq_ctx_new();
    void *socket = peer_open(context, argv[1], argv[2], argv[3], WAIT_MS);
    int status = socket ? try_all(socket, &l) : 2;
    if (socket) {
        zmq_close(socket);
    }
    zmq_ctx_term(context);
    return status;
}
