// SPDX-License-Identifier: Apache-2.0
// explain.h - why a task is where it is, in plain sentences: a function of what is
// known of it.
//
// There is one function per reason; each says its sentence when its reason holds. A
// task that is READY and has no other reason is simply next.
//
// Owns: nothing; pure. Threads: any.
#ifndef COORDINATOR_SCHED_EXPLAIN_H
#define COORDINATOR_SCHED_EXPLAIN_H

#include "common/base/buf.h"
#include "proto/msg.h"

#include <stdbool.h>
#include <stdint.h>

enum explain_state {
    EXPLAIN_READY = 1,
    EXPLAIN_LEASED,
    EXPLAIN_DONE,
    EXPLAIN_BURIED,
    EXPLAIN_CANCELLED,
};

struct explain_workers { // that are connected, and could run the task
    uint32_t n_all;      // connected, able or not
    uint32_t n_able;
    uint32_t n_quarantined, n_drained; // of the able
    uint32_t n_given;                  // of the able, those that are given tasks
    uint32_t n_free;                   // of these, with a slot free
    uint32_t n_idle;                   // of these, with all slots free
};

struct explain_facts {
    uint64_t task_id;
    enum task_kind kind;
    const char *what; // its architecture, or which part of the training
    enum explain_state state;
    const char *study, *study_state;
    bool study_is_over, study_is_paused;
    const char *study_error; // "" = none

    // READY
    int64_t ready_in_ms;      // back-off; 0 = over
    const char *device;       // MEASURE
    uint64_t memory_bytes;    // it needs; 0 = not stated
    bool is_draining;         // the coordinator is
    bool is_disk_full;        // the coordinator's
    const char *avoids;       // the worker that failed it last, while others go first
    uint32_t n_ready_ahead;   // tasks of its study that go first
    uint32_t n_other_studies; // that have tasks and share the workers
    struct explain_workers workers;

    // LEASED, DONE
    const char *worker; // its name; "" = not known
    bool has_started;
    double fraction;          // done, by the last beat
    int64_t lease_ends_in_ms; // unless it is renewed

    // Of its last failure; outcome 0 = it never failed.
    uint32_t n_charged;
    enum outcome outcome;
    const char *failed_by;
    int64_t failed_ago_ms;
    const char *error, *log_tail;
};

// Appends lines, each a sentence.
void explain(const struct explain_facts *f, struct buf *out);

#endif
