// SPDX-License-Identifier: Apache-2.0
// lease.h - which worker holds which task, until when, and under which token.
//
// A lease is a promise with a deadline. Each grant carries a token that only ever
// grows; a result is accepted only with the token now in force, so a worker that was
// paused past its deadline cannot overwrite its successor.
//
// Owns: the table of live leases (in memory; the store holds the durable copy).
// Borrows: nothing. Threads: loop thread only.
#ifndef COORDINATOR_SCHED_LEASE_H
#define COORDINATOR_SCHED_LEASE_H

#include "common/base/err.h"
#include "proto/msg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lease_table;

struct lease {
    uint64_t task_id;
    uint64_t token; // fencing token: grows with every grant
    uint64_t worker_id;
    uint64_t study_id;
    enum task_kind kind;
    char device[LIMIT_DEVICE_NAME]; // MEASURE
    uint64_t memory_bytes;          // it needs; 0 = not stated
    bool has_started;               // a runner was spawned: losing it now is charged
    int64_t deadline_ms;            // monotonic clock
    int64_t granted_ms;             // or when the coordinator began, if that was later
    double charged_ms;              // to its study's share
};

struct lease_table *lease_table_create(void);
void lease_table_destroy(struct lease_table *t); // NULL is fine

// Copies *l in. ERR_BUSY if the task is already leased.
MUST_CHECK enum err lease_grant(struct lease_table *t, const struct lease *l);

// Extends the deadline; `has_started` sticks. ERR_NOTFOUND, or ERR_STALE unless token
// and worker are the ones in force.
MUST_CHECK enum err lease_renew(struct lease_table *t, uint64_t task_id, uint64_t token,
                                uint64_t worker_id, bool has_started,
                                int64_t deadline_ms);

// No lease ends before `deadline_ms`.
void lease_extend_all(struct lease_table *t, int64_t deadline_ms);

// Ends the lease. ERR_STALE or ERR_NOTFOUND leave the table unchanged.
MUST_CHECK enum err lease_settle(struct lease_table *t, uint64_t task_id,
                                 uint64_t token);

const struct lease *lease_find(const struct lease_table *t,
                               uint64_t task_id); // or NULL

// In no order, valid until the table changes. Looking through all of them once a turn
// is cheap: a fleet holds thousands of leases, not millions.
size_t lease_count(const struct lease_table *t);
const struct lease *lease_at(const struct lease_table *t, size_t i);

#endif
