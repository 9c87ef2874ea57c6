// SPDX-License-Identifier: Apache-2.0
// random.c - random search: uniformly drawn paths, those beyond the limits drawn again.
//
// Each proposal has its own random stream, so it depends on its number and on what was
// seen before, not on how often the coordinator was restarted.
#include "coordinator/search/strategy.h"

#include <stdlib.h>

// Part of what makes a run reproducible: never reuse a number for another strategy.
#define RANDOM_ID 1
// Some milliseconds of work. A target that admits 1 path in 2,000 is then missed once
// in 20,000 proposals (e^-10).
#define DRAWS_MAX 20000
// Spaces up to this size are searched through before they are called exhausted.
#define SCAN_MAX  20000

struct random_search {
    const struct strategy_context *context;
    uint64_t n_scan; // size of the space where it is small enough to scan, else 0
};

static void *random_create(const struct strategy_context *c)
{
    struct random_search *r = malloc(sizeof(*r));
    BUG_ON(!r);
    uint64_t count;
    bool is_small = space_count(&c->conf->space, &count) == ERR_OK && count <= SCAN_MAX;
    *r = (struct random_search){c, is_small ? count : 0};
    return r;
}

static bool is_wanted(const struct random_search *r, uint32_t number,
                      const struct arch *a)
{
    return strategy_admits(r->context->conf, number, a) &&
           !seen_has(r->context->seen, a);
}

// Every architecture once, from a random one on.
static bool scan(const struct random_search *r, uint32_t number, struct rng *rng,
                 struct arch *out)
{
    uint64_t start = r->n_scan > 0 ? rng_below(rng, r->n_scan) : 0;
    for (uint64_t i = 0; i < r->n_scan; i++) {
        *out = space_at(&r->context->conf->space, (start + i) % r->n_scan);
        if (is_wanted(r, number, out)) {
            return true;
        }
    }
    return false;
}

static bool random_propose(void *state, uint32_t number, struct arch *out)
{
    const struct random_search *r = state;
    const struct study_conf *conf = r->context->conf;
    struct rng rng = rng_stream(conf->seed, RNG_SEARCH, RANDOM_ID, number);
    for (int i = 0; i < DRAWS_MAX; i++) {
        *out = space_draw(&conf->space, &rng);
        if (is_wanted(r, number, out)) {
            return true;
        }
    }
    return scan(r, number, &rng, out);
}

const struct strategy_type strategy_random = {
    .name = "random",
    .create = random_create,
    .propose = random_propose,
    .destroy = free,
};
