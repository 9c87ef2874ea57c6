// SPDX-License-Identifier: Apache-2.0
// worker_socket.h - the control socket: every batch of messages is one turn.
//
// Owns: its router. Borrows: the turn. Threads: loop thread only.
#ifndef COORDINATOR_SERVE_WORKER_SOCKET_H
#define COORDINATOR_SERVE_WORKER_SOCKET_H

#include "coordinator/serve/router.h"
#include "coordinator/turn.h"

struct worker_socket;

// Errors as router_open.
MUST_CHECK enum err worker_socket_open(void *zctx, struct gate *gate,
                                       struct endpoint *at, struct worker_socket **out,
                                       struct errinfo *why);
MUST_CHECK enum err worker_socket_start(struct worker_socket *w, uv_loop_t *loop,
                                        struct turn *t, struct errinfo *why);
void worker_socket_stop(struct worker_socket *w);
void worker_socket_close(struct worker_socket *w); // NULL is fine

// For struct turn_ports; `arg` is the socket.
bool worker_socket_send(void *arg, const struct route *to, const void *bytes, size_t n);

struct turn_now worker_socket_now(void); // both clocks

#endif
