// SPDX-License-Identifier: Apache-2.0
// gp.c - see gp.h. Many labels: a random part of them is kept, and a smaller one
// decides the shape, since work grows with the cube of their number.
#include "coordinator/predict/gp.h"

#include "coordinator/predict/doubles.h"
#include "coordinator/predict/draws.h"
#include "coordinator/predict/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 2000 // a second of work; its factor takes 32 MB
#define LEARN_MAX  400
#define BATCH      64 // predictions whose spreads are solved for at once

struct gp {
    struct gp_points points;
    double mean; // of the labels
    struct gp_shape shape;

    // Made of the above.
    double variance;
    double *scaled; // [n][d]
    double *factor; // [n][n], of A
    double *a;      // [n]: A^-1 y
};

void gp_scale(const struct gp_shape *shape, const double *x, size_t n, size_t d,
              double *out)
{
    double part[NUMERIC_MAX];
    for (size_t k = 0; k < d; k++) {
        part[k] = exp(-shape->length[k]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < d; k++) {
            out[i * d + k] = x[i * d + k] * part[k];
        }
    }
}

double gp_distance(const double *a, const double *b, size_t d)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++) {
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    }
    return sqrt(sum);
}

double gp_matern(double distance)
{
    double t = ROOT5 * distance;
    return (1 + t + t * t / 3) * exp(-t);
}

static struct gp *gp_create(size_t n, size_t d)
{
    struct gp *g = calloc(1, sizeof(*g));
    BUG_ON(!g);
    g->points = (struct gp_points){n, d, doubles_create(n * d), doubles_create(n)};
    g->scaled = doubles_create(n * d);
    g->factor = doubles_create(n * n);
    g->a = doubles_create(n);
    return g;
}

static void gp_destroy(void *gp)
{
    struct gp *g = gp;
    if (!g) {
        return;
    }
    free(g->points.x);
    free(g->points.y);
    free(g->scaled);
    free(g->factor);
    free(g->a);
    free(g);
}

// ---------------------------------------------------------------- fitting

// What follows from points and shape; false where A is not positive definite.
static bool settle(struct gp *g)
{
    const struct gp_points *p = &g->points;
    double noise = exp(2 * g->shape.noise);
    gp_scale(&g->shape, p->x, p->n, p->d, g->scaled);
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < i; j++) {
            g->factor[i * p->n + j] = gp_matern(
                gp_distance(g->scaled + i * p->d, g->scaled + j * p->d, p->d));
        }
        g->factor[i * p->n + i] = 1 + noise;
    }
    if (!matrix_cholesky(g->factor, p->n)) {
        return false;
    }
    memcpy(g->a, p->y, p->n * sizeof(*g->a));
    matrix_solve(g->factor, p->n, g->a, 1);
    matrix_solve_transposed(g->factor, p->n, g->a, 1);
    g->variance = 0;
    for (size_t i = 0; i < p->n; i++) {
        g->variance += p->y[i] * g->a[i] / (double)p->n;
    }
    return isfinite(g->variance) && g->variance >= 0;
}

static void fill_points(struct gp *g, const struct space *s, const struct labels *l,
                        uint64_t seed)
{
    struct numeric f;
    struct rng r = rng_stream(seed, RNG_FIT, DRAW_POINTS, 0);
    uint32_t *order = malloc(l->n * sizeof(*order));
    BUG_ON(!order);
    rng_permutation(&r, order, l->n);
    numeric_init(&f, s);
    for (size_t i = 0; i < g->points.n; i++) {
        double x[NUMERIC_MAX];
        numeric_of(&f, &l->archs[order[i]], x);
        memcpy(g->points.x + i * g->points.d, x, g->points.d * sizeof(*x));
        g->points.y[i] = l->values[order[i]];
        g->mean += g->points.y[i] / (double)g->points.n;
    }
    for (size_t i = 0; i < g->points.n; i++) {
        g->points.y[i] -= g->mean;
    }
    free(order);
}

static enum err gp_fit(const struct space *s, const struct labels *l, uint64_t seed,
                       void **state, struct errinfo *why)
{
    struct gp *g = gp_create(l->n < POINTS_MAX ? l->n : POINTS_MAX, numeric_size(s));
    fill_points(g, s, l, seed);
    struct gp_points part = g->points;
    part.n = part.n < LEARN_MAX ? part.n : LEARN_MAX;
    g->shape = gp_learn(&part);
    if (!settle(g)) {
        gp_destroy(g);
        return err_set(why, ERR_NUMERIC, "the labels allow no fit");
    }
    *state = g;
    return ERR_OK;
}

// ---------------------------------------------------------------- predicting

// Kernel of a batch with the points: out [n points][n batch].
static void fill_kernel(const struct gp *g, const struct numeric *f,
                        const struct arch *archs, size_t n, double *out)
{
    const struct gp_points *p = &g->points;
    for (size_t i = 0; i < n; i++) {
        double x[NUMERIC_MAX];
        double scaled[NUMERIC_MAX];
        numeric_of(f, &archs[i], x);
        gp_scale(&g->shape, x, 1, p->d, scaled);
        for (size_t j = 0; j < p->n; j++) {
            out[j * n + i] = gp_matern(gp_distance(scaled, g->scaled + j * p->d, p->d));
        }
    }
}

// Of the value itself, without the labels' noise. Overwrites the kernel.
static void fill_spreads(const struct gp *g, double *kernel, size_t n, double *spreads)
{
    matrix_solve(g->factor, g->points.n, kernel, n);
    for (size_t i = 0; i < n; i++) {
        double left = 1;
        for (size_t j = 0; j < g->points.n; j++) {
            left -= kernel[j * n + i] * kernel[j * n + i];
        }
        spreads[i] = sqrt(left > 0 ? left * g->variance : 0);
    }
}

static void gp_predict(const void *gp, const struct space *s, const struct arch *archs,
                       size_t n, double *values, double *spreads)
{
    const struct gp *g = gp;
    struct numeric f;
    numeric_init(&f, s);
    double *kernel = doubles_create(g->points.n * BATCH);
    for (size_t first = 0; first < n; first += BATCH) {
        size_t rows = n - first < BATCH ? n - first : BATCH;
        fill_kernel(g, &f, archs + first, rows, kernel);
        for (size_t i = 0; i < rows; i++) {
            values[first + i] = g->mean;
            for (size_t j = 0; j < g->points.n; j++) {
                values[first + i] += kernel[j * rows + i] * g->a[j];
            }
        }
        if (spreads) {
            fill_spreads(g, kernel, rows, spreads + first);
        }
    }
    free(kernel);
}

// ---------------------------------------------------------------- file

static void gp_save(const void *gp, struct tensor_writer *w)
{
    const struct gp *g = gp;
    doubles_add(w, "x", g->points.x, g->points.n, g->points.d);
    doubles_add(w, "y", g->points.y, g->points.n, 0);
    doubles_add(w, "mean", &g->mean, 1, 0);
    doubles_add(w, "log_length", g->shape.length, g->points.d, 0);
    doubles_add(w, "log_noise", &g->shape.noise, 1, 0);
}

static enum err read_all(const struct tensor_reader *r, struct gp *g,
                         struct errinfo *why)
{
    const struct {
        const char *name;
        double *values;
        size_t n;
    } lists[] = {
        {"x", g->points.x, g->points.n * g->points.d},
        {"y", g->points.y, g->points.n},
        {"mean", &g->mean, 1},
        {"log_length", g->shape.length, g->points.d},
        {"log_noise", &g->shape.noise, 1},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof(lists) / sizeof(lists[0]); i++) {
        e = doubles_read(r, lists[i].name, lists[i].values, lists[i].n, why);
    }
    if (e == ERR_OK && !settle(g)) {
        e = err_set(why, ERR_CORRUPT, "its numbers make no Gaussian process");
    }
    return e;
}

static enum err gp_load(const struct tensor_reader *r, const struct space *s,
                        void **state, struct errinfo *why)
{
    const struct tensor *y = tensor_reader_find(r, "y");
    if (!y || y->n_values < 1 || y->n_values > POINTS_MAX) {
        return err_set(why, ERR_CORRUPT, "tensor y is not 1 to %d doubles (F64)",
                       POINTS_MAX);
    }
    struct gp *g = gp_create(y->n_values, numeric_size(s));
    enum err e = read_all(r, g, why);
    if (e != ERR_OK) {
        gp_destroy(g);
        return e;
    }
    *state = g;
    return ERR_OK;
}

const struct predictor_type predictor_gp = {
    .name = "gp",
    .min_labels = 5,
    .fit = gp_fit,
    .predict = gp_predict,
    .save = gp_save,
    .load = gp_load,
    .destroy = gp_destroy,
};
