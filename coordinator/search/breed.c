// SPDX-License-Identifier: Apache-2.0
// breed.c - see breed.h.
#include "coordinator/search/breed.h"

#include "coordinator/search/draw.h"
#include "coordinator/search/vary.h"

#define TRIES_MAX     20
#define REPAIR_ONE_IN 4

bool breed_new(const struct strategy_context *c, breed_fn *make, void *arg,
               struct rng *r, struct arch *out)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        *out = make(arg, r);
        if (seen_has(c->seen, out)) {
            continue;
        }
        if (problem_admits(c->problem, out)) {
            return true;
        }
        if (rng_below(r, REPAIR_ONE_IN) == 0 && vary_repair(c->problem, out, r) &&
            !seen_has(c->seen, out)) {
            return true;
        }
    }
    return draw_start(c, r, out);
}

size_t breed_tournament(size_t n, int tournament, struct rng *r)
{
    size_t best = n - 1;
    for (int i = 0; i < tournament; i++) {
        size_t drawn = (size_t)rng_below(r, n);
        best = drawn < best ? drawn : best;
    }
    return best;
}
