// SPDX-License-Identifier: Apache-2.0
// zsock.c - see zsock.h.
#include "common/net/zsock.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define BACKLOG              256
#define QUEUE_MESSAGES       1000 // a stalled peer costs at most this many small messages
#define QUEUE_LARGE_MESSAGES 64   // of 256 KiB: 16 MiB a peer; a window is 8
#define LARGE_BYTES          131072
#define RECONNECT_MS         100
#define RECONNECT_MAX_MS     2000  // a restarted coordinator is found again within this
#define HANDSHAKE_MS         10000 // of a peer that connects and says nothing
#define HEARTBEAT_MS         10000 // a host that vanished is noticed in three of them

static enum err zmq_error(struct errinfo *why, const char *what)
{
    int number = zmq_errno();
    enum err e = number == EADDRINUSE ? ERR_BUSY : ERR_IO;
    return err_set(why, e, "%s: %s", what, zmq_strerror(number));
}

static bool set_int(void *zsock, int option, int value)
{
    return zmq_setsockopt(zsock, option, &value, sizeof(value)) == 0;
}

static bool set_options(void *zsock, int type, size_t max_frame_bytes)
{
    const int64_t max_bytes = (int64_t)max_frame_bytes;
    const int queue =
        max_frame_bytes > LARGE_BYTES ? QUEUE_LARGE_MESSAGES : QUEUE_MESSAGES;
    bool ok = zmq_setsockopt(zsock, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes)) == 0;
    ok = ok && set_int(zsock, ZMQ_LINGER, 0);
    ok = ok && set_int(zsock, ZMQ_BACKLOG, BACKLOG);
    ok = ok && set_int(zsock, ZMQ_IPV6, 1);
    ok = ok && set_int(zsock, ZMQ_SNDHWM, queue) && set_int(zsock, ZMQ_RCVHWM, queue);
    ok = ok && set_int(zsock, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    ok = ok && set_int(zsock, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    ok = ok && set_int(zsock, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    ok = ok && set_int(zsock, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    ok = ok && set_int(zsock, ZMQ_HEARTBEAT_TIMEOUT, 3 * HEARTBEAT_MS);
    if (type == ZMQ_ROUTER) {
        return ok && set_int(zsock, ZMQ_ROUTER_MANDATORY, 1);
    }
    return ok && set_int(zsock, ZMQ_IMMEDIATE, 1);
}

enum err zsock_open(void *ctx, int type, size_t max_frame_bytes, void **out,
                    struct errinfo *why)
{
    BUG_ON(type != ZMQ_ROUTER && type != ZMQ_DEALER);
    void *zsock = zmq_socket(ctx, type);
    if (!zsock) {
        return zmq_error(why, "cannot open a socket");
    }
    if (!set_options(zsock, type, max_frame_bytes)) {
        enum err e = zmq_error(why, "cannot set a socket option");
        zmq_close(zsock);
        return e;
    }
    *out = zsock;
    return ERR_OK;
}

void zsock_close(void *zsock)
{
    if (zsock) {
        zmq_close(zsock);
    }
}

void zsock_close_flushed(void *zsock, int patience_ms)
{
    if (zsock) {
        set_int(zsock, ZMQ_LINGER, patience_ms);
        zmq_close(zsock);
    }
}

enum err zsock_connect(void *zsock, const struct endpoint *to, struct errinfo *why)
{
    char text[ENDPOINT_MAX];
    if (zmq_connect(zsock, endpoint_print(to, text)) != 0) {
        return err_prefix(why, zmq_error(why, "cannot connect"), "%s", text);
    }
    return ERR_OK;
}

void zsock_disconnect(void *zsock, const struct endpoint *from)
{
    char text[ENDPOINT_MAX];
    zmq_disconnect(zsock, endpoint_print(from, text));
}

static enum err bind_port(void *zsock, const struct endpoint *at, struct errinfo *why)
{
    char text[ENDPOINT_MAX];
    if (zmq_bind(zsock, endpoint_print(at, text)) != 0) {
        return err_prefix(why, zmq_error(why, "cannot bind"), "%s", text);
    }
    return ERR_OK;
}

enum err zsock_bind(void *zsock, struct endpoint *at, struct errinfo *why)
{
    if (at->port != 0) {
        return bind_port(zsock, at, why);
    }
    const uint32_t n_ports = ENDPOINT_PORT_LAST - ENDPOINT_PORT_FIRST + 1;
    const uint32_t start = randombytes_uniform(n_ports);
    enum err e = ERR_BUSY;
    for (uint32_t i = 0; i < n_ports && e == ERR_BUSY; i++) {
        struct endpoint try_at = *at;
        try_at.port = (uint16_t)(ENDPOINT_PORT_FIRST + (start + i) % n_ports);
        e = bind_port(zsock, &try_at, why);
        if (e == ERR_OK) {
            *at = try_at;
        }
    }
    return e;
}

enum err zsock_send(void *zsock, const struct zframe *frames, size_t n)
{
    BUG_ON(n == 0);
    for (size_t i = 0; i < n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);
        int done = -1;
        do {
            done = zmq_send(zsock, frames[i].bytes, frames[i].n, flags);
        } while (done < 0 && zmq_errno() == EINTR);
        if (done >= 0) {
            continue;
        }
        // Only the first frame can be refused for a full queue or a missing peer: a
        // message, once begun, goes to one queue as a whole.
        switch (zmq_errno()) {
        case EAGAIN: return ERR_BUSY;
        case EHOSTUNREACH: return ERR_NOTFOUND;
        default: return ERR_IO;
        }
    }
    return ERR_OK;
}

static enum err recv_frame(void *zsock, zmq_msg_t *frame)
{
    zmq_msg_init(frame);
    int n = -1;
    do {
        n = zmq_msg_recv(frame, zsock, ZMQ_DONTWAIT);
    } while (n < 0 && zmq_errno() == EINTR);
    if (n >= 0) {
        return ERR_OK;
    }
    zmq_msg_close(frame);
    return zmq_errno() == EAGAIN ? ERR_BUSY : ERR_IO;
}

static void drop_rest(void *zsock)
{
    zmq_msg_t frame;
    int more = 1;
    while (more && recv_frame(zsock, &frame) == ERR_OK) {
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
}

enum err zsock_recv(void *zsock, struct zmessage *out)
{
    out->n = 0;
    for (int more = 1; more;) {
        if (out->n == ZMESSAGE_FRAMES_MAX) {
            drop_rest(zsock);
            zmessage_fini(out);
            return ERR_PROTO;
        }
        enum err e = recv_frame(zsock, &out->frames[out->n]);
        if (e != ERR_OK) {
            zmessage_fini(out);
            return e;
        }
        more = zmq_msg_more(&out->frames[out->n]);
        out->n++;
    }
    return ERR_OK;
}

void zmessage_fini(struct zmessage *m)
{
    for (size_t i = 0; i < m->n; i++) {
        zmq_msg_close(&m->frames[i]);
    }
    m->n = 0;
}

struct zframe zmessage_frame(struct zmessage *m, size_t i)
{
    BUG_ON(i >= m->n);
    return (struct zframe){zmq_msg_data(&m->frames[i]), zmq_msg_size(&m->frames[i])};
}
