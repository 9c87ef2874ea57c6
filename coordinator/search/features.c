// SPDX-License-Identifier: Apache-2.0
// features.c - see features.h.
#include "coordinator/search/features.h"

#include <math.h>

#define ABSENT .5 // a gene that does not exist
#define BEYOND 1.5

// A cost that is the same everywhere, or not known at the ends, tells nothing.
static void add_cost(struct features *f, const struct objective *cost)
{
    if (f->n_costs == FEATURES_COSTS_MAX) {
        return;
    }
    const struct problem *p = f->problem;
    struct arch smallest = space_smallest(p->space);
    struct arch largest = space_largest(p->space);
    double low = log(problem_cost(p, cost, &smallest));
    double high = log(problem_cost(p, cost, &largest));
    if (isfinite(low) && isfinite(high) && high > low) {
        f->costs[f->n_costs++] = (struct feature_cost){*cost, low, high};
        f->n++;
    }
}

static void add_latency(struct features *f, const struct objective *o)
{
    if (o->kind != OBJECTIVE_LATENCY) {
        return;
    }
    for (size_t i = 0; i < f->n_costs; i++) {
        if (objective_equal(&f->costs[i].cost, o)) {
            return;
        }
    }
    add_cost(f, o);
}

void features_init(struct features *f, const struct problem *p)
{
    *f = (struct features){.problem = p};
    for (int i = 0; i < p->space->n_genes; i++) {
        f->n += p->space->genes[i].n_values > 1;
    }
    add_cost(f, &(struct objective){.kind = OBJECTIVE_PARAMS});
    add_cost(f, &(struct objective){.kind = OBJECTIVE_MACS});
    for (int i = 0; i < p->n_constraints; i++) {
        add_latency(f, &p->constraints[i].objective);
    }
    for (int i = 0; i < p->n_objectives; i++) {
        add_latency(f, &p->objectives[i]);
    }
}

static double gene_feature(const struct gene *g, const struct arch *a)
{
    if (g->layer > a->depth) {
        return ABSENT;
    }
    double value = arch_value(a, g->kind, g->layer);
    double low = g->values[0];
    double high = g->values[g->n_values - 1];
    if (g->kind == GENE_WIDTH || g->kind == GENE_CAT) {
        return log(value / low) / log(high / low);
    }
    return (value - low) / (high - low);
}

void features_of(const struct features *f, const struct arch *a, double *out)
{
    const struct space *s = f->problem->space;
    size_t n = 0;
    for (int i = 0; i < s->n_genes; i++) {
        if (s->genes[i].n_values > 1) {
            out[n++] = gene_feature(&s->genes[i], a);
        }
    }
    for (size_t i = 0; i < f->n_costs; i++) {
        const struct feature_cost *c = &f->costs[i];
        double at = log(problem_cost(f->problem, &c->cost, a));
        at = (at - c->low) / (c->high - c->low);
        out[n++] = at < BEYOND ? at : BEYOND;
    }
}
