// SPDX-License-Identifier: Apache-2.0
// final.h - which measured candidate each target gets.
//
// A candidate is a trial of the search or of the last stage that was evaluated with the
// final checkpoint and the study's protocol. A target's winner is the candidate within
// all its limits with the lowest EER; ties go to fewer MACs, then to the earlier trial.
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
    const struct trial_row *winner;   // NULL: nothing measured is within the limits
    const struct trial_row *exported; // the winner's exporting trial; NULL: none yet
};

// Evaluated with the final weights for the front and the targets (measured or not).
bool final_is_candidate(const struct final_scope *s, const struct trial_row *t);

// Fills one choice per target, in the study's order; returns how many.
size_t final_choose(const struct final_scope *s,
                    struct final_choice out[static STUDY_TARGETS_MAX]);

// Winners, each architecture once, that have no exporting trial; returns how many.
size_t final_missing(const struct final_scope *s,
                     const struct trial_row *out[static STUDY_TARGETS_MAX]);

#endif
