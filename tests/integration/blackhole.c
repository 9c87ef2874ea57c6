// SPDX-License-Identifier: Apache-2.0
// blackhole.c - a worker that fails everything it is given, at once.
//
// blackhole ENDPOINT NAME MARK
//   MARK is for whoever looks for its process. It exits 0 when it is sent away.
#include "proto/wire.h"
#include "tests/integration/peer.h"

#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 300 // between two questions when there is nothing to do

static struct msg m;
static uint64_t session;

static void say(void *socket)
{
    struct buf out = BUF_INIT;
    wire_encode(&m, &out);
    zmq_send(socket, out.data, out.len, 0); // lost: said again
    buf_fini(&out);
}

static void say_hello(void *socket, const char *name)
{
    m = (struct msg){.kind = MSG_HELLO,
                     .hello = {.version_min = PROTO_VERSION,
                               .version_max = PROTO_VERSION,
                               .session = session,
                               .slots = 1,
                               .threads = 1,
                               .capabilities = 1u << TASK_TRAIN | 1u << TASK_EVALUATE}};
    snprintf(m.hello.name, sizeof(m.hello.name), "%s", name);
    say(socket);
}

static void say_fetch(void *socket)
{
    m = (struct msg){.kind = MSG_FETCH, .fetch = {.session = session, .slots = 1}};
    say(socket);
}

static void say_failed(void *socket)
{
    struct msg_lease lease = m.lease;
    m = (struct msg){.kind = MSG_RESULT,
                     .result = {.session = session,
                                .task_id = lease.task_id,
                                .token = lease.token,
                                .outcome = OUTCOME_CRASH,
                                .error = "it always falls",
                                .log_tail = "the last words\n"}};
    say(socket);
}

// False: it was sent away.
static bool answer(void *socket, const char *name)
{
    switch (m.kind) {
    case MSG_LEASE: say_failed(socket); return true;
    case MSG_RESULT_REPLY:
    case MSG_WELCOME: say_fetch(socket); return true;
    case MSG_REFUSED: say_hello(socket, name); return true;
    default: return m.kind != MSG_NO_TASK || !m.no_task.is_draining;
    }
}

static void serve(void *socket, const char *name)
{
    bool goes_on = true;
    say_hello(socket, name);
    while (goes_on) {
        zmq_msg_t in;
        zmq_msg_init(&in);
        if (zmq_msg_recv(&in, socket, 0) < 0) {
            say_fetch(socket);
        } else if (wire_decode(zmq_msg_data(&in), zmq_msg_size(&in), &m, NULL) ==
                   ERR_OK) {
            goes_on = answer(socket, name);
        }
        zmq_msg_close(&in);
    }
    m = (struct msg){.kind = MSG_BYE};
    say(socket);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: blackhole ENDPOINT NAME MARK\n");
        return 2;
    }
    session = (uint64_t)getpid() << 20 | 77;
    void *context = zmq_ctx_new();
    void *socket = peer_open(context, argv[1], NULL, NULL, WAIT_MS);
    if (!socket) {
        return 1;
    }
    serve(socket, argv[2]);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
