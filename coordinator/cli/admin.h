// SPDX-License-Identifier: Apache-2.0
// admin.h - the client side of a coordinator's admin socket.
//
// Questions never block and may get lost (the coordinator is away): ask again. Answers
// come back on the loop.
//
// Owns: a ZeroMQ context and one DEALER socket. Borrows: the loop. Threads: loop
// thread.
#ifndef COORDINATOR_CLI_ADMIN_H
#define COORDINATOR_CLI_ADMIN_H

#include "proto/msg.h"

#include <uv.h>

struct admin;

typedef void admin_answer_fn(void *arg, const struct msg *answer);

MUST_CHECK enum err admin_create(uv_loop_t *loop, admin_answer_fn *fn, void *arg,
                                 struct admin **out, struct errinfo *why);
// Leaves the former endpoint, if any, for this one.
MUST_CHECK enum err admin_connect(struct admin *a, const char *endpoint,
                                  struct errinfo *why);
void admin_ask(struct admin *a, enum msg_kind kind); // MSG_STATUS, MSG_DRAIN

// No more answers; then run the loop until it is idle, then destroy.
void admin_stop(struct admin *a);
void admin_destroy(struct admin *a); // NULL is fine

#endif
