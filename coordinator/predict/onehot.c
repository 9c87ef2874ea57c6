// SPDX-License-Identifier: Apache-2.0
// onehot.c - see onehot.h.
#include "coordinator/predict/onehot.h"

size_t onehot_size(const struct space *s)
{
    size_t n = 0;
    for (int i = 0; i < s->n_genes; i++) {
        n += (size_t)s->genes[i].n_values;
    }
    return n;
}

static int index_of(const struct gene *g, int value)
{
    int low = 0;
    int high = g->n_values - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (g->values[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    BUG_ON(g->values[low] != value); // not of the space
    return low;
}

size_t onehot_of(const struct space *s, const struct arch *a,
                 int ones[static SPACE_GENES_MAX])
{
    struct arch copy = *a; // arch_field wants to write
    size_t n = 0;
    int first = 0; // of the gene's values
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (g->layer <= a->depth) {
            ones[n++] = first + index_of(g, *arch_field(&copy, g->kind, g->layer));
        }
        first += g->n_values;
    }
    return n;
}
