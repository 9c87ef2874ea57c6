// SPDX-License-Identifier: Apache-2.0
// exhaustive.h - the exact answer to a problem: every network of the space is looked
// at.
//
// Networks that break a limit on a cost are left out before anything is predicted; the
// rest is predicted in batches, on as many threads as asked for. One objective: the
// best network (the first in space_at's order among equals). Several: the exact Pareto
// front. The result does not depend on the number of threads.
//
// Owns: nothing; borrows problem and predictor. Threads: any; starts its own.
#ifndef COORDINATOR_SEARCH_EXHAUSTIVE_H
#define COORDINATOR_SEARCH_EXHAUSTIVE_H

#include "coordinator/predict/predictor.h"
#include "coordinator/search/problem.h"

// Some 20 minutes on two cores when each of them must be predicted.
#define EXHAUSTIVE_NETWORKS_MAX UINT64_C(300000000)
#define EXHAUSTIVE_THREADS_MAX  256

struct exhaustive_how {
    int n_threads; // 1 .. EXHAUSTIVE_THREADS_MAX
    // Called on the calling thread some ten times a second, may be NULL. False: stop.
    bool (*progress)(void *arg, uint64_t n_done, uint64_t n_networks);
    void *arg;
};

struct exhaustive_point {
    struct arch arch;
    double objective[PROBLEM_OBJECTIVES_MAX]; // in the problem's order
};

struct exhaustive_found {
    uint64_t n_networks;             // in the space
    uint64_t n_admitted;             // of them, within the limits on costs
    size_t n_points;                 // 0: no network keeps all limits
    struct exhaustive_point *points; // by the first objective; the caller's to free()
};

// `p` has passed problem_check and has an objective. `predictor` may be NULL where
// nothing asks for an EER. ERR_INPUT: an objective nothing here can tell, a predictor
// for another space. ERR_LIMIT: too many networks. ERR_CANCELLED.
MUST_CHECK enum err exhaustive_search(const struct problem *p,
                                      const struct predictor *predictor,
                                      const struct exhaustive_how *how,
                                      struct exhaustive_found *out,
                                      struct errinfo *why);

#endif
