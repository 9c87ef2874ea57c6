// SPDX-License-Identifier: Apache-2.0
// stage.c - see stage.h.
#include "common/space/stage.h"

#include <math.h>
#include <string.h>

#define WIDTH_STEP 8

static const char *const names[STAGE_KINDS] = {
    [STAGE_LARGEST] = "largest", [STAGE_KERNEL] = "kernel", [STAGE_DEPTH] = "depth",
    [STAGE_WIDTH1] = "width1",   [STAGE_WIDTH2] = "width2",
};

const char *stage_name(enum stage_kind k)
{
    BUG_ON((unsigned)k >= STAGE_KINDS);
    return names[k];
}

enum err stage_parse(const char *text, enum stage_kind *k)
{
    for (int i = 0; i < STAGE_KINDS; i++) {
        if (strcmp(text, names[i]) == 0) {
            *k = (enum stage_kind)i;
            return ERR_OK;
        }
    }
    return ERR_INPUT;
}

int stage_round_width(double ratio, int width)
{
    double wanted = ratio * width;
    int rounded = (int)floor(wanted / WIDTH_STEP + 0.5) * WIDTH_STEP;
    if (rounded < WIDTH_STEP) {
        rounded = WIDTH_STEP;
    }
    return rounded < 0.9 * wanted ? rounded + WIDTH_STEP : rounded;
}

static void keep_largest(struct gene *g)
{
    g->values[0] = g->values[g->n_values - 1];
    g->n_values = 1;
}

// Half, three quarters and all of the largest; what falls together counts once.
static void keep_ratios(struct gene *g)
{
    const double ratios[] = {0.5, 0.75, 1.0};
    int smallest = g->values[0];
    int largest = g->values[g->n_values - 1];
    g->n_values = 0;
    for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
        int value = stage_round_width(ratios[i], largest);
        bool is_new = g->n_values == 0 || value > g->values[g->n_values - 1];
        if (value >= smallest && value <= largest && is_new) {
            g->values[g->n_values++] = value;
        }
    }
}

typedef void narrow_fn(struct gene *g);

// What each stage leaves of a gene; NULL keeps all of its values.
static narrow_fn *const narrow[STAGE_KINDS][GENE_KINDS] = {
    [STAGE_LARGEST] = {[GENE_DEPTH] = keep_largest,
                       [GENE_WIDTH] = keep_largest,
                       [GENE_KERNEL] = keep_largest,
                       [GENE_CAT] = keep_largest},
    [STAGE_KERNEL] = {[GENE_DEPTH] = keep_largest,
                      [GENE_WIDTH] = keep_largest,
                      [GENE_CAT] = keep_largest},
    [STAGE_DEPTH] = {[GENE_WIDTH] = keep_largest, [GENE_CAT] = keep_largest},
    [STAGE_WIDTH1] = {[GENE_WIDTH] = keep_ratios, [GENE_CAT] = keep_ratios},
};

void stage_space(const struct space *full, enum stage_kind k, struct space *out)
{
    BUG_ON((unsigned)k >= STAGE_KINDS);
    *out = *full;
    for (int i = 0; i < out->n_genes; i++) {
        struct gene *g = &out->genes[i];
        narrow_fn *fn = narrow[k][g->kind];
        if (fn) {
            fn(g);
        }
    }
}
