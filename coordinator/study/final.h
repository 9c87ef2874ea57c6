// SPDX-License-Identifier: Apache-2.0
// final.h - which measured network each target gets, and which are fine-tuned for it.
//
// A candidate is a trial of the search or of the last stage that was evaluated with the
// final checkpoint and the study's protocol. A target's winner is the candidate within
// all its limits with the lowest EER; ties go to fewer MACs, then to the earlier trial.
// A candidate that was fine-tuned counts with the better of its two EERs, inherited and
// fine-tuned, and the network that has it is the one that is deployed.
// A winner whose network could not be exported gives way to the next best. A study
// without targets has one that bears everything, "any".
//
// Owns: nothing; pure. Threads: any.
#ifndef COORDINATOR_STUDY_FINAL_H
#define COORDINATOR_STUDY_FINAL_H

#include "coordinator/study/aims.h"
#include "coordinator/study/history.h"

struct final_scope { // what a choice is made from
    const struct study_conf *conf;
    const struct aims_tables *tables; // NULL = none: no latency is kept to
    const char *checkpoint;           // the final one
    const struct trial_row *trials;
    size_t n_trials;
};

struct final_choice {
    struct study_target target;
    // The deployed network: inherited or tuned. NULL: nothing measured is within the
    // limits, and all below are NULL.
    const struct trial_row *winner;
    const struct trial_row *inherited; // the candidate of its architecture
    const struct trial_row *tuned;     // fine-tuned, measured; NULL: not, or not yet
    const struct trial_row *exported;  // the trial that keeps it; NULL: none yet
};

// Evaluated with the final weights for the front and the targets (measured or not).
bool final_is_candidate(const struct final_scope *s, const struct trial_row *t);

// Fills one choice per target, in the study's order; returns how many.
size_t final_choose(const struct final_scope *s,
                    struct final_choice out[static STUDY_TARGETS_MAX]);

#define FINAL_TUNED_MAX (STUDY_TARGETS_MAX * STUDY_FINETUNE_MAX)

// The candidates to fine-tune, each architecture once, that have no such trial; returns
// how many. Of each target the best `finetune.networks` within its limits on size and
// latency: those on EER may yet be met.
size_t final_untuned(const struct final_scope *s,
                     const struct trial_row *out[static FINAL_TUNED_MAX]);

// The measured fine-tuning of an architecture, and the candidate it started from; NULL
// when there is none.
const struct trial_row *final_tuned(const struct final_scope *s, const struct arch *a);
const struct trial_row *final_inherited(const struct final_scope *s,
                                        const struct arch *a);

// Winners, each architecture once, that have no exporting trial; returns how many.
size_t final_missing(const struct final_scope *s,
                     const struct trial_row *out[static STUDY_TARGETS_MAX]);

#endif
