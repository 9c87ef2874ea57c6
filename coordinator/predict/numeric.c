// SPDX-License-Identifier: Apache-2.0
// numeric.c - see numeric.h.
#include "coordinator/predict/numeric.h"

#include "common/space/complexity.h"

#include <math.h>

#define FRAMES 300
#define ABSENT (-.5) // further from every value than its neighbours in a list are

static void log_costs(const struct arch *a, double out[static NUMERIC_COSTS])
{
    const struct net_dims paper = DIMS_PAPER;
    struct complexity c = complexity_of(a, &paper, FRAMES);
    out[0] = log((double)c.params);
    out[1] = log((double)c.macs);
}

static double part_of(double low, double x, double high)
{
    return high > low ? (x - low) / (high - low) : 0;
}

void numeric_init(struct numeric *f, const struct space *s)
{
    struct arch smallest = space_smallest(s);
    struct arch largest = space_largest(s);
    f->space = s;
    log_costs(&smallest, f->low);
    log_costs(&largest, f->high);
}

size_t numeric_size(const struct space *s)
{
    return (size_t)s->n_genes + NUMERIC_COSTS;
}

void numeric_costs(const struct numeric *f, const struct arch *a,
                   double out[static NUMERIC_COSTS])
{
    log_costs(a, out);
    for (int i = 0; i < NUMERIC_COSTS; i++) {
        out[i] = part_of(f->low[i], out[i], f->high[i]);
    }
}

void numeric_of(const struct numeric *f, const struct arch *a,
                double out[static NUMERIC_MAX])
{
    struct arch copy = *a; // arch_field wants to write
    int n = f->space->n_genes;
    for (int i = 0; i < n; i++) {
        const struct gene *g = &f->space->genes[i];
        if (g->layer > a->depth) {
            out[i] = ABSENT;
            continue;
        }
        out[i] = part_of(log(g->values[0]), log(*arch_field(&copy, g->kind, g->layer)),
                         log(g->values[g->n_values - 1]));
    }
    numeric_costs(f, a, out + n);
}
