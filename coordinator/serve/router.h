// SPDX-License-Identifier: Apache-2.0
// router.h - a bound ROUTER socket on the loop: messages come in batches with a budget.
//
// Behind a gate, peers prove a key in the handshake; each message is looked at again
// under the key of its connection.
//
// Owns: the socket and its watchers. Borrows: the loop, the ZeroMQ context, the gate.
// Threads: loop thread only.
#ifndef COORDINATOR_SERVE_ROUTER_H
#define COORDINATOR_SERVE_ROUTER_H

#include "common/net/zsock.h"
#include "coordinator/fleet/session.h"
#include "coordinator/serve/gate.h"

#include <uv.h>

// A frame that is too large, but not by more than this factor, is read all the same, so
// that it is counted and its sender hears why; a larger one costs it the connection.
#define ROUTER_READ_FACTOR 4

struct router;

struct router_handlers {
    void *arg;
    // One message. payload.bytes is NULL unless there was a second frame.
    void (*message)(void *arg, const struct route *from, struct zframe body,
                    struct zframe payload);
    // A message of a peer whose key has no place at this socket (any more).
    void (*denied)(void *arg, const struct route *from);
    // A message with too few, too many or impossible frames was dropped.
    void (*misframed)(void *arg);
    // After the last message of a batch.
    void (*batch_ended)(void *arg);
};

struct router_conf {
    struct gate *gate; // NULL: neither encryption nor authentication
    enum rights_socket socket;
    size_t max_frame_bytes;
    bool has_payload; // a second frame is allowed
    int max_messages; // a batch ends after so many messages
    int max_ms;       // or so many milliseconds
};

// Binds at once (port 0: a free one, written to *at); messages wait until router_start.
// ERR_BUSY when the port is taken, ERR_IO.
MUST_CHECK enum err router_open(void *zctx, const struct router_conf *conf,
                                struct endpoint *at, struct router **out,
                                struct errinfo *why);
MUST_CHECK enum err router_start(struct router *r, uv_loop_t *loop,
                                 const struct router_handlers *handlers,
                                 struct errinfo *why);
// No more calls of the handlers. Run the loop until it is idle before router_close.
void router_stop(struct router *r);
void router_close(struct router *r); // NULL is fine

// False when it cannot go now: the peer is gone or does not read. Loss is normal.
bool router_send(struct router *r, const struct route *to, struct zframe body,
                 struct zframe payload);

#endif
