// SPDX-License-Identifier: Apache-2.0
// vary.c - see vary.h.
#include "coordinator/search/vary.h"

#define NEARBY .75 // of a gene's changes

static bool is_active(const struct gene *g, int depth)
{
    return g->layer <= depth;
}

static int get(const struct arch *a, const struct gene *g)
{
    return arch_value(a, g->kind, g->layer);
}

// Of the value, or of the next larger one where lists differ between layers.
static int index_of(const struct gene *g, int value)
{
    int low = 0;
    int high = g->n_values - 1;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (g->values[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int any_value(const struct gene *g, struct rng *r)
{
    return g->values[rng_below(r, (uint64_t)g->n_values)];
}

// Genes that come are drawn; with r NULL they are as the last layer's that was there.
static void set_depth(const struct space *s, struct arch *a, int depth, struct rng *r)
{
    int before = a->depth;
    a->depth = depth;
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (is_active(g, before) == is_active(g, depth)) {
            continue;
        }
        int *field = arch_field(a, g->kind, g->layer);
        if (!is_active(g, depth)) {
            *field = 0;
        } else {
            int last = arch_value(a, g->kind, before);
            *field = r ? any_value(g, r) : g->values[index_of(g, last)];
        }
    }
}

static void set(const struct space *s, struct arch *a, const struct gene *g, int value,
                struct rng *r)
{
    if (g->kind == GENE_DEPTH) {
        set_depth(s, a, value, r);
    } else {
        *arch_field(a, g->kind, g->layer) = value;
    }
}

// A distance of any order of magnitude that the list has, the small ones more often;
// turned around at the ends of the list.
static int nearby(const struct gene *g, int at, struct rng *r)
{
    int n_orders = 1;
    while (1 << n_orders < g->n_values) {
        n_orders++;
    }
    uint64_t first = rng_below(r, (uint64_t)n_orders);
    uint64_t second = rng_below(r, (uint64_t)n_orders);
    int order = 1 << (first < second ? first : second);
    int distance = order + (int)rng_below(r, (uint64_t)order);
    int to = rng_below(r, 2) ? at + distance : at - distance;
    if (to < 0 || to >= g->n_values) {
        to = 2 * at - to;
    }
    return to < 0 ? 0 : to >= g->n_values ? g->n_values - 1 : to;
}

// A value other than the present one.
static int other_value(const struct gene *g, int value, struct rng *r)
{
    int at = index_of(g, value);
    int to = rng_unit(r) < NEARBY ? nearby(g, at, r) : at;
    if (to == at) {
        to = (int)rng_below(r, (uint64_t)g->n_values - 1);
        to += to >= at;
    }
    return g->values[to];
}

static void change(const struct space *s, struct arch *a, const struct gene *g,
                   struct rng *r)
{
    set(s, a, g, other_value(g, get(a, g), r), r);
}

static bool can_change(const struct gene *g, const struct arch *a)
{
    return is_active(g, a->depth) && g->n_values > 1;
}

bool vary_step(const struct space *s, struct arch *a, struct rng *r)
{
    const struct gene *choices[SPACE_GENES_MAX];
    uint64_t n = 0;
    for (int i = 0; i < s->n_genes; i++) {
        if (can_change(&s->genes[i], a)) {
            choices[n++] = &s->genes[i];
        }
    }
    if (n == 0) {
        return false;
    }
    change(s, a, choices[rng_below(r, n)], r);
    return true;
}

void vary_mutate(const struct space *s, struct arch *a, double probability,
                 struct rng *r)
{
    bool has_changed = false;
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (rng_unit(r) < probability && can_change(g, a)) {
            change(s, a, g, r);
            has_changed = true;
        }
    }
    if (!has_changed) {
        vary_step(s, a, r);
    }
}

struct arch vary_cross(const struct space *s, const struct arch *a,
                       const struct arch *b, struct rng *r)
{
    const struct arch *parents[2] = {a, b};
    uint32_t bits = rng_u32(r);
    struct arch child = {.depth = parents[bits & 1]->depth};
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (g->kind == GENE_DEPTH || !is_active(g, child.depth)) {
            continue;
        }
        bits >>= 1; // SPACE_GENES_MAX is below 32
        const struct arch *from = parents[bits & 1];
        if (!is_active(g, from->depth)) {
            from = parents[!(bits & 1)];
        }
        *arch_field(&child, g->kind, g->layer) = get(from, g);
    }
    return child;
}

void vary_neighbours(const struct space *s, const struct arch *a, vary_visit_fn *visit,
                     void *arg)
{
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        for (int j = 0; can_change(g, a) && j < g->n_values; j++) {
            struct arch neighbour = *a;
            set(s, &neighbour, g, g->values[j], NULL);
            if (g->values[j] != get(a, g) && !visit(arg, &neighbour)) {
                return;
            }
        }
    }
}

// The largest value of the gene that keeps the limits, by halving; false for none.
static bool raise_to_limit(const struct problem *p, struct arch *a,
                           const struct gene *g)
{
    int *field = arch_field(a, g->kind, g->layer);
    int before = *field;
    int n_within = 0; // of the lowest values
    int end = g->n_values;
    while (n_within < end) {
        int middle = n_within + (end - n_within) / 2;
        *field = g->values[middle];
        if (problem_admits(p, a)) {
            n_within = middle + 1;
        } else {
            end = middle;
        }
    }
    *field = n_within > 0 ? g->values[n_within - 1] : before;
    return n_within > 0;
}

bool vary_to_limit(const struct problem *p, struct arch *a, struct rng *r)
{
    const struct gene *choices[SPACE_GENES_MAX];
    uint64_t n = 0;
    for (int i = 0; i < p->space->n_genes; i++) {
        const struct gene *g = &p->space->genes[i];
        if (g->kind != GENE_DEPTH && can_change(g, a)) {
            choices[n++] = g;
        }
    }
    return n > 0 && raise_to_limit(p, a, choices[rng_below(r, n)]);
}

// One random gene to a lower value, half the time to the next one; false when all are
// lowest.
static bool lower(const struct space *s, struct arch *a, struct rng *r)
{
    const struct gene *choices[SPACE_GENES_MAX];
    uint64_t n = 0;
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (is_active(g, a->depth) && get(a, g) > g->values[0]) {
            choices[n++] = g;
        }
    }
    if (n == 0) {
        return false;
    }
    const struct gene *g = choices[rng_below(r, n)];
    int at = index_of(g, get(a, g));
    int to = rng_below(r, 2) ? at - 1 : (int)rng_below(r, (uint64_t)at);
    set(s, a, g, g->values[to], r);
    return true;
}

struct descent {
    const struct problem *problem;
    struct arch best;
    double excess; // of the best
};

static bool visit_descent(void *arg, const struct arch *neighbour)
{
    struct descent *d = arg;
    double excess = problem_excess(d->problem, neighbour);
    if (excess < d->excess) {
        d->excess = excess;
        d->best = *neighbour;
    }
    return true;
}

// To the neighbour that exceeds the limits least, until none exceeds them less.
static bool descend(const struct problem *p, struct arch *a)
{
    struct descent d = {p, *a, problem_excess(p, a)};
    double before;
    do {
        before = d.excess;
        *a = d.best;
        vary_neighbours(p->space, a, visit_descent, &d);
    } while (d.excess < before);
    *a = d.best;
    return d.excess <= 0;
}

bool vary_repair(const struct problem *p, struct arch *a, struct rng *r)
{
    while (!problem_admits(p, a)) {
        if (!lower(p->space, a, r)) {
            return descend(p, a);
        }
    }
    return true;
}
