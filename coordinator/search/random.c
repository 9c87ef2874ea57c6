// SPDX-License-Identifier: Apache-2.0
// random.c - random search: uniformly drawn paths, those beyond the limits drawn again.
#include "coordinator/search/draw.h"

#include <stdlib.h>

static void *random_create(const struct strategy_context *c)
{
    const struct strategy_context **state = malloc(sizeof(const void *));
    BUG_ON(!state);
    *state = c;
    return (void *)state;
}

static bool random_propose(void *state, uint32_t number, struct arch *out)
{
    const struct strategy_context *c = *(const struct strategy_context **)state;
    struct rng r = draw_stream(c, strategy_random.id, number);
    return draw_new(c, &r, out);
}

const struct strategy_type strategy_random = {
    .name = "random",
    .summary = "uniformly drawn paths that stay within the limits",
    .id = 1,
    .defaults = {.population = 1, .mutation = .1, .tournament = 1},
    .create = random_create,
    .propose = random_propose,
    .destroy = free,
};
