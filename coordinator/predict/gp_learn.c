// SPDX-License-Identifier: Apache-2.0
// gp_learn.c - the shape of a Gaussian process, by climbing its marginal likelihood.
//
// A = R + noise^2 I, with R the kernel at variance 1. With the best variance put in,
// the log likelihood is -n/2 log(y' A^-1 y) - 1/2 log|A|, and its slope by a parameter
// 1/2 tr((a a' / v - A^-1) dA) with a = A^-1 y, v = y' a / n. Steps by the slope's sign
// (Riedmiller and Braun's Rprop), which needs no line search.
#include "coordinator/predict/doubles.h"
#include "coordinator/predict/gp.h"
#include "coordinator/predict/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Priors of the logarithms: most genes matter over their whole list, some not at all.
#define LENGTH_MEAN   .7
#define LENGTH_SPREAD 1.5
#define NOISE_MEAN    (-2.)
#define NOISE_SPREAD  1.
#define LOG_MIN       (-6.) // keeps A well conditioned
#define LOG_MAX       5.

#define STEPS      40
#define STEP_FIRST .3
#define STEP_MIN   1e-3
#define STEP_MAX   1.
#define STEP_UP    1.2
#define STEP_DOWN  .5

#define PARAMETERS_MAX (NUMERIC_MAX + 1)

struct climb {
    const struct gp_points *p;
    double *scaled;  // [n][d]
    double *r;       // [n][n]: A, then its Cholesky factor
    double *inverse; // [n][n]: L^-1, then A^-1
    double *a;       // [n]
    double *slopes;  // [n][n]: dR / d(log of the distance squared), times -2 / r^2
};

static double prior_slope(double x, double mean, double spread)
{
    return -(x - mean) / (spread * spread);
}

// Fills A's lower half and the slopes.
static void fill_kernel(struct climb *c, const struct gp_shape *shape)
{
    size_t n = c->p->n;
    size_t d = c->p->d;
    double noise = exp(2 * shape->noise);
    gp_scale(shape, c->p->x, n, d, c->scaled);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double r = gp_distance(c->scaled + i * d, c->scaled + j * d, d);
            double decay = exp(-ROOT5 * r);
            c->r[i * n + j] = (1 + ROOT5 * r + 5. / 3 * r * r) * decay;
            c->slopes[i * n + j] = 5. / 3 * (1 + ROOT5 * r) * decay;
        }
        c->r[i * n + i] = 1 + noise;
    }
}

// a = A^-1 y and A^-1 itself, from A's factor.
static void invert(struct climb *c)
{
    size_t n = c->p->n;
    memset(c->inverse, 0, n * n * sizeof(*c->inverse));
    for (size_t i = 0; i < n; i++) {
        c->inverse[i * n + i] = 1;
    }
    matrix_solve(c->r, n, c->inverse, n);
    matrix_solve_transposed(c->r, n, c->inverse, n);
    memcpy(c->a, c->p->y, n * sizeof(*c->a));
    matrix_solve(c->r, n, c->a, 1);
    matrix_solve_transposed(c->r, n, c->a, 1);
}

// The likelihood's slopes by the lengths [d], then by the noise.
static void add_slopes(const struct climb *c, const struct gp_shape *shape,
                       double *slope)
{
    size_t n = c->p->n;
    size_t d = c->p->d;
    double variance = 0;
    for (size_t i = 0; i < n; i++) {
        variance += c->p->y[i] * c->a[i] / (double)n;
    }
    variance = variance > 0 ? variance : 1e-300;
    for (size_t i = 0; i < n; i++) {
        const double *x = c->scaled + i * d;
        for (size_t j = 0; j < i; j++) {
            const double *z = c->scaled + j * d;
            double weight = c->a[i] * c->a[j] / variance - c->inverse[i * n + j];
            weight *= c->slopes[i * n + j]; // twice a half: both halves of A
            for (size_t k = 0; k < d; k++) {
                slope[k] += weight * (x[k] - z[k]) * (x[k] - z[k]);
            }
        }
        slope[d] += (c->a[i] * c->a[i] / variance - c->inverse[i * n + i]) *
                    exp(2 * shape->noise);
    }
}

// False where A is not positive definite.
static bool slope_at(struct climb *c, const struct gp_shape *shape, double *slope)
{
    size_t d = c->p->d;
    fill_kernel(c, shape);
    if (!matrix_cholesky(c->r, c->p->n)) {
        return false;
    }
    invert(c);
    for (size_t k = 0; k < d; k++) {
        slope[k] = prior_slope(shape->length[k], LENGTH_MEAN, LENGTH_SPREAD);
    }
    slope[d] = prior_slope(shape->noise, NOISE_MEAN, NOISE_SPREAD);
    add_slopes(c, shape, slope);
    return true;
}

static void climb(struct climb *c, struct gp_shape *shape)
{
    double slope[PARAMETERS_MAX];
    double last[PARAMETERS_MAX] = {0};
    double step[PARAMETERS_MAX];
    size_t d = c->p->d;
    for (size_t k = 0; k <= d; k++) {
        step[k] = STEP_FIRST;
    }
    for (int i = 0; i < STEPS && slope_at(c, shape, slope); i++) {
        for (size_t k = 0; k <= d; k++) {
            double *x = k < d ? &shape->length[k] : &shape->noise;
            double turn = slope[k] * last[k];
            step[k] *= turn > 0 ? STEP_UP : turn < 0 ? STEP_DOWN : 1;
            step[k] = fmin(fmax(step[k], STEP_MIN), STEP_MAX);
            *x += slope[k] > 0 ? step[k] : slope[k] < 0 ? -step[k] : 0;
            *x = fmin(fmax(*x, LOG_MIN), LOG_MAX);
            last[k] = slope[k];
        }
    }
}

struct gp_shape gp_learn(const struct gp_points *p)
{
    BUG_ON(p->d > NUMERIC_MAX);
    struct gp_shape shape = {.noise = NOISE_MEAN};
    for (size_t k = 0; k < p->d; k++) {
        shape.length[k] = LENGTH_MEAN;
    }
    struct climb c = {.p = p,
                      .scaled = doubles_create(p->n * p->d),
                      .r = doubles_create(p->n * p->n),
                      .inverse = doubles_create(p->n * p->n),
                      .a = doubles_create(p->n),
                      .slopes = doubles_create(p->n * p->n)};
    climb(&c, &shape);
    free(c.scaled);
    free(c.r);
    free(c.inverse);
    free(c.a);
    free(c.slopes);
    return shape;
}
