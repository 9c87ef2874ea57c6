// SPDX-License-Identifier: Apache-2.0
// monitor.c - see monitor.h.
#include "common/net/monitor.h"

#include "common/net/zwatch.h"

#include <zmq.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_EVENTS 256
#define FAILURES                                                                  \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

struct monitor {
    void *watched;
    void *zsock;
    struct zwatch *watch;
    monitor_fn *fn;
    void *arg;
};

static enum monitor_failure failure_of(uint16_t event)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return MONITOR_NOT_ADMITTED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return MONITOR_NO_PROTOCOL;
    default: return MONITOR_CUT_OFF;
    }
}

// Two frames: number and value of the event; its endpoint. False when none waits.
static bool read_event(struct monitor *m, uint16_t *event)
{
    *event = 0;
    for (int more = 1, i = 0; more; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, m->zsock, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return false;
        }
        if (i == 0 && zmq_msg_size(&frame) >= sizeof(*event)) {
            memcpy(event, zmq_msg_data(&frame), sizeof(*event));
        }
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return true;
}

static void on_readable(void *arg)
{
    struct monitor *m = arg;
    uint16_t event;
    for (int i = 0; i < BATCH_EVENTS && m->watch && read_event(m, &event); i++) {
        if (event & FAILURES) {
            m->fn(m->arg, failure_of(event));
        }
    }
}

// The I/O thread must never wait for us: no limit on what it has to say. It says one
// small thing for each connection that fails.
static bool attach(struct monitor *m, void *zctx)
{
    char name[64];
    int no_limit = 0;
    snprintf(name, sizeof(name), "inproc://monitor.%p", m->watched);
    m->zsock = zmq_socket(zctx, ZMQ_PAIR);
    return m->zsock && zmq_socket_monitor(m->watched, name, FAILURES) == 0 &&
           zmq_setsockopt(m->zsock, ZMQ_RCVHWM, &no_limit, sizeof(no_limit)) == 0 &&
           zmq_setsockopt(m->zsock, ZMQ_LINGER, &no_limit, sizeof(no_limit)) == 0 &&
           zmq_connect(m->zsock, name) == 0;
}

enum err monitor_create(void *zctx, uv_loop_t *loop, void *zsock, monitor_fn *fn,
                        void *arg, struct monitor **out, struct errinfo *why)
{
    struct monitor *m = calloc(1, sizeof(*m));
    BUG_ON(!m);
    m->watched = zsock;
    m->fn = fn;
    m->arg = arg;
    if (attach(m, zctx)) {
        m->watch = zwatch_create(loop, m->zsock, on_readable, m);
    }
    if (!m->watch) {
        enum err e =
            err_set(why, ERR_IO, "cannot watch the connections of a socket: %s",
                    zmq_strerror(zmq_errno()));
        monitor_destroy(m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

void monitor_stop(struct monitor *m)
{
    zwatch_destroy(m->watch);
    m->watch = NULL;
}

void monitor_destroy(struct monitor *m)
{
    if (!m) {
        return;
    }
    BUG_ON(m->watch);
    zmq_socket_monitor(m->watched, NULL, 0);
    if (m->zsock) {
        zmq_close(m->zsock);
    }
    free(m);
}
