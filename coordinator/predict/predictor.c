// SPDX-License-Identifier: Apache-2.0
// predictor.c - see predictor.h. What every kind shares: labels are checked before they
// are fitted, and the space is kept.
#include "coordinator/predict/predictor_type.h"

#include <math.h>
#include <stdlib.h>

// A space whose genes stand in another order has another one-hot encoding, and a file
// could not say so: the order is space_build's.
static bool is_in_order(const struct space *s)
{
    for (int i = 1; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i - 1];
        const struct gene *next = &s->genes[i];
        if (g->kind > next->kind ||
            (g->kind == next->kind && g->layer >= next->layer)) {
            return false;
        }
    }
    return true;
}

static enum err check_labels(const struct predictor_type *type, const struct space *s,
                             const struct labels *l, struct errinfo *why)
{
    if (l->n < type->min_labels) {
        return err_set(why, ERR_INPUT, "%zu labels are too few for %s; at least %zu",
                       l->n, type->name, type->min_labels);
    }
    for (size_t i = 0; i < l->n; i++) {
        BUG_ON(!space_contains(s, &l->archs[i]));
        if (!isfinite(l->values[i])) {
            char text[ARCH_STRING_MAX];
            return err_set(why, ERR_NUMERIC, "the label of %s is not a finite number",
                           arch_print(&l->archs[i], text));
        }
    }
    return ERR_OK;
}

enum err predictor_fit(const char *kind, const struct space *s, const struct labels *l,
                       uint64_t seed, struct predictor **out, struct errinfo *why)
{
    *out = NULL;
    const struct predictor_type *type = predictor_type_find(kind);
    if (!type) {
        return err_set(why, ERR_INPUT, "there is no predictor \"%.40s\"; allowed: %s",
                       kind, predictor_type_names());
    }
    BUG_ON(!is_in_order(s));
    enum err e = check_labels(type, s, l, why);
    if (e != ERR_OK) {
        return e;
    }
    struct predictor *p = malloc(sizeof(*p));
    BUG_ON(!p);
    *p = (struct predictor){.type = type, .space = *s};
    e = type->fit(&p->space, l, seed, &p->state, why);
    if (e != ERR_OK) {
        free(p);
        return err_prefix(why, e, "%s", type->name);
    }
    *out = p;
    return ERR_OK;
}

void predictor_destroy(struct predictor *p)
{
    if (p) {
        p->type->destroy(p->state);
        free(p);
    }
}

void predictor_predict(const struct predictor *p, const struct arch *archs, size_t n,
                       double *values, double *spreads)
{
    if (n > 0) {
        p->type->predict(p->state, &p->space, archs, n, values, spreads);
    }
}

const char *predictor_kind(const struct predictor *p)
{
    return p->type->name;
}

const struct space *predictor_space(const struct predictor *p)
{
    return &p->space;
}

static bool holds(const struct gene *g, int value)
{
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i] == value) {
            return true;
        }
    }
    return false;
}

enum err predictor_covers(const struct predictor *p, const struct space *s,
                          struct errinfo *why)
{
    for (int i = 0; i < s->n_genes; i++) {
        const struct gene *g = &s->genes[i];
        const struct gene *known = space_gene(&p->space, g->kind, g->layer);
        for (int j = 0; j < g->n_values; j++) {
            if (!known || !holds(known, g->values[j])) {
                return err_set(why, ERR_INPUT,
                               "the predictor knows no network whose %s is %d: it was "
                               "made for another space",
                               g->name, g->values[j]);
            }
        }
    }
    return ERR_OK;
}
