// SPDX-License-Identifier: Apache-2.0
// loss.h - rows of training history: one per settled shard, for curves and progress.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_LOSS_H
#define COORDINATOR_STORE_LOSS_H

#include "coordinator/store/store.h"

struct loss_row {
    uint64_t study_id;
    uint32_t stage, round, shard;
    uint64_t position; // batches of the stage before the round
    double loss, accuracy, seconds;
    uint64_t n_utterances;
    int64_t at_ms; // wall clock
};

MUST_CHECK enum err loss_insert(struct store *s, const struct loss_row *row,
                                struct errinfo *why);
typedef bool loss_visit_fn(void *arg, const struct loss_row *row);
MUST_CHECK enum err loss_each(struct store *s, uint64_t study_id, loss_visit_fn *fn,
                              void *arg, struct errinfo *why);

#endif
