// SPDX-License-Identifier: Apache-2.0
// features.h - a network as numbers from about 0 to 1, for a process that learns.
//
// One number for each gene that has a choice: where its value is between the lowest and
// the highest, channels by their logarithm, .5 for a gene that does not exist at that
// depth. Then the logarithms of the costs, parameters, MACs and the latencies that the
// problem speaks of, between the smallest and the largest network's.
//
// Owns: nothing; borrows the problem. Threads: any.
#ifndef COORDINATOR_SEARCH_FEATURES_H
#define COORDINATOR_SEARCH_FEATURES_H

#include "coordinator/search/problem.h"

#define FEATURES_COSTS_MAX 8
#define FEATURES_MAX       (SPACE_GENES_MAX + FEATURES_COSTS_MAX)

struct feature_cost {
    struct objective cost;
    double low, high; // logarithms at the smallest and the largest network
};

struct features {
    const struct problem *problem;
    size_t n;
    size_t n_costs;
    struct feature_cost costs[FEATURES_COSTS_MAX];
};

void features_init(struct features *f, const struct problem *p);
// Writes f->n numbers.
void features_of(const struct features *f, const struct arch *a, double *out);

#endif
