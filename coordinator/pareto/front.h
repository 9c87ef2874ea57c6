// SPDX-License-Identifier: Apache-2.0
// front.h - the Pareto front: what no other point beats in every objective.
//
// All objectives are minimised. A point dominates another when it is nowhere worse and
// somewhere better; equal points do not dominate each other, so both stay. Points with
// a NaN are on no front. The results depend on the points, not on their order: ties are
// settled by id.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PARETO_FRONT_H
#define COORDINATOR_PARETO_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRONT_OBJECTIVES_MAX 8

struct front_point {
    uint64_t id;
    int n_objectives; // the same in all points of one call
    double objective[FRONT_OBJECTIVES_MAX];
};

bool front_dominates(const struct front_point *a, const struct front_point *b);

// Writes the indices of the non-dominated points, by their first objective, then the
// second ..., then the id; returns how many. `front` has room for n.
// O(n log n) for 2 objectives, O(n * size of the front) for more.
size_t front_find(const struct front_point *points, size_t n, size_t *front);

// The index of the point that is best in the first objective among those `admits`
// allows (then the second ..., then the id); n when there is none. NULL admits all.
size_t front_best(const struct front_point *points, size_t n,
                  bool (*admits)(const void *arg, size_t i), const void *arg);

#endif
