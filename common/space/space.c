// SPDX-License-Identifier: Apache-2.0
// space.c - see space.h.
#include "common/space/space.h"

#include <stdio.h>
#include <string.h>

static bool is_active(const struct gene *g, int depth)
{
    return g->layer <= depth;
}

const struct gene *space_gene(const struct space *s, enum gene_kind kind, int layer)
{
    for (int i = 0; i < s->n_genes; i++) {
        if (s->genes[i].kind == kind && s->genes[i].layer == layer) {
            return &s->genes[i];
        }
    }
    return NULL;
}

static const struct gene *depth_gene(const struct space *s)
{
    const struct gene *g = space_gene(s, GENE_DEPTH, 0);
    BUG_ON(!g || g->n_values < 1);
    return g;
}

static enum err check_list(enum gene_kind kind, const struct value_list *list,
                           struct errinfo *why)
{
    const char *name = gene_kind_name(kind);
    if (list->n < 1 || list->n > SPACE_VALUES_MAX) {
        return err_set(why, ERR_INPUT, "%s has %d values; allowed: 1 to %d", name,
                       list->n, SPACE_VALUES_MAX);
    }
    for (int i = 0; i < list->n; i++) {
        if (!gene_kind_allows(kind, list->values[i])) {
            return err_set(why, ERR_INPUT, "%s value %d is not possible; allowed: %s",
                           name, list->values[i], gene_kind_allowed(kind));
        }
        if (i > 0 && list->values[i] <= list->values[i - 1]) {
            return err_set(why, ERR_INPUT,
                           "%s value %d follows %d; values must increase", name,
                           list->values[i], list->values[i - 1]);
        }
    }
    return ERR_OK;
}

static void add_gene(struct space *s, enum gene_kind kind, int layer,
                     const struct value_list *list)
{
    BUG_ON(s->n_genes == SPACE_GENES_MAX);
    struct gene *g = &s->genes[s->n_genes++];
    *g = (struct gene){.kind = kind, .layer = layer, .n_values = list->n};
    memcpy(g->values, list->values, (size_t)list->n * sizeof(list->values[0]));
    if (gene_kind_is_per_layer(kind)) {
        snprintf(g->name, sizeof(g->name), "%s%d", gene_kind_name(kind), layer);
    } else {
        snprintf(g->name, sizeof(g->name), "%s", gene_kind_name(kind));
    }
}

enum err space_build(struct space *s, const struct value_list *depths,
                     const struct value_list *widths, const struct value_list *kernels,
                     const struct value_list *cats, struct errinfo *why)
{
    const struct value_list *lists[GENE_KINDS] = {
        [GENE_DEPTH] = depths,
        [GENE_WIDTH] = widths,
        [GENE_KERNEL] = kernels,
        [GENE_CAT] = cats,
    };
    for (int kind = 0; kind < GENE_KINDS; kind++) {
        enum err e = check_list((enum gene_kind)kind, lists[kind], why);
        if (e != ERR_OK) {
            return e;
        }
    }
    int last_layer = depths->values[depths->n - 1];
    memset(s, 0, sizeof(*s));
    for (int kind = 0; kind < GENE_KINDS; kind++) {
        int last = gene_kind_is_per_layer((enum gene_kind)kind) ? last_layer : 0;
        for (int layer = 0; layer <= last; layer++) {
            add_gene(s, (enum gene_kind)kind, layer, lists[kind]);
        }
    }
    return ERR_OK;
}

// The number of choices once the depth is fixed; false on overflow.
static bool count_at_depth(const struct space *s, int depth, uint64_t *count)
{
    *count = 1;
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (g->kind != GENE_DEPTH && is_active(g, depth) &&
            __builtin_mul_overflow(*count, (uint64_t)g->n_values, count)) {
            return false;
        }
    }
    return true;
}

enum err space_count(const struct space *s, uint64_t *count)
{
    const struct gene *depths = depth_gene(s);
    uint64_t sum = 0;
    for (int i = 0; i < depths->n_values; i++) {
        uint64_t term;
        if (!count_at_depth(s, depths->values[i], &term) ||
            __builtin_add_overflow(sum, term, &sum)) {
            return ERR_LIMIT;
        }
    }
    *count = sum;
    return ERR_OK;
}

struct arch space_at(const struct space *s, uint64_t index)
{
    const struct gene *depths = depth_gene(s);
    struct arch a = {0};
    uint64_t term = 0;
    for (int i = 0; i < depths->n_values; i++) {
        a.depth = depths->values[i];
        BUG_ON(!count_at_depth(s, a.depth, &term));
        if (index < term) {
            break;
        }
        index -= term;
    }
    BUG_ON(index >= term);
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (g->kind != GENE_DEPTH && is_active(g, a.depth)) {
            *arch_field(&a, g->kind, g->layer) =
                g->values[index % (uint64_t)g->n_values];
            index /= (uint64_t)g->n_values;
        }
    }
    return a;
}

typedef int choose_fn(const struct gene *g, struct rng *r);

static int choose_uniform(const struct gene *g, struct rng *r)
{
    return g->values[rng_below(r, (uint64_t)g->n_values)];
}

static int choose_first(const struct gene *g, struct rng *r)
{
    (void)r;
    return g->values[0];
}

static int choose_last(const struct gene *g, struct rng *r)
{
    (void)r;
    return g->values[g->n_values - 1];
}

// Depth first, then the active genes in the space's order: the order of the draws is
// part of what makes a run reproducible.
static struct arch choose(const struct space *s, choose_fn *pick, struct rng *r)
{
    struct arch a = {.depth = pick(depth_gene(s), r)};
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (g->kind != GENE_DEPTH && is_active(g, a.depth)) {
            *arch_field(&a, g->kind, g->layer) = pick(g, r);
        }
    }
    return a;
}

struct arch space_draw(const struct space *s, struct rng *r)
{
    return choose(s, choose_uniform, r);
}

struct arch space_largest(const struct space *s)
{
    return choose(s, choose_last, NULL);
}

struct arch space_smallest(const struct space *s)
{
    return choose(s, choose_first, NULL);
}

static bool gene_holds(const struct gene *g, int value)
{
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i] == value) {
            return true;
        }
    }
    return false;
}

bool space_contains(const struct space *s, const struct arch *a)
{
    if (!gene_holds(depth_gene(s), a->depth)) {
        return false;
    }
    struct arch seen = {.depth = a->depth};
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        if (g->kind == GENE_DEPTH || !is_active(g, a->depth)) {
            continue;
        }
        int value = arch_value(a, g->kind, g->layer);
        if (!gene_holds(g, value)) {
            return false;
        }
        *arch_field(&seen, g->kind, g->layer) = value;
    }
    return arch_equal(&seen, a); // nothing beyond the active genes
}

// The largest architecture with one gene set otherwise: whether that value fits.
static enum err value_fits(const struct space *s, const struct gene *g, int value,
                           const struct net_dims *d, struct errinfo *why)
{
    struct arch a = space_largest(s);
    *arch_field(&a, g->kind, g->layer) = value;
    if (g->kind == GENE_DEPTH) {
        for (int i = value + 1; i <= ARCH_DEPTH_MAX; i++) {
            a.width[i] = 0;
            a.kernel[i] = 0;
        }
    }
    return arch_fits(&a, d, why);
}

enum err space_fits(const struct space *s, const struct net_dims *d,
                    struct errinfo *why)
{
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        for (int j = 0; j < g->n_values; j++) {
            enum err e = value_fits(s, g, g->values[j], d, why);
            if (e != ERR_OK) {
                return e;
            }
        }
    }
    return ERR_OK;
}
