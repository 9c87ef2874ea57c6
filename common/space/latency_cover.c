// SPDX-License-Identifier: Apache-2.0
// latency_cover.c - see latency_cover.h. Greedy: each next network is the one that has
// most to say of what is not covered yet.
#include "common/space/latency_cover.h"

#include <stdlib.h>
#include <string.h>

#define KERNELS_MAX   8
#define DRAWS_A_CHECK 50 // of a held-out network, before the space is taken for empty

// In how many networks each unit is so far, by the places of its values in their lists.
struct counts {
    uint16_t layer1[KERNELS_MAX][LATENCY_KNOTS_MAX];
    uint16_t block[ARCH_DEPTH_MAX][LATENCY_KNOTS_MAX][KERNELS_MAX][LATENCY_KNOTS_MAX];
    uint16_t cat[ARCH_DEPTH_MAX][LATENCY_KNOTS_MAX][LATENCY_KNOTS_MAX];
    uint16_t pool[LATENCY_KNOTS_MAX];
};

struct covering {
    const struct gene *depth, *cat;
    const struct gene *width[ARCH_DEPTH_MAX + 1];
    const struct gene *kernel[ARCH_DEPTH_MAX + 1];
    uint16_t n_repeats;
    struct rng rng;
    struct counts n;
};

struct outline { // what a network's other choices depend on, as places in the lists
    int depth, width0, cat;
};

static void thin(struct gene *g, int n_knots)
{
    if (g->n_values <= n_knots) {
        return;
    }
    for (int i = 0; i < n_knots; i++) { // in place: i never passes what is read
        g->values[i] =
            g->values[(i * (g->n_values - 1) + (n_knots - 1) / 2) / (n_knots - 1)];
    }
    g->n_values = n_knots;
}

void latency_grid(const struct space *s, int n_knots, struct space *out)
{
    BUG_ON(n_knots < 2);
    *out = *s;
    for (int i = 0; i < out->n_genes; i++) {
        struct gene *g = &out->genes[i];
        if (g->kind == GENE_WIDTH || g->kind == GENE_CAT) {
            thin(g, n_knots);
        }
    }
}

static void covering_init(struct covering *c, const struct space *grid, int n_repeats,
                          uint64_t seed)
{
    memset(c, 0, sizeof(*c));
    c->depth = space_gene(grid, GENE_DEPTH, 0);
    c->cat = space_gene(grid, GENE_CAT, 0);
    BUG_ON(!c->depth || !c->cat || c->cat->n_values > LATENCY_KNOTS_MAX);
    int deepest = c->depth->values[c->depth->n_values - 1];
    BUG_ON(deepest < 1);
    for (int i = 0; i <= deepest; i++) {
        c->width[i] = space_gene(grid, GENE_WIDTH, i);
        c->kernel[i] = space_gene(grid, GENE_KERNEL, i);
        BUG_ON(!c->width[i] || c->width[i]->n_values > LATENCY_KNOTS_MAX);
        BUG_ON(!c->kernel[i] || c->kernel[i]->n_values > KERNELS_MAX);
    }
    c->n_repeats = (uint16_t)n_repeats;
    c->rng = rng_stream(seed, RNG_MEASURE, 0, 0);
}

// Whether a choice replaces the best so far; of n_equal equals, each as likely.
static bool is_taken(struct rng *r, int order, uint32_t *n_equal)
{
    if (order != 0) {
        *n_equal = order > 0 ? 1 : *n_equal;
        return order > 0;
    }
    return rng_below(r, ++*n_equal) == 0;
}

// The least covered choice of block `layer` (0: layer1) at that width0; returns in how
// many networks it is. Of equals one at random: units then meet in ever new company.
static uint16_t rarest(struct covering *c, int layer, int width0, int *kernel,
                       int *width)
{
    uint16_t least = UINT16_MAX;
    uint32_t n_equal = 0;
    int n_widths = layer > 0 ? c->width[layer]->n_values : 1;
    for (int k = 0; k < c->kernel[layer]->n_values; k++) {
        for (int w = 0; w < n_widths; w++) {
            uint16_t n = layer > 0 ? c->n.block[layer - 1][width0][k][w]
                                   : c->n.layer1[k][width0];
            if (is_taken(&c->rng, (n < least) - (n > least), &n_equal)) {
                least = n;
                *kernel = k;
                *width = w;
            }
        }
    }
    return least;
}

static bool has_rare(const struct covering *c, int layer, int width0)
{
    const struct gene *kernel = c->kernel[layer];
    const struct gene *width = c->width[layer];
    BUG_ON(!kernel || !width);
    for (int k = 0; k < kernel->n_values; k++) {
        for (int w = 0; w < width->n_values; w++) {
            if (c->n.block[layer - 1][width0][k][w] < c->n_repeats) {
                return true;
            }
        }
    }
    return false;
}

// How many units of the best network of that outline are not covered enough.
static int gain(const struct covering *c, const struct outline *o)
{
    int n = (c->n.cat[o->depth][o->width0][o->cat] < c->n_repeats) +
            (c->n.pool[o->cat] < c->n_repeats);
    for (int k = 0; k < c->kernel[0]->n_values; k++) {
        if (c->n.layer1[k][o->width0] < c->n_repeats) {
            n++;
            break;
        }
    }
    for (int layer = 1; layer <= c->depth->values[o->depth]; layer++) {
        n += has_rare(c, layer, o->width0);
    }
    return n;
}

static int best_outline(struct covering *c, struct outline *best)
{
    int n_widths = c->width[0]->n_values;
    int n_cats = c->cat->n_values;
    int most = 0;
    uint32_t n_equal = 0;
    for (int i = 0; i < c->depth->n_values * n_widths * n_cats; i++) {
        const struct outline o = {i / n_cats / n_widths, i / n_cats % n_widths,
                                  i % n_cats};
        int n = gain(c, &o);
        if (is_taken(&c->rng, (n > most) - (n < most), &n_equal)) {
            most = n;
            *best = o;
        }
    }
    return most;
}

static struct arch fill_in(struct covering *c, const struct outline *o)
{
    struct arch a = {.depth = c->depth->values[o->depth],
                     .cat = c->cat->values[o->cat]};
    a.width[0] = c->width[0]->values[o->width0];
    for (int layer = 0; layer <= a.depth; layer++) {
        int k = 0;
        int w = 0;
        rarest(c, layer, o->width0, &k, &w);
        a.kernel[layer] = c->kernel[layer]->values[k];
        if (layer > 0) {
            a.width[layer] = c->width[layer]->values[w];
            c->n.block[layer - 1][o->width0][k][w]++;
        } else {
            c->n.layer1[k][o->width0]++;
        }
    }
    c->n.cat[o->depth][o->width0][o->cat]++;
    c->n.pool[o->cat]++;
    return a;
}

// Given up with n_max + 1 networks.
static size_t cover_up_to(const struct space *grid, int n_repeats, uint64_t seed,
                          size_t n_max, struct arch **out)
{
    struct covering *c = malloc(sizeof(*c));
    BUG_ON(!c);
    covering_init(c, grid, n_repeats, seed);
    struct arch *archs = NULL;
    size_t n = 0;
    struct outline o;
    while (n <= n_max && best_outline(c, &o) > 0) {
        archs = realloc(archs, (n + 1) * sizeof(*archs)); // hundreds
        BUG_ON(!archs);
        archs[n++] = fill_in(c, &o);
    }
    free(c);
    *out = archs;
    return n;
}

size_t latency_cover(const struct space *grid, int n_repeats, uint64_t seed,
                     struct arch **out)
{
    return cover_up_to(grid, n_repeats, seed, SIZE_MAX, out);
}

// What is too large is given up as soon as that is seen: this runs on a loop.
size_t latency_cover_within(const struct space *s, size_t n_max, uint64_t seed,
                            struct arch **out)
{
    struct space *grid = malloc(sizeof(*grid));
    BUG_ON(!grid);
    size_t n = 0;
    *out = NULL;
    for (int knots = LATENCY_KNOTS_MAX; knots >= 2; knots--) {
        latency_grid(s, knots, grid);
        for (int repeats = LATENCY_REPEATS_MAX; repeats >= 1; repeats--) {
            free(*out);
            n = cover_up_to(grid, repeats, seed, n_max, out);
            if (n <= n_max) {
                free(grid);
                return n;
            }
        }
    }
    free(*out);
    n = latency_cover(grid, 1, seed, out); // the coarsest, whatever it takes
    free(grid);
    return n;
}

static bool holds(const struct arch *list, size_t n, const struct arch *a)
{
    for (size_t i = 0; i < n; i++) {
        if (arch_equal(&list[i], a)) {
            return true;
        }
    }
    return false;
}

size_t latency_holdout(const struct space *s, uint64_t seed, const struct arch *others,
                       size_t n_others, size_t n, struct arch *out)
{
    struct rng rng = rng_stream(seed, RNG_MEASURE, 1, 0);
    size_t n_found = 0;
    for (size_t i = 0; i < DRAWS_A_CHECK * n && n_found < n; i++) {
        struct arch a = space_draw(s, &rng);
        if (!holds(out, n_found, &a) && !holds(others, n_others, &a)) {
            out[n_found++] = a;
        }
    }
    return n_found;
}
