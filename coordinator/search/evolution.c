// SPDX-License-Identifier: Apache-2.0
// evolution.c - regularised evolution: the best of a few of the youngest is mutated.
//
// Source: Real et al., "Regularized evolution for image classifier architecture
// search", AAAI 2019. The population is the youngest measured networks, by number, so
// that even the best die and a lucky measurement does not rule for ever.
#include "coordinator/search/breed.h"
#include "coordinator/search/draw.h"
#include "coordinator/search/vary.h"

#include <stdlib.h>

struct evolution {
    const struct strategy_context *context;
    size_t n;
    size_t *population; // indices into the archive, the youngest first
};

static void *evolution_create(const struct strategy_context *c)
{
    struct evolution *e = calloc(1, sizeof(*e));
    BUG_ON(!e);
    e->context = c;
    e->population = malloc((size_t)c->settings.population * sizeof(size_t));
    BUG_ON(!e->population);
    return e;
}

static void evolution_destroy(void *state)
{
    struct evolution *e = state;
    free(e->population);
    free(e);
}

static void find_population(struct evolution *e)
{
    const struct archive *a = e->context->archive;
    e->n = 0;
    for (size_t i = archive_count(a);
         i-- > 0 && e->n < (size_t)e->context->settings.population;) {
        if (archive_at(a, i)->state == ARCHIVE_MEASURED) {
            e->population[e->n++] = i;
        }
    }
}

static const struct archive_row *drawn(const struct evolution *e, struct rng *r)
{
    return archive_at(e->context->archive, e->population[rng_below(r, e->n)]);
}

static struct arch mutant(void *arg, struct rng *r)
{
    const struct evolution *e = arg;
    const struct strategy_context *c = e->context;
    const struct archive_row *best = drawn(e, r);
    for (int i = 1; i < c->settings.tournament; i++) {
        const struct archive_row *row = drawn(e, r);
        best = archive_is_better(row, best) ? row : best;
    }
    struct arch child = best->arch;
    vary_mutate(c->problem->space, &child, c->settings.mutation, r);
    return child;
}

static bool evolution_propose(void *state, uint32_t number, struct arch *out)
{
    struct evolution *e = state;
    const struct strategy_context *c = e->context;
    struct rng r = draw_stream(c, strategy_evolution.id, number);
    find_population(e);
    if (archive_count(c->archive) < (size_t)c->settings.population || e->n == 0) {
        return draw_start(c, &r, out);
    }
    return breed_new(c, mutant, e, &r, out);
}

const struct strategy_type strategy_evolution = {
    .name = "evolution",
    .summary = "regularised evolution: the best of a few of the youngest is mutated",
    .id = 2,
    .defaults = {.population = 50, .mutation = .1, .tournament = 10},
    .create = evolution_create,
    .propose = evolution_propose,
    .destroy = evolution_destroy,
};
