// SPDX-License-Identifier: Apache-2.0
// worker_row.h - rows of workers: who ever said HELLO, so that ids stay theirs.
//
// A worker keeps its id over a restart of the coordinator because it presents the same
// session number again; a restarted worker process is a new row.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_WORKER_ROW_H
#define COORDINATOR_STORE_WORKER_ROW_H

#include "coordinator/store/store.h"
#include "proto/limits.h"

struct worker_row {
    uint64_t id;
    uint64_t session;
    char name[64];
    uint32_t capabilities; // bit per task kind
    uint32_t slots;
    uint32_t threads;
    uint64_t memory_bytes;
    char device[LIMIT_DEVICE_NAME];      // what it measures for; "" = nothing
    int64_t first_seen_ms, last_seen_ms; // wall clock
};

// Inserts, or updates the row of the same session; sets row->id.
MUST_CHECK enum err worker_row_put(struct store *s, struct worker_row *row,
                                   struct errinfo *why);
// ERR_NOTFOUND, ERR_IO.
MUST_CHECK enum err worker_row_of_session(struct store *s, uint64_t session,
                                          struct worker_row *out, struct errinfo *why);
MUST_CHECK enum err worker_row_get(struct store *s, uint64_t id,
                                   struct worker_row *out);
bool worker_row_has_name(struct store *s, const char *name);

// Visits the rows of the same name that came before this one, in id order; the callback
// returns false to stop.
typedef bool worker_visit_fn(void *arg, const struct worker_row *row);
MUST_CHECK enum err worker_row_each_before(struct store *s,
                                           const struct worker_row *row,
                                           worker_visit_fn *fn, void *arg,
                                           struct errinfo *why);

#endif
