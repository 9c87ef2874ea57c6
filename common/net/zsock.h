// SPDX-License-Identifier: Apache-2.0
// zsock.h - a ZeroMQ socket with the options every socket of ours has.
//
// LINGER 0, MAXMSGSIZE, bounded queues, heartbeats, reconnect and handshake intervals;
// ROUTER_MANDATORY for routers, IMMEDIATE for dealers (what cannot go out now fails
// now, and is decided on again when it can). Sending and receiving never wait.
//
// Owns: nothing; the caller closes what zsock_open gave. Threads: one per socket.
#ifndef COMMON_NET_ZSOCK_H
#define COMMON_NET_ZSOCK_H

#include "common/net/endpoint.h"

#include <zmq.h>

#include <stddef.h>

// type: ZMQ_ROUTER or ZMQ_DEALER. A peer that sends a larger frame is cut off. ERR_IO.
MUST_CHECK enum err zsock_open(void *ctx, int type, size_t max_frame_bytes, void **out,
                               struct errinfo *why);
void zsock_close(void *zsock); // NULL is fine; what was not sent yet is lost
// Ending the context then waits that long for what was not sent yet.
void zsock_close_flushed(void *zsock, int patience_ms);

MUST_CHECK enum err zsock_connect(void *zsock, const struct endpoint *to,
                                  struct errinfo *why);
// Not connected there: nothing happens.
void zsock_disconnect(void *zsock, const struct endpoint *from);
// Port 0 takes the first free one of ENDPOINT_PORT_FIRST..LAST (starting at a random
// place) and writes it to at->port. ERR_BUSY when the port, or every one, is taken.
MUST_CHECK enum err zsock_bind(void *zsock, struct endpoint *at, struct errinfo *why);

struct zframe {
    const void *bytes;
    size_t n;
};

// All frames as one message, or nothing. ERR_BUSY (queue full or not connected),
// ERR_NOTFOUND (router: no such peer), ERR_IO.
MUST_CHECK enum err zsock_send(void *zsock, const struct zframe *frames, size_t n);

#define ZMESSAGE_FRAMES_MAX 3 // routing id, body, payload

struct zmessage {
    size_t n;
    zmq_msg_t frames[ZMESSAGE_FRAMES_MAX];
};

// ERR_OK: a whole message, to be ended with zmessage_fini. ERR_BUSY: nothing waits.
// ERR_PROTO: one with too many frames was dropped, go on. ERR_IO.
MUST_CHECK enum err zsock_recv(void *zsock, struct zmessage *out);
void zmessage_fini(struct zmessage *m);
struct zframe zmessage_frame(struct zmessage *m, size_t i);

#endif
