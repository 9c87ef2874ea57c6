// SPDX-License-Identifier: Apache-2.0
// vary.h - new architectures out of known ones, within their space.
//
// All results are canonical and in the space. Layers that a mutated network gains are
// drawn, those of a crossed one come from the parent that has them. Most changes of a
// gene go to a nearby value, the others anywhere, so that lists of three and of
// hundreds of values are both walked.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SEARCH_VARY_H
#define COORDINATOR_SEARCH_VARY_H

#include "coordinator/search/problem.h"

// Changes each gene with that probability, at least one.
void vary_mutate(const struct space *s, struct arch *a, double probability,
                 struct rng *r);

// Changes exactly one gene (the layers that come or go with the depth aside). False
// when no gene of `a` has two values.
bool vary_step(const struct space *s, struct arch *a, struct rng *r);

// Each gene from either parent, where both have it.
struct arch vary_cross(const struct space *s, const struct arch *a,
                       const struct arch *b, struct rng *r);

// Calls `visit` with every architecture that differs from `a` in one gene; layers it
// gains are as its last one, cat left alone. Stops when `visit` returns false.
typedef bool vary_visit_fn(void *arg, const struct arch *neighbour);
void vary_neighbours(const struct space *s, const struct arch *a, vary_visit_fn *visit,
                     void *arg);

// Gives a random gene other than the depth the largest value that keeps the limits on
// costs, where they grow with it: what is within the limits is raised to them, what is
// a little beyond is lowered. False when no value of that gene keeps them.
bool vary_to_limit(const struct problem *p, struct arch *a, struct rng *r);

// Lowers random genes until the limits on costs hold; where that does not do, because
// costs are not monotone, walks to the neighbour that exceeds them least. False when
// that ends beyond the limits, too.
bool vary_repair(const struct problem *p, struct arch *a, struct rng *r);

#endif
