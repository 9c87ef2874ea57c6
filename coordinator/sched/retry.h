// SPDX-License-Identifier: Apache-2.0
// retry.h - when a failed task is tried again, and when it is given up.
//
// Back-off with full jitter: uniform between zero and a bound that doubles with every
// charged attempt, so that tasks that failed together do not come back together.
// Source: M. Brooker, "Exponential backoff and jitter", AWS architecture blog, 2015.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SCHED_RETRY_H
#define COORDINATOR_SCHED_RETRY_H

#include "proto/msg.h"

#include <stdbool.h>
#include <stdint.h>

#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS  60000
#define RETRY_BURY_AT \
    3 // charged attempts: two may be the worker's fault, not the task's
#define RETRY_BURY_WORKERS 2 // that those attempts were made by

// How many workers must have failed a task before it is buried, where n_capable can
// run it now: as many as there are, up to RETRY_BURY_WORKERS.
uint32_t retry_bury_workers(uint32_t n_capable);

// Only an attempt that started is charged: whatever a runner reported, or a lease lost
// after its runner was seen. outcome 0 = given back.
bool retry_is_charged(enum outcome outcome, bool has_started);

// Delay after the attempt of this token, the n_charged-th that counts (0: no delay).
int64_t retry_delay_ms(uint64_t task_id, uint64_t token, uint32_t n_charged);

#endif
