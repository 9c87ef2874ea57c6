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
    struct monitor *monitor;
    bool has_failed;
    enum monitor_failure failure; // of the last connection
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

static void on_failure(void *arg, enum monitor_failure failure)
{
    struct client *a = arg;
    a->has_failed = true;
    a->failure = failure;
}

bool client_failure(const struct client *a, enum monitor_failure *out)
{
    *out = a->failure;
    return a->has_failed;
}

static enum err open_socket(struct client *a, uv_loop_t *loop,
                            const struct curve_link *link, struct errinfo *why)
{
    enum err e = zsock_open(a->context, ZMQ_DEALER, (size_t)LIMIT_MESSAGE_BYTES,
                            &a->socket, why);
    if (!e) {
        e = curve_join(a->socket, link, why);
    }
    if (!e) {
        e = monitor_create(a->context, loop, a->socket, on_failure, a, &a->monitor,
                           why);
    }
    if (e) {
        return e;
    }
    a->watch = zwatch_create(loop, a->socket, read_answers, a);
    return a->watch ? ERR_OK : err_set(why, ERR_IO, "cannot watch a ZeroMQ socket");
}

enum err client_create(uv_loop_t *loop, const struct curve_link *link,
                       client_answer_fn *fn, void *arg, struct client **out,
                       struct errinfo *why)
{
    struct client *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->fn = fn;
    a->arg = arg;
    a->answer = calloc(1, sizeof(*a->answer));
    BUG_ON(!a->answer);
    a->context = zmq_ctx_new();
    BUG_ON(!a->context);
    *out = a;
    enum err e = open_socket(a, loop, link, why);
    if (e) {
        client_stop(a); // its caller ends the loop, then destroys it
        return e;
    }
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
    a->answer->kind = kind; // these questions have no fields
    client_say(a, a->answer);
}

void client_say(struct client *a, const struct msg *m)
{
    struct buf bytes = BUF_INIT;
    wire_encode(m, &bytes);
    struct zframe frame = {bytes.data, bytes.len};
    enum err e = zsock_send(a->socket, &frame, 1);
    (void)e; // a question that is lost is asked again
    buf_fini(&bytes);
}

void client_stop(struct client *a)
{
    zwatch_destroy(a->watch);
    a->watch = NULL;
    if (a->monitor) {
        monitor_stop(a->monitor);
    }
}

void client_destroy(struct client *a)
{
    if (!a) {
        return;
    }
    monitor_destroy(a->monitor);
    zsock_close(a->socket);
    zmq_ctx_term(a->context);
    free(a->answer);
    free(a);
}
