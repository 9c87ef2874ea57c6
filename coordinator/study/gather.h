// SPDX-License-Identifier: Apache-2.0
// gather.h - reads what plan.h decides on out of the store.
//
// Owns: a gathering owns its copies; its view points into it. Threads: loop thread.
#ifndef COORDINATOR_STUDY_GATHER_H
#define COORDINATOR_STUDY_GATHER_H

#include "coordinator/study/final.h"
#include "coordinator/study/history.h"
#include "coordinator/study/tracked.h"

struct gathering {
    struct study_row study;
    struct task_row *shards; // of the current round, while training
    uint32_t n_shards;
    struct history history;    // trials only, from LABELLING on
    struct final_scope scope;  // over them
    char inputs[HASH_HEX_MAX]; // digest of what the state's job works on
    struct plan_view view;
};

// ERR_NOTFOUND, ERR_IO, ERR_CORRUPT; nothing to free then.
MUST_CHECK enum err gather(struct driver *d, struct tracked *t, struct gathering *out,
                           struct errinfo *why);
void gather_fini(struct gathering *g);

// The shards of the current round, for the caller to free; also used for status.
MUST_CHECK enum err gather_shards(struct driver *d, const struct study_row *study,
                                  struct task_row **shards, uint32_t *n_shards,
                                  struct errinfo *why);

#endif
