// SPDX-License-Identifier: Apache-2.0
// router.c - see router.h.
#include "coordinator/serve/router.h"

#include "common/base/clock.h"
#include "common/net/zwatch.h"

#include <stdlib.h>
#include <string.h>

struct router {
    struct router_conf conf;
    struct router_handlers handlers;
    void *zsock;
    struct zwatch *watch; // NULL before start and after stop
};

enum err router_open(void *zctx, const struct router_conf *conf, struct endpoint *at,
                     struct router **out, struct errinfo *why)
{
    struct router *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    r->conf = *conf;
    enum err e = zsock_open(zctx, ZMQ_ROUTER, conf->max_frame_bytes, &r->zsock, why);
    if (e == ERR_OK) {
        e = zsock_bind(r->zsock, at, why);
    }
    if (e != ERR_OK) {
        router_close(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

static bool read_route(struct zframe frame, struct route *out)
{
    if (frame.n == 0 || frame.n > sizeof(out->bytes)) {
        return false;
    }
    *out = (struct route){.n = (uint8_t)frame.n};
    memcpy(out->bytes, frame.bytes, frame.n);
    return true;
}

static void deliver(struct router *r, struct zmessage *m)
{
    struct route from;
    bool has_payload = m->n == 3 && r->conf.has_payload;
    if ((m->n != 2 && !has_payload) || !read_route(zmessage_frame(m, 0), &from)) {
        r->handlers.misframed(r->handlers.arg);
        return;
    }
    struct zframe payload = {NULL, 0};
    if (has_payload) {
        payload = zmessage_frame(m, 2);
    }
    r->handlers.message(r->handlers.arg, &from, zmessage_frame(m, 1), payload);
}

// False: nothing (more) waits.
static bool receive_one(struct router *r)
{
    struct zmessage m;
    enum err e = zsock_recv(r->zsock, &m);
    if (e == ERR_PROTO) {
        r->handlers.misframed(r->handlers.arg);
        return true;
    }
    if (e != ERR_OK) {
        return false;
    }
    deliver(r, &m);
    zmessage_fini(&m);
    return true;
}

static void on_readable(void *arg)
{
    struct router *r = arg;
    int64_t end_ns = clock_mono_ns() + (int64_t)r->conf.max_ms * 1000000;
    for (int i = 0; i < r->conf.max_messages && r->watch; i++) {
        if (!receive_one(r) || clock_mono_ns() >= end_ns) {
            break;
        }
    }
    if (r->watch) {
        r->handlers.batch_ended(r->handlers.arg);
    }
}

enum err router_start(struct router *r, uv_loop_t *loop,
                      const struct router_handlers *handlers, struct errinfo *why)
{
    r->handlers = *handlers;
    r->watch = zwatch_create(loop, r->zsock, on_readable, r);
    if (!r->watch) {
        return err_set(why, ERR_IO, "cannot watch a ZeroMQ socket");
    }
    return ERR_OK;
}

void router_stop(struct router *r)
{
    zwatch_destroy(r->watch);
    r->watch = NULL;
}

void router_close(struct router *r)
{
    if (!r) {
        return;
    }
    BUG_ON(r->watch);
    zsock_close(r->zsock);
    free(r);
}

bool router_send(struct router *r, const struct route *to, struct zframe body,
                 struct zframe payload)
{
    const struct zframe frames[] = {{to->bytes, to->n}, body, payload};
    return zsock_send(r->zsock, frames, payload.bytes ? 3 : 2) == ERR_OK;
}
