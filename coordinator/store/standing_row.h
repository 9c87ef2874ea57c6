// SPDX-License-Identifier: Apache-2.0
// standing_row.h - rows of names of workers that are given nothing, and why.
//
// A name that was let back in keeps its row: what it did before is forgotten.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_STANDING_ROW_H
#define COORDINATOR_STORE_STANDING_ROW_H

#include "coordinator/fleet/standing.h"
#include "coordinator/store/store.h"

struct standing_row {
    char name[64];
    enum standing state;
    int64_t since_ms;    // wall clock
    uint64_t from_token; // attempts before this one say nothing about it any more
    char reason[STANDING_REASON_MAX];
};

MUST_CHECK enum err standing_row_put(struct store *s, const struct standing_row *row,
                                     struct errinfo *why);
// By name; the callback returns false to stop.
typedef bool standing_visit_fn(void *arg, const struct standing_row *row);
MUST_CHECK enum err standing_row_each(struct store *s, standing_visit_fn *fn, void *arg,
                                      struct errinfo *why);

#endif
