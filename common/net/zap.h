// SPDX-License-Identifier: Apache-2.0
// zap.h - who is let in: the handler every CURVE socket of a context asks (RFC 27).
//
// It answers with the caller's decision, and the key becomes the connection's User-Id:
// each message that comes over it carries the key that the peer proved to have.
//
// Must be open before any CURVE socket of its context is bound.
//
// Owns: its socket and watcher. Borrows: the loop and the context. Threads: loop
// thread.
#ifndef COMMON_NET_ZAP_H
#define COMMON_NET_ZAP_H

#include "common/net/curve.h"

#include <uv.h>
#include <zmq.h>

struct zap;

// True: let it in. `domain` is what curve_serve was given, `address` where it comes
// from.
typedef bool zap_decide_fn(void *arg, const char *domain, const char *address,
                           const struct curve_public *key);

// Until zap_start, handshakes wait. ERR_BUSY: the context has a handler. ERR_IO.
MUST_CHECK enum err zap_open(void *zctx, zap_decide_fn *decide, void *arg,
                             struct zap **out, struct errinfo *why);
MUST_CHECK enum err zap_start(struct zap *z, uv_loop_t *loop, struct errinfo *why);
void zap_stop(struct zap *z);  // then run the loop until it is idle, then close
void zap_close(struct zap *z); // NULL is fine

// The key of the connection a frame came over. Ask a message's last frame: this ZeroMQ
// (4.3) forgets it on the first one. False: not a CURVE connection.
bool zap_key_of(zmq_msg_t *frame, struct curve_public *out);

#endif
