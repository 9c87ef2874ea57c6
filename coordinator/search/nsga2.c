// SPDX-License-Identifier: Apache-2.0
// nsga2.c - whole fronts over any objectives: the least dominated, loneliest first.
//
// Source: Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II",
// 2002. The population is chosen from everything measured, not from the last two
// generations, so that no network of the front is ever lost. Networks beyond a limit on
// what is measured rank behind all within, the smaller violation first.
#include "coordinator/pareto/rank.h"
#include "coordinator/search/breed.h"
#include "coordinator/search/draw.h"
#include "coordinator/search/vary.h"

#include <stdlib.h>

#define STEPPING .5 // of the proposals change one gene of one parent
#define CROSSING .9 // of the others have two parents

struct nsga2 {
    const struct strategy_context *context;
    uint64_t version; // of the archive that the population is from
    size_t n;
    size_t *population; // indices into the archive, best first
};

static void *nsga2_create(const struct strategy_context *c)
{
    struct nsga2 *g = calloc(1, sizeof(*g));
    BUG_ON(!g);
    g->context = c;
    g->population = malloc((size_t)c->settings.population * sizeof(size_t));
    BUG_ON(!g->population);
    return g;
}

static void nsga2_destroy(void *state)
{
    struct nsga2 *g = state;
    free(g->population);
    free(g);
}

static struct front_point point_of(const struct strategy_context *c, size_t i)
{
    const struct archive_row *row = archive_at(c->archive, i);
    struct front_point p = {.id = i, .n_objectives = c->problem->n_objectives};
    for (int o = 0; o < p.n_objectives; o++) {
        p.objective[o] = row->values[o];
    }
    return p;
}

static size_t feasible_points(const struct strategy_context *c,
                              struct front_point *points)
{
    size_t n = 0;
    for (size_t i = 0; i < archive_count(c->archive); i++) {
        const struct archive_row *row = archive_at(c->archive, i);
        if (row->state == ARCHIVE_MEASURED && row->violation <= 0) {
            points[n++] = point_of(c, i);
        }
    }
    return n;
}

static void choose(struct nsga2 *g)
{
    const struct strategy_context *c = g->context;
    size_t n_max = archive_count(c->archive);
    size_t n_wanted = (size_t)c->settings.population;
    struct front_point *points = calloc(n_max + 1, sizeof(*points));
    struct rank *ranks = calloc(n_max + 1, sizeof(*ranks));
    BUG_ON(!points || !ranks);
    size_t n = feasible_points(c, points);
    g->n = rank_best(points, n, n_wanted, ranks);
    for (size_t i = 0; i < g->n; i++) {
        g->population[i] = (size_t)points[ranks[i].index].id;
    }
    if (g->n == 0) { // violations alone decide
        g->n = archive_best(c->archive, n_wanted, g->population);
    }
    free(ranks);
    free(points);
}

static void find_population(struct nsga2 *g)
{
    if (g->n == 0 || g->version != archive_version(g->context->archive)) {
        g->version = archive_version(g->context->archive);
        choose(g);
    }
}

static const struct arch *parent(const struct nsga2 *g, struct rng *r)
{
    size_t i = breed_tournament(g->n, g->context->settings.tournament, r);
    return &archive_at(g->context->archive, g->population[i])->arch;
}

static struct arch child(void *arg, struct rng *r)
{
    const struct nsga2 *g = arg;
    const struct space *space = g->context->problem->space;
    struct arch a = *parent(g, r);
    if (rng_unit(r) < STEPPING) {
        vary_step(space, &a, r);
        return a;
    }
    if (rng_unit(r) < CROSSING) {
        a = vary_cross(space, &a, parent(g, r), r);
    }
    vary_mutate(space, &a, g->context->settings.mutation, r);
    return a;
}

static bool nsga2_propose(void *state, uint32_t number, struct arch *out)
{
    struct nsga2 *g = state;
    const struct strategy_context *c = g->context;
    struct rng r = draw_stream(c, strategy_nsga2.id, number);
    find_population(g);
    if (archive_count(c->archive) < (size_t)c->settings.population || g->n == 0) {
        return draw_start(c, &r, out);
    }
    return breed_new(c, child, g, &r, out);
}

const struct strategy_type strategy_nsga2 = {
    .name = "nsga2",
    .summary = "NSGA-II: whole fronts over all objectives",
    .id = 4,
    .serves_fronts = true,
    .defaults = {.population = 100, .mutation = .1, .tournament = 2},
    .create = nsga2_create,
    .propose = nsga2_propose,
    .destroy = nsga2_destroy,
};
