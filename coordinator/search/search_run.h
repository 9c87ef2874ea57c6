// SPDX-License-Identifier: Apache-2.0
// search_run.h - a whole search in one process: ask, evaluate, tell.
//
// For evaluations that are only function calls, such as a predictor's. The result is
// that of a study whose every batch of proposals is evaluated before the next.
//
// Owns: a run owns its rows. Threads: any; one run, one thread.
#ifndef COORDINATOR_SEARCH_SEARCH_RUN_H
#define COORDINATOR_SEARCH_SEARCH_RUN_H

#include "coordinator/search/strategy.h"

// Fills values[i], by objective of the problem, with what is measured of archs[i];
// costs are filled in by the search. A NaN is a failed evaluation.
typedef double search_run_values[PROBLEM_OBJECTIVES_MAX];
typedef void search_run_evaluate_fn(void *arg, const struct arch *archs, size_t n,
                                    search_run_values *values);

struct search_run_setup {
    const char *strategy;
    const struct problem *problem;
    uint64_t seed;
    struct strategy_settings settings; // zeros: the strategy's own
    size_t n_evaluations;
    size_t batch; // proposals at once; 0: 50
    search_run_evaluate_fn *evaluate;
    void *arg;
};

struct search_run;

// ERR_INPUT as strategy_create. Ends early where nothing new is left within the limits.
MUST_CHECK enum err search_run(const struct search_run_setup *setup,
                               struct search_run **out, struct errinfo *why);
void search_run_destroy(struct search_run *r); // NULL is fine

// Everything evaluated, in order.
const struct archive *search_run_archive(const struct search_run *r);

// The best of the first n evaluations (archive_is_better); NULL when none of them was
// measured within the limits.
const struct archive_row *search_run_best(const struct search_run *r, size_t n);

#endif
