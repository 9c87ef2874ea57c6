// SPDX-License-Identifier: Apache-2.0
// router.c - see router.h.
#include "coordinator/serve/router.h"

#include "common/base/clock.h"
#include "common/net/monitor.h"
#include "common/net/zap.h"
#include "common/net/zwatch.h"

#include <stdlib.h>
#include <string.h>

struct router {
    struct router_conf conf;
    void *zctx;
    struct router_handlers handlers;
    void *zsock;
    struct zwatch *watch; // NULL before start and after stop
    struct monitor *monitor;
};

enum err router_open(void *zctx, const struct router_conf *conf, struct endpoint *at,
                     struct router **out, struct errinfo *why)
{
    struct router *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    r->conf = *conf;
    r->zctx = zctx;
    enum err e = zsock_open(zctx, ZMQ_ROUTER,
                            ROUTER_READ_FACTOR * conf->max_frame_bytes, &r->zsock, why);
    if (e == ERR_OK) {
        e = gate_guard(conf->gate, r->zsock, conf->socket, why);
    }
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

// Ids that ROUTER makes begin with a zero. One that a peer chose might be another's,
// earlier or later.
static bool read_route(struct zframe frame, struct route *out)
{
    const char *bytes = frame.bytes;
    if (frame.n == 0 || frame.n > sizeof(out->bytes) || bytes[0] != 0) {
        return false;
    }
    *out = (struct route){.n = (uint8_t)frame.n};
    memcpy(out->bytes, frame.bytes, frame.n);
    return true;
}

// The key is that of the message's body: see zap_key_of.
static bool is_admitted(const struct router *r, struct zmessage *m, struct route *from)
{
    return !r->conf.gate || (zap_key_of(&m->frames[1], &from->key) &&
                             gate_admits(r->conf.gate, &from->key, r->conf.socket));
}

static void deliver(struct router *r, struct zmessage *m)
{
    struct route from;
    bool has_payload = m->n == 3 && r->conf.has_payload;
    if ((m->n != 2 && !has_payload) || !read_route(zmessage_frame(m, 0), &from)) {
        r->handlers.misframed(r->handlers.arg);
        return;
    }
    if (!is_admitted(r, m, &from)) {
        r->handlers.denied(r->handlers.arg, &from);
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

static void on_failure(void *arg, enum monitor_failure failure)
{
    struct router *r = arg;
    if (failure != MONITOR_NOT_ADMITTED) { // the gate itself refused that one
        gate_note_handshake(r->conf.gate);
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
    return r->conf.gate ? monitor_create(r->zctx, loop, r->zsock, on_failure, r,
                                         &r->monitor, why)
                        : ERR_OK;
}

void router_stop(struct router *r)
{
    zwatch_destroy(r->watch);
    r->watch = NULL;
    if (r->monitor) {
        monitor_stop(r->monitor);
    }
}

void router_close(struct router *r)
{
    if (!r) {
        return;
    }
    BUG_ON(r->watch);
    monitor_destroy(r->monitor);
    zsock_close(r->zsock);
    free(r);
}

bool router_send(struct router *r, const struct route *to, struct zframe body,
                 struct zframe payload)
{
    const struct zframe frames[] = {{to->bytes, to->n}, body, payload};
    return zsock_send(r->zsock, frames, payload.bytes ? 3 : 2) == ERR_OK;
}
