// SPDX-License-Identifier: Apache-2.0
// client.h - the client side of a coordinator's admin socket.
//
// Questions never block and may get lost (the coordinator is away): ask again. Answers
// come back on the loop.
//
// Owns: a ZeroMQ context and one DEALER socket. Borrows: the loop. Threads: loop
// thread.
#ifndef COORDINATOR_CLI_CLIENT_H
#define COORDINATOR_CLI_CLIENT_H

#include "common/net/curve.h"
#include "common/net/monitor.h"
#include "proto/msg.h"

#include <uv.h>

struct client;

typedef void client_answer_fn(void *arg, const struct msg *answer);

MUST_CHECK enum err client_create(uv_loop_t *loop, const struct curve_link *link,
                                  client_answer_fn *fn, void *arg, struct client **out,
                                  struct errinfo *why);
// Leaves the former endpoint, if any, for this one.
MUST_CHECK enum err client_connect(struct client *a, const char *endpoint,
                                   struct errinfo *why);
void client_ask(struct client *a, enum msg_kind kind); // MSG_STATUS, MSG_DRAIN
void client_say(struct client *a, const struct msg *m);

// How the last connection failed; false when none did.
bool client_failure(const struct client *a, enum monitor_failure *out);

// No more answers; then run the loop until it is idle, then destroy.
void client_stop(struct client *a);
void client_destroy(struct client *a); // NULL is fine

#endif
