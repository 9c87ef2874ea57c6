// SPDX-License-Identifier: Apache-2.0
// client.c - see client.h.
#include "coordinator/cli/client.h"

#include "common/net/zsock.h"
#include "common/net/zwatch.h"
#include "proto/wire.h"

#include <zmq.h>

#include <stdlib.h>
#include <string.h>

#define ANSWERS_PER_TURN 16

struct client {
    void *context;
    void *socket;
    struct zwatch *watch;
    client_answer_fn *fn;
    void *arg;
    char endpoint[ENDPOINT_MAX]; // "" = none
    struct msg *answer;          // large: allocated once
};

// ERR_BUSY when nothing waits. A message that is no answer is dropped.
static enum err read_answer(struct client *a)
{
    struct zmessage m;
    enum err e = zsock_recv(a->socket, &m);
    if (e) {
        return e;
    }
    struct zframe body = zmessage_frame(&m, 0);
    bool is_whole = wire_decode(body.bytes, body.n, a->answer, NULL) == ERR_OK;
    zmessage_fini(&m);
    if (is_whole) {
        a->fn(a->arg, a->answer);
    }
    return ERR_OK;
}

static void read_answers(void *arg)
{
    struct client *a = arg;
    for (int i = 0; i < ANSWERS_PER_TURN && a->watch; i++) {
        if (read_answer(a) == ERR_BUSY) {
            return;
        }
    }
}

enum err client_create(uv_loop_t *loop, client_answer_fn *fn, void *arg,
                       struct client **out, struct errinfo *why)
{
    struct client *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->fn = fn;
    a->arg = arg;
    a->answer = calloc(1, sizeof(*a->answer));
    BUG_ON(!a->answer);
    a->context = zmq_ctx_new();
    BUG_ON(!a->context);
    enum err e = zsock_open(a->context, ZMQ_DEALER, (size_t)LIMIT_MESSAGE_BYTES,
                            &a->socket, why);
    if (!e) {
        a->watch = zwatch_create(loop, a->socket, read_answers, a);
        e = a->watch ? ERR_OK : err_set(why, ERR_IO, "cannot watch a ZeroMQ socket");
    }
    if (e) {
        client_destroy(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

enum err client_connect(struct client *a, const char *endpoint, struct errinfo *why)
{
    struct endpoint to;
    if (!strcmp(a->endpoint, endpoint)) {
        return ERR_OK; // ZeroMQ connects again by itself
    }
    if (*a->endpoint) {
        zmq_disconnect(a->socket, a->endpoint);
        a->endpoint[0] = '\0';
    }
    enum err e = endpoint_parse(endpoint, &to, why);
    if (!e) {
        e = zsock_connect(a->socket, &to, why);
    }
    if (!e) {
        endpoint_print(&to, a->endpoint);
    }
    return e;
}

void client_ask(struct client *a, enum msg_kind kind)
{
    struct buf bytes = BUF_INIT;
    a->answer->kind = kind; // the questions have no fields
    wire_encode(a->answer, &bytes);
    struct zframe frame = {bytes.data, bytes.len};
    enum err e = zsock_send(a->socket, &frame, 1);
    (void)e; // a question that is lost is asked again
    buf_fini(&bytes);
}

void client_stop(struct client *a)
{
    zwatch_destroy(a->watch);
    a->watch = NULL;
}

void client_destroy(struct client *a)
{
    if (!a) {
        return;
    }
    zsock_close(a->socket);
    zmq_ctx_term(a->context);
    free(a->answer);
    free(a);
}
