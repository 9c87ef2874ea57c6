// SPDX-License-Identifier: Apache-2.0
// worker_socket.c - see worker_socket.h.
#include "coordinator/serve/worker_socket.h"

#include "common/base/clock.h"

#include <stdlib.h>

struct worker_socket {
    struct router *router;
    struct turn *turn;
};

enum err worker_socket_open(void *zctx, struct gate *gate, struct endpoint *at,
                            struct worker_socket **out, struct errinfo *why)
{
    const struct router_conf conf = {.gate = gate,
                                     .socket = SOCKET_CONTROL,
                                     .max_frame_bytes = (size_t)LIMIT_MESSAGE_BYTES,
                                     .max_messages = TURN_MESSAGES_MAX,
                                     .max_ms = TURN_TIME_MAX_MS};
    struct worker_socket *w = calloc(1, sizeof(*w));
    BUG_ON(!w);
    enum err e = router_open(zctx, &conf, at, &w->router, why);
    if (e != ERR_OK) {
        free(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

struct turn_now worker_socket_now(void)
{
    return (struct turn_now){.mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms()};
}

static void on_message(void *arg, const struct route *from, struct zframe body,
                       struct zframe payload)
{
    (void)payload; // none on this socket
    struct worker_socket *w = arg;
    turn_message(w->turn, from, body.bytes, body.n, worker_socket_now());
}

static void on_denied(void *arg, const struct route *from)
{
    struct worker_socket *w = arg;
    turn_denied(w->turn, from, "this key is not listed as a worker's",
                worker_socket_now());
}

static void on_misframed(void *arg)
{
    struct worker_socket *w = arg;
    turn_misframed(w->turn);
}

static void on_batch_ended(void *arg)
{
    struct worker_socket *w = arg;
    turn_end(w->turn, worker_socket_now());
}

enum err worker_socket_start(struct worker_socket *w, uv_loop_t *loop, struct turn *t,
                             struct errinfo *why)
{
    w->turn = t;
    const struct router_handlers handlers = {.arg = w,
                                             .message = on_message,
                                             .denied = on_denied,
                                             .misframed = on_misframed,
                                             .batch_ended = on_batch_ended};
    return router_start(w->router, loop, &handlers, why);
}

void worker_socket_stop(struct worker_socket *w)
{
    router_stop(w->router);
}

void worker_socket_close(struct worker_socket *w)
{
    if (w) {
        router_close(w->router);
        free(w);
    }
}

bool worker_socket_send(void *arg, const struct route *to, const void *bytes, size_t n)
{
    struct worker_socket *w = arg;
    return router_send(w->router, to, (struct zframe){bytes, n},
                       (struct zframe){NULL, 0});
}
