// SPDX-License-Identifier: Apache-2.0
// search_bench.h - how good a strategy is on a problem whose evaluations are guesses:
// seeds, what each found after so many evaluations, how long it took.
//
// Quality is the best value within the limits, for one objective (lower is better), or
// the hypervolume below a reference point, for several (higher is better).
//
// Owns: its runs. Borrows: the problem. Threads: main.
#ifndef COORDINATOR_CLI_SEARCH_BENCH_H
#define COORDINATOR_CLI_SEARCH_BENCH_H

#include "coordinator/predict/predictor.h"
#include "coordinator/search/strategy.h"

#define SEARCH_BENCH_MARKS_MAX 16

struct search_bench_setup {
    const struct problem *problem;
    const struct predictor *predictor; // NULL where nothing asks for an EER
    const char *strategy;
    struct strategy_settings settings;
    size_t n_seeds;
    uint64_t first_seed;
    size_t n_evaluations;
    size_t batch;
    double reference[PROBLEM_OBJECTIVES_MAX]; // for several objectives
};

struct search_bench_run {
    uint64_t seed;
    double seconds;       // on the clock
    double cpu_seconds;   // of the processor: what a busy machine leaves as it is
    size_t n_evaluations; // fewer than asked for where nothing new was left
    size_t n_to_best;     // evaluations after which its best was known
    double marks[SEARCH_BENCH_MARKS_MAX]; // quality after so many evaluations
    double quality;                       // at the end
    struct arch best;                     // by the first objective; depth 0: none
};

struct search_bench {
    const char *strategy;
    bool is_front;
    size_t n_marks;
    size_t marks[SEARCH_BENCH_MARKS_MAX]; // evaluations; the last is n_evaluations
    size_t n_runs;
    struct search_bench_run *runs;
};

// ERR_INPUT: the strategy's name or settings, an objective that nothing predicts, a
// predictor of another space.
MUST_CHECK enum err search_bench_run(const struct search_bench_setup *setup,
                                     struct search_bench *out, struct errinfo *why);
void search_bench_fini(struct search_bench *b);

// How far from the optimum (the best value, the front's hypervolume): the difference,
// or the missing part of the hypervolume.
double search_bench_regret(const struct search_bench *b, double quality,
                           double optimum);
// Over all runs.
double search_bench_mean_regret(const struct search_bench *b, size_t mark,
                                double optimum);
double search_bench_best(const struct search_bench *b); // quality
// Runs whose regret is at most that.
size_t search_bench_hits(const struct search_bench *b, double optimum,
                         double tolerance);

// The hypervolume of a set of points, as runs are measured.
double search_bench_volume(const struct problem *p, const struct archive *a, size_t n,
                           const double *reference);

#endif
