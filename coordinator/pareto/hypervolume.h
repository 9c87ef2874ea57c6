// SPDX-License-Identifier: Apache-2.0
// hypervolume.h - how much a set of points covers: one number to compare searches by.
//
// The area (volume ...) that is dominated by at least one point and lies below the
// reference point, in the units of the objectives. Points beyond the reference cover
// nothing.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PARETO_HYPERVOLUME_H
#define COORDINATOR_PARETO_HYPERVOLUME_H

#include "coordinator/pareto/front.h"

// Exact, for points of 2 objectives, O(n log n).
double hypervolume_2d(const struct front_point *points, size_t n,
                      const double reference[static 2]);

// Exact, for points of any number of objectives, all of one call the same; `reference`
// has as many. O(n log n) for 2 objectives, about n times that for each more.
double hypervolume(const struct front_point *points, size_t n, const double *reference);

#endif
