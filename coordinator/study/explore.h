// SPDX-License-Identifier: Apache-2.0
// explore.h - model-predictive search: what a predictor believes the best networks are.
//
// The study's strategy is run on the predictor for each target, nsga2 for each front.
// Of what they find, the best n are picked, the targets and the fronts in turn, each
// network once: of a target by predicted EER among those that keep its limits, of a
// front from one end to the other, ever finer. The picks are a function of (study,
// tables, predictor, what to avoid), in the same order each time.
//
// Owns: nothing. Threads: any; made for the thread pool (seconds).
#ifndef COORDINATOR_STUDY_EXPLORE_H
#define COORDINATOR_STUDY_EXPLORE_H

#include "coordinator/predict/predictor.h"
#include "coordinator/search/seen.h"
#include "coordinator/study/aims.h"

struct pick {
    struct arch arch;
    double predicted; // EER, percent
    double spread;    // one standard deviation; 0 where the predictor knows none
    int group;        // the target it is for, or n_targets (at least 1) + front
};

struct explore_setup {
    const struct study_conf *conf;
    const struct aims_tables *tables;
    struct predictor *predictor;
    const struct seen *avoid; // evaluated already
    size_t n;                 // wanted
};

// Fills picks [setup->n] and returns how many there are: fewer when the space, or what
// the limits leave of it, holds no more. ERR_INPUT: the strategy cannot serve this.
MUST_CHECK enum err explore(const struct explore_setup *setup, struct pick *picks,
                            size_t *n_picks, struct errinfo *why);

// Whether a strategy looks at all objectives, not just at the first.
bool explore_serves_fronts(const char *strategy);

// The settings that a study gives its strategy.
struct strategy_settings;
struct strategy_settings explore_settings(const struct study_conf *conf);

#endif
