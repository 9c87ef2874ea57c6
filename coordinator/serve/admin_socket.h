// SPDX-License-Identifier: Apache-2.0
// admin_socket.h - the socket for people's tools: STATUS, DRAIN, questions and orders.
//
// Owns: its router. Borrows: what its hooks stand for. Threads: loop thread only.
#ifndef COORDINATOR_SERVE_ADMIN_SOCKET_H
#define COORDINATOR_SERVE_ADMIN_SOCKET_H

#include "coordinator/serve/router.h"
#include "proto/msg.h"

struct admin_socket;

struct admin_hooks {
    void *arg;
    void (*status)(void *arg, struct msg_status_reply *out);
    void (*drain)(void *arg);
    // The other questions and orders: fills *out, or an error's sentence. False: that
    // kind is none.
    bool (*takes_order)(enum msg_kind kind);
    enum err (*order)(void *arg, const struct msg *in, struct msg *out,
                      struct errinfo *why);
};

MUST_CHECK enum err admin_socket_open(void *zctx, struct gate *gate,
                                      struct endpoint *at, struct admin_socket **out,
                                      struct errinfo *why);
MUST_CHECK enum err admin_socket_start(struct admin_socket *a, uv_loop_t *loop,
                                       const struct admin_hooks *hooks,
                                       struct errinfo *why);
void admin_socket_stop(struct admin_socket *a);
void admin_socket_close(struct admin_socket *a); // NULL is fine

const struct refusals *admin_socket_refusals(const struct admin_socket *a);

#endif
