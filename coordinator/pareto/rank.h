// SPDX-License-Identifier: Apache-2.0
// rank.h - the order of NSGA-II: by front, then by how lonely a point is on it.
//
// The first front is what nothing dominates, the second what nothing but the first
// dominates, and so on. A point's crowding distance is the sum, over the objectives, of
// the gap between its two neighbours on the front, as a part of the front's extent;
// infinite at the ends. Points with a NaN have no rank. The result depends on the
// points, not on their order.
//
// Source: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II",
// IEEE Trans. Evol. Comput. 6(2), 2002.
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PARETO_RANK_H
#define COORDINATOR_PARETO_RANK_H

#include "coordinator/pareto/front.h"

struct rank {
    size_t index; // of the point
    size_t front; // 0 is the first
    double crowding;
};

// Writes the best n_wanted points, best first (ties by id); returns how many there are.
// Fronts beyond are not looked at. `out` has room for n.
size_t rank_best(const struct front_point *points, size_t n, size_t n_wanted,
                 struct rank *out);

// Fills the crowding distances of one front's n points.
void rank_crowding(const struct front_point *points, struct rank *front, size_t n);

#endif
