// SPDX-License-Identifier: Apache-2.0
// heard.h - what an agent's log says of the coordinator's messages: refusals, and the
// verdict on each result.
//
// Owns: nothing. Threads: loop thread.
#ifndef WORKER_AGENT_HEARD_H
#define WORKER_AGENT_HEARD_H

#include "worker/agent/session.h"

// Before the session takes it: afterwards it knows no more what was reported.
void heard_log(const struct session *s, const struct msg *m);

#endif
