// SPDX-License-Identifier: Apache-2.0
// history.h - what a study has measured so far, copied out of the store.
//
// The copy is what plan, final and results work on: it can go to the thread pool while
// the loop writes on.
//
// Owns: its rows. Threads: loading on the loop; then any, one at a time.
#ifndef COORDINATOR_STUDY_HISTORY_H
#define COORDINATOR_STUDY_HISTORY_H

#include "coordinator/store/loss.h"
#include "coordinator/store/trial.h"

#include <stddef.h>

struct history {
    struct trial_row *trials; // in id order
    size_t n_trials;
    struct loss_row *losses; // in the order they were settled
    size_t n_losses;
};

MUST_CHECK enum err history_load_trials(struct history *h, struct store *s,
                                        uint64_t study_id, struct errinfo *why);
MUST_CHECK enum err history_load_losses(struct history *h, struct store *s,
                                        uint64_t study_id, struct errinfo *why);
void history_fini(struct history *h); // zeroed or loaded; leaves it empty

#endif
