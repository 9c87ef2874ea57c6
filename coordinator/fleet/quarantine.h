// SPDX-License-Identifier: Apache-2.0
// quarantine.h - which workers are black holes: they take tasks and fail them all.
//
// The rule. A name's record is what it failed since its last success. It is convicted
// when that is QUARANTINE_FAILURES attempts or more, and QUARANTINE_TASKS or more of
// the tasks among them were since done by workers of other names. So a task that cannot
// be done convicts nobody, however many fail it; nor does a study all of whose tasks
// fail; and the last worker that could do the work is never shut out, because nobody is
// left who does better.
//
// Only what a worker itself reported is in the record. A lost attempt (a process
// killed, a cable pulled) says nothing about how a machine computes; processes that die
// again and again are the matter of what starts them.
//
// Pure: the store's side of it, the refunds and the log are turn_fleet.c's.
//
// Owns: the records, and the standings of names. Threads: loop thread only.
#ifndef COORDINATOR_FLEET_QUARANTINE_H
#define COORDINATOR_FLEET_QUARANTINE_H

#include "coordinator/fleet/standing.h"
#include "coordinator/fleet/worker.h"

#include <stddef.h>

#define QUARANTINE_FAILURES 3    // two may be chance
#define QUARANTINE_TASKS    3    // with the odds of one failure cubed
#define QUARANTINE_RECORD   64   // failed tasks remembered of a name
#define QUARANTINE_NAMES    4096 // as many as there may be workers; older ones go

struct quarantine;

struct quarantine_case { // a name that is convicted
    char name[WORKER_NAME_MAX];
    uint32_t n_failed;   // attempts since its last success
    uint64_t from_token; // the first of them
    uint32_t n_done;     // of those tasks, by others
    uint64_t examples[QUARANTINE_TASKS];
};

struct quarantine *quarantine_create(void);
void quarantine_destroy(struct quarantine *q); // NULL is fine

// What workers reported, in the order in which it was committed.
void quarantine_failed(struct quarantine *q, const char *name, uint64_t task_id,
                       uint64_t token);
void quarantine_succeeded(struct quarantine *q, const char *name, uint64_t task_id);

// A convicted name in good standing. False: there is none.
bool quarantine_next(const struct quarantine *q, struct quarantine_case *out);

// GOOD also clears the record.
void quarantine_set(struct quarantine *q, const char *name, enum standing standing,
                    const char *reason);
enum standing quarantine_standing(const struct quarantine *q, const char *name);

struct quarantine_entry { // a name that is not in good standing
    const char *name;
    enum standing standing;
    const char *reason;
};
size_t quarantine_count(const struct quarantine *q); // of entries, in no order
bool quarantine_entry(const struct quarantine *q, size_t i,
                      struct quarantine_entry *out);

#endif
