// SPDX-License-Identifier: Apache-2.0
// collector.h - removes artifacts that nothing needs, beside the loop, now and then.
//
// Looking and removing happen on the thread pool; in between the loop thread takes off
// the list what it uses itself (transfers, jobs). It rests for a hundred times as long
// as it worked, and for COLLECTOR_REST_MS at least; less while the disk is full.
//
// Owns: its timer and the job in flight. Borrows: loop. Threads: loop thread.
#ifndef COORDINATOR_KEEP_COLLECTOR_H
#define COORDINATOR_KEEP_COLLECTOR_H

#include "coordinator/keep/collect.h"

#include <uv.h>

#define COLLECTOR_REST_MS  5000
#define COLLECTOR_HURRY_MS 1000 // rest, and left alone, while the disk is full
#define COLLECTOR_SUPERSEDED_MS \
    10000                           // what is reported that late fails, and is retried
#define COLLECTOR_ORPHAN_MS 3600000 // nobody is in a hurry

struct collector;

struct collector_setup {
    uv_loop_t *loop;
    const char *dir;      // of state.db
    const char *blob_dir; // both are copied
    struct collect_rules rules;
    void *arg;
    bool (*is_in_use)(void *arg, const char *hash);
};

// ERR_LIMIT: a path is too long.
MUST_CHECK enum err collector_create(const struct collector_setup *setup,
                                     struct collector **out, struct errinfo *why);
// While the disk is full: at once, and often.
void collector_hurry(struct collector *c, bool is_hurried);
// Waits for the job in flight; turns the loop, so not from inside a callback. NULL is
// fine.
void collector_destroy(struct collector *c);

#endif
