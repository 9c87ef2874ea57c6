// SPDX-License-Identifier: Apache-2.0
// ridge.c - linear regression with a penalty: a weight for each one-hot value and for
// the logarithms of the costs, and an offset that is not penalised.
//
// The penalty is the one of a grid with the lowest generalised cross-validation error,
// n |residual|^2 / (n - degrees of freedom)^2. Its root is the spread of a prediction.
// Source: Golub, Heath and Wahba, "Generalized cross-validation as a method for
// choosing a good ridge parameter", Technometrics 21, 1979.
#include "coordinator/predict/doubles.h"
#include "coordinator/predict/matrix.h"
#include "coordinator/predict/numeric.h"
#include "coordinator/predict/onehot.h"
#include "coordinator/predict/predictor_type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PENALTY_MIN 1e-3
#define PENALTY_MAX 1e3
#define N_PENALTIES 25

struct ridge {
    size_t n_ones;  // one-hot values
    size_t n;       // weights: those, then the costs
    double *weight; // [n]
    double offset;
    double spread;
};

// The normal equations of centred inputs and labels.
struct equations {
    size_t n_labels;
    size_t n;
    double *inputs; // [n_labels][n], centred
    double *means;  // [n]
    double mean;    // of the labels
    double *gram;   // [n][n]
    double *moment; // [n]: inputs' labels
    double square;  // |labels|^2
};

static struct ridge *ridge_create(const struct space *s)
{
    struct ridge *m = calloc(1, sizeof(*m));
    BUG_ON(!m);
    m->n_ones = onehot_size(s);
    m->n = m->n_ones + NUMERIC_COSTS;
    m->weight = doubles_create(m->n);
    return m;
}

static void ridge_destroy(void *ridge)
{
    struct ridge *m = ridge;
    if (m) {
        free(m->weight);
        free(m);
    }
}

// ---------------------------------------------------------------- fitting

static void fill_inputs(struct equations *q, const struct space *s,
                        const struct labels *l)
{
    struct numeric f;
    numeric_init(&f, s);
    for (size_t i = 0; i < l->n; i++) {
        int ones[SPACE_GENES_MAX];
        double *row = q->inputs + i * q->n;
        size_t n_ones = onehot_of(s, &l->archs[i], ones);
        for (size_t j = 0; j < n_ones; j++) {
            row[ones[j]] = 1;
        }
        numeric_costs(&f, &l->archs[i], row + q->n - NUMERIC_COSTS);
        for (size_t j = 0; j < q->n; j++) {
            q->means[j] += row[j] / (double)l->n;
        }
        q->mean += l->values[i] / (double)l->n;
    }
}

static void equations_init(struct equations *q, const struct space *s,
                           const struct labels *l, size_t n)
{
    *q = (struct equations){.n_labels = l->n,
                            .n = n,
                            .inputs = doubles_create(l->n * n),
                            .means = doubles_create(n),
                            .gram = doubles_create(n * n),
                            .moment = doubles_create(n)};
    fill_inputs(q, s, l);
    for (size_t i = 0; i < l->n; i++) {
        double *row = q->inputs + i * n;
        double label = l->values[i] - q->mean;
        q->square += label * label;
        for (size_t j = 0; j < n; j++) {
            row[j] -= q->means[j];
            q->moment[j] += row[j] * label;
        }
    }
    matrix_gram(q->inputs, l->n, n, q->gram);
}

static void equations_fini(struct equations *q)
{
    free(q->inputs);
    free(q->means);
    free(q->gram);
    free(q->moment);
}

// The factor of gram + penalty; false where rounding made it indefinite.
static bool factor(const struct equations *q, double penalty, double *out)
{
    memcpy(out, q->gram, q->n * q->n * sizeof(*out));
    for (size_t i = 0; i < q->n; i++) {
        out[i * q->n + i] += penalty;
    }
    return matrix_cholesky(out, q->n);
}

// n - trace of gram (gram + penalty)^-1, by the inverse's trace: the squares of L^-1.
static double degrees_of_freedom(const struct equations *q, double penalty,
                                 const double *l, double *scratch)
{
    double trace = 0;
    memset(scratch, 0, q->n * q->n * sizeof(*scratch));
    for (size_t i = 0; i < q->n; i++) {
        scratch[i * q->n + i] = 1;
    }
    matrix_solve(l, q->n, scratch, q->n);
    for (size_t i = 0; i < q->n * q->n; i++) {
        trace += scratch[i] * scratch[i];
    }
    return (double)q->n - penalty * trace + 1; // and the offset
}

static double residual(const struct equations *q, const double *weight)
{
    double sum = q->square;
    for (size_t i = 0; i < q->n; i++) {
        double row = 0;
        for (size_t j = 0; j < q->n; j++) {
            row += q->gram[i * q->n + j] * weight[j];
        }
        sum += weight[i] * (row - 2 * q->moment[i]);
    }
    return sum > 0 ? sum : 0;
}

// The generalised cross-validation error at a penalty, and its weights.
static double error_at(const struct equations *q, double penalty, double *weight,
                       double *l, double *scratch)
{
    if (!factor(q, penalty, l)) {
        return INFINITY;
    }
    memcpy(weight, q->moment, q->n * sizeof(*weight));
    matrix_solve(l, q->n, weight, 1);
    matrix_solve_transposed(l, q->n, weight, 1);
    double left = (double)q->n_labels - degrees_of_freedom(q, penalty, l, scratch);
    return left > .5 ? (double)q->n_labels * residual(q, weight) / (left * left)
                     : INFINITY;
}

static bool choose_penalty(const struct equations *q, struct ridge *m)
{
    double *weight = doubles_create(q->n);
    double *l = doubles_create(q->n * q->n);
    double *scratch = doubles_create(q->n * q->n);
    double best = INFINITY;
    for (int i = 0; i < N_PENALTIES; i++) {
        double part = (double)i / (N_PENALTIES - 1);
        double penalty = PENALTY_MIN * pow(PENALTY_MAX / PENALTY_MIN, part);
        double error = error_at(q, penalty, weight, l, scratch);
        if (error < best) {
            best = error;
            memcpy(m->weight, weight, q->n * sizeof(*weight));
        }
    }
    free(weight);
    free(l);
    free(scratch);
    m->spread = sqrt(best);
    return isfinite(best);
}

static enum err ridge_fit(const struct space *s, const struct labels *l, uint64_t seed,
                          void **state, struct errinfo *why)
{
    (void)seed; // nothing is drawn
    struct ridge *m = ridge_create(s);
    struct equations q;
    equations_init(&q, s, l, m->n);
    bool ok = choose_penalty(&q, m);
    m->offset = q.mean;
    for (size_t i = 0; i < m->n; i++) {
        m->offset -= q.means[i] * m->weight[i];
    }
    equations_fini(&q);
    if (!ok) {
        ridge_destroy(m);
        return err_set(why, ERR_NUMERIC, "the labels allow no fit");
    }
    *state = m;
    return ERR_OK;
}

// ---------------------------------------------------------------- predicting

static double predict_one(const struct ridge *m, const struct numeric *f,
                          const struct arch *a)
{
    int ones[SPACE_GENES_MAX];
    double costs[NUMERIC_COSTS];
    size_t n_ones = onehot_of(f->space, a, ones);
    double sum = m->offset;
    for (size_t i = 0; i < n_ones; i++) {
        sum += m->weight[ones[i]];
    }
    numeric_costs(f, a, costs);
    for (size_t i = 0; i < NUMERIC_COSTS; i++) {
        sum += m->weight[m->n_ones + i] * costs[i];
    }
    return sum;
}

static void ridge_predict(const void *ridge, const struct space *s,
                          const struct arch *archs, size_t n, double *values,
                          double *spreads)
{
    const struct ridge *m = ridge;
    struct numeric f;
    numeric_init(&f, s);
    for (size_t i = 0; i < n; i++) {
        values[i] = predict_one(m, &f, &archs[i]);
        if (spreads) {
            spreads[i] = m->spread;
        }
    }
}

static void ridge_save(const void *ridge, struct tensor_writer *w)
{
    const struct ridge *m = ridge;
    doubles_add(w, "weight", m->weight, m->n, 0);
    doubles_add(w, "offset", &m->offset, 1, 0);
    doubles_add(w, "spread", &m->spread, 1, 0);
}

static enum err ridge_load(const struct tensor_reader *r, const struct space *s,
                           void **state, struct errinfo *why)
{
    struct ridge *m = ridge_create(s);
    enum err e = doubles_read(r, "weight", m->weight, m->n, why);
    if (e == ERR_OK) {
        e = doubles_read(r, "offset", &m->offset, 1, why);
    }
    if (e == ERR_OK) {
        e = doubles_read(r, "spread", &m->spread, 1, why);
    }
    if (e != ERR_OK) {
        ridge_destroy(m);
        return e;
    }
    *state = m;
    return ERR_OK;
}

const struct predictor_type predictor_ridge = {
    .name = "ridge",
    .min_labels = 3,
    .fit = ridge_fit,
    .predict = ridge_predict,
    .save = ridge_save,
    .load = ridge_load,
    .destroy = ridge_destroy,
};
