// SPDX-License-Identifier: Apache-2.0
// crossval.c - see crossval.h.
#include "coordinator/predict/crossval.h"

#include "common/base/agreement.h"
#include "coordinator/predict/draws.h"

#include <stdlib.h>

// The labels, those of a fold together.
struct dealt {
    size_t n;
    size_t n_folds;
    uint32_t *order; // [n]: dealt label i is the caller's order[i]
    struct arch *archs;
    double *values;
    double *predicted;
};

static size_t fold_begin(const struct dealt *d, size_t fold)
{
    return fold * d->n / d->n_folds;
}

static void deal(struct dealt *d, const struct labels *l, size_t n_folds, uint64_t seed)
{
    *d = (struct dealt){.n = l->n,
                        .n_folds = n_folds,
                        .order = malloc(l->n * sizeof(*d->order)),
                        .archs = calloc(l->n, sizeof(*d->archs)),
                        .values = calloc(l->n, sizeof(*d->values)),
                        .predicted = calloc(l->n, sizeof(*d->predicted))};
    BUG_ON(!d->order || !d->archs || !d->values || !d->predicted);
    struct rng r = rng_stream(seed, RNG_FIT, DRAW_FOLDS, 0);
    rng_permutation(&r, d->order, d->n);
    for (size_t i = 0; i < d->n; i++) {
        d->archs[i] = l->archs[d->order[i]];
        d->values[i] = l->values[d->order[i]];
    }
}

static void dealt_fini(struct dealt *d)
{
    free(d->order);
    free(d->archs);
    free(d->values);
    free(d->predicted);
}

// Fits to everything but the fold and predicts the fold.
static enum err predict_fold(const char *kind, const struct space *s, struct dealt *d,
                             size_t fold, uint64_t seed, struct errinfo *why)
{
    size_t begin = fold_begin(d, fold);
    size_t n = fold_begin(d, fold + 1) - begin;
    size_t n_rest = d->n - n;
    struct arch *archs = malloc(n_rest * sizeof(*archs));
    double *values = malloc(n_rest * sizeof(*values));
    BUG_ON(!archs || !values);
    for (size_t i = 0; i < n_rest; i++) {
        size_t from = i < begin ? i : i + n;
        archs[i] = d->archs[from];
        values[i] = d->values[from];
    }
    struct predictor *p = NULL;
    const struct labels rest = {n_rest, archs, values};
    enum err e = predictor_fit(kind, s, &rest, seed, &p, why);
    if (e == ERR_OK) {
        predictor_predict(p, d->archs + begin, n, d->predicted + begin, NULL);
    }
    predictor_destroy(p);
    free(archs);
    free(values);
    return e;
}

static void judge(const struct dealt *d, struct crossval *out)
{
    *out = (struct crossval){.held_out = out->held_out};
    for (size_t fold = 0; fold < d->n_folds; fold++) {
        size_t begin = fold_begin(d, fold);
        size_t n = fold_begin(d, fold + 1) - begin;
        const double *predicted = d->predicted + begin;
        const double *values = d->values + begin;
        out->kendall_tau +=
            agreement_kendall(predicted, values, n) / (double)d->n_folds;
        out->spearman += agreement_spearman(predicted, values, n) / (double)d->n_folds;
    }
    out->rmse = agreement_rmse(d->predicted, d->values, d->n);
    for (size_t i = 0; out->held_out && i < d->n; i++) {
        out->held_out[d->order[i]] = d->predicted[i];
    }
}

enum err crossval_run(const char *kind, const struct space *s, const struct labels *l,
                      int n_folds, uint64_t seed, struct crossval *out,
                      struct errinfo *why)
{
    if (n_folds < 2 || l->n < 2 * (size_t)n_folds) {
        return err_set(why, ERR_INPUT,
                       "%zu labels in %d folds; allowed: from 2 folds, with at least 2 "
                       "labels each",
                       l->n, n_folds);
    }
    struct dealt d;
    deal(&d, l, (size_t)n_folds, seed);
    enum err e = ERR_OK;
    for (size_t fold = 0; e == ERR_OK && fold < d.n_folds; fold++) {
        e = predict_fold(kind, s, &d, fold, seed, why);
    }
    if (e == ERR_OK) {
        judge(&d, out);
    }
    dealt_fini(&d);
    return e;
}
