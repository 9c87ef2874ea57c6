// SPDX-License-Identifier: Apache-2.0
// breed.h - what evolutionary strategies share: parents make a child that is new and
// within the limits.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SEARCH_BREED_H
#define COORDINATOR_SEARCH_BREED_H

#include "coordinator/search/strategy.h"

// Makes a child, which may be beyond the limits or known already.
typedef struct arch breed_fn(void *arg, struct rng *r);

// The first child that is new, once it is within the limits: some of those beyond are
// lowered, the others are given up. After some vain tries something is drawn. False
// when nothing new was found.
bool breed_new(const struct strategy_context *c, breed_fn *make, void *arg,
               struct rng *r, struct arch *out);

// Which of n, best first, wins a tournament of that many draws.
size_t breed_tournament(size_t n, int tournament, struct rng *r);

#endif
