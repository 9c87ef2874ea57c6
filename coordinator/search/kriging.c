// SPDX-License-Identifier: Apache-2.0
// kriging.c - see kriging.h. Matrices are row-major; of symmetric ones the lower half.
#include "coordinator/search/kriging.h"

#include "common/base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOT5 2.23606797749978969

// Prior of the logarithms: most genes matter over the whole list, many not at all.
#define LENGTH_PRIOR_MEAN   .7
#define LENGTH_PRIOR_SPREAD 1.
#define NOISE_PRIOR_MEAN    (-3.5)
#define NOISE_PRIOR_SPREAD  1.
#define NOISE_LOG_MIN       (-7.) // keeps the matrix well conditioned
#define LOG_MAX             4.
#define STEPS               30
#define FIRST_STEP          .3

static double *doubles(size_t n)
{
    double *p = calloc(n + 1, sizeof(*p));
    BUG_ON(!p);
    return p;
}

static double dot(const double *restrict a, const double *restrict b, size_t n)
{
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++) {
        s0 += a[i] * b[i];
    }
    return s0 + s1 + (s2 + s3);
}

static double distance(const double *restrict a, const double *restrict b, size_t d)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++) {
        double diff = a[i] - b[i];
        sum += diff * diff;
    }
    return sqrt(sum);
}

static double matern(double r)
{
    double t = ROOT5 * r;
    return (1 + t + t * t / 3) * exp(-t);
}

// dk/d(log length_i) = (5/3) (1 + sqrt5 r) exp(-sqrt5 r) * (scaled difference_i)^2.
static double matern_slope(double r)
{
    double t = ROOT5 * r;
    return 5. / 3 * (1 + t) * exp(-t);
}

// x with each input divided by its length.
static void scale(const struct kriging_shape *shape, const double *x, size_t n,
                  size_t d, double *out)
{
    double factor[KRIGING_INPUTS_MAX];
    for (size_t i = 0; i < d; i++) {
        factor[i] = exp(-shape->log_length[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            out[i * d + j] = x[i * d + j] * factor[j];
        }
    }
}

static void fill_covariance(const double *scaled, size_t n, size_t d, double log_noise,
                            double *k)
{
    double noise = exp(2 * log_noise);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            k[i * n + j] = matern(distance(&scaled[i * d], &scaled[j * d], d));
        }
        k[i * n + i] = 1 + noise;
    }
}

// In place. The noise keeps the pivots positive; the floor is for rounding.
static void cholesky(double *k, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *row = &k[i * n];
        for (size_t j = 0; j < i; j++) {
            const double *above = &k[j * n];
            row[j] = (row[j] - dot(row, above, j)) / above[j];
        }
        double pivot = row[i] - dot(row, row, i);
        row[i] = sqrt(pivot > 1e-12 ? pivot : 1e-12);
    }
}

// Solves L x = b in place.
static void solve_lower(const double *l, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        b[i] = (b[i] - dot(&l[i * n], b, i)) / l[i * n + i];
    }
}

// Solves L^T x = b in place, the n x n corner of a matrix with rows of `stride`.
static void solve_upper(const double *l, size_t stride, size_t n, double *b)
{
    for (size_t i = n; i-- > 0;) {
        b[i] /= l[i * stride + i];
        for (size_t j = 0; j < i; j++) {
            b[j] -= l[i * stride + j] * b[i];
        }
    }
}

// Lower half of inverse(L), then of inverse(L)^T inverse(L), in place of L.
static void invert(double *l, size_t n, double *column)
{
    for (size_t j = 0; j < n; j++) { // column j of the inverse, from below the diagonal
        for (size_t i = j; i < n; i++) {
            double sum = i == j ? 1 : -dot(&l[i * n + j], &column[j], i - j);
            column[i] = sum / l[i * n + i];
        }
        // L's column j is not needed by the later columns.
        for (size_t i = j; i < n; i++) {
            l[i * n + j] = column[i];
        }
    }
}

struct standard { // y = mean + spread * standardised
    double mean;
    double spread;
};

static struct standard standardise(const double *y, size_t n, double *out)
{
    struct standard s = {0, 0};
    for (size_t i = 0; i < n; i++) {
        s.mean += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        s.spread += (y[i] - s.mean) * (y[i] - s.mean) / (double)n;
    }
    s.spread = s.spread > 0 ? sqrt(s.spread) : 1;
    for (size_t i = 0; i < n; i++) {
        out[i] = (y[i] - s.mean) / s.spread;
    }
    return s;
}

struct learning {
    size_t n, d;
    const double *x;
    double *y;       // standardised
    double *scaled;  // [n, d]
    double *k;       // covariance, then its factor, then the factor's inverse
    double *alpha;   // inverse covariance times y
    double *column;  // [n]
    double *weights; // [n, n] what the covariance's entries weigh in the slope
};

static double prior_slope(double value, double mean, double spread)
{
    return (mean - value) / (spread * spread);
}

// alpha alpha^T / variance - inverse covariance, lower half; the inverse factor's
// columns are what it is made of.
static void fill_weights(struct learning *l)
{
    size_t n = l->n;
    invert(l->k, n, l->column);
    for (size_t i = 0; i < n; i++) { // transposed, so that rows are multiplied
        for (size_t j = 0; j < i; j++) {
            l->k[j * n + i] = l->k[i * n + j];
        }
    }
    double variance = dot(l->y, l->alpha, n) / (double)n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double inverse = dot(&l->k[i * n + i], &l->k[j * n + i], n - i);
            l->weights[i * n + j] = l->alpha[i] * l->alpha[j] / variance - inverse;
        }
    }
}

// The slope of the profiled log likelihood by each log length, then by the log noise.
static void find_slope(struct learning *l, const struct kriging_shape *shape,
                       double *slope)
{
    size_t n = l->n;
    size_t d = l->d;
    scale(shape, l->x, n, d, l->scaled);
    fill_covariance(l->scaled, n, d, shape->log_noise, l->k);
    cholesky(l->k, n);
    memcpy(l->alpha, l->y, n * sizeof(double));
    solve_lower(l->k, n, l->alpha);
    solve_upper(l->k, n, n, l->alpha);
    fill_weights(l);
    memset(slope, 0, (d + 1) * sizeof(*slope));
    for (size_t i = 0; i < n; i++) {
        const double *a = &l->scaled[i * d];
        for (size_t j = 0; j < i; j++) {
            const double *b = &l->scaled[j * d];
            double w = l->weights[i * n + j] * matern_slope(distance(a, b, d));
            for (size_t q = 0; q < d; q++) {
                slope[q] += w * (a[q] - b[q]) * (a[q] - b[q]);
            }
        }
        slope[d] += l->weights[i * n + i] * exp(2 * shape->log_noise);
    }
}

static void add_prior(const struct kriging_shape *shape, size_t d, double *slope)
{
    for (size_t i = 0; i < d; i++) {
        slope[i] +=
            prior_slope(shape->log_length[i], LENGTH_PRIOR_MEAN, LENGTH_PRIOR_SPREAD);
    }
    slope[d] += prior_slope(shape->log_noise, NOISE_PRIOR_MEAN, NOISE_PRIOR_SPREAD);
}

// Resilient steps: each value goes by its slope's sign alone, faster while it keeps.
static void take_step(double *value, double slope, double *before, double *step,
                      double min)
{
    double agreement = slope * *before;
    *step *= agreement > 0 ? 1.2 : agreement < 0 ? .5 : 1;
    *value += slope > 0 ? *step : slope < 0 ? -*step : 0;
    *value = *value < min ? min : *value > LOG_MAX ? LOG_MAX : *value;
    *before = slope;
}

static void climb(struct learning *l, struct kriging_shape *shape)
{
    double slope[KRIGING_INPUTS_MAX + 1];
    double before[KRIGING_INPUTS_MAX + 1] = {0};
    double step[KRIGING_INPUTS_MAX + 1];
    for (size_t i = 0; i <= l->d; i++) {
        step[i] = FIRST_STEP;
    }
    for (int s = 0; s < STEPS; s++) {
        find_slope(l, shape, slope);
        add_prior(shape, l->d, slope);
        for (size_t i = 0; i < l->d; i++) {
            take_step(&shape->log_length[i], slope[i], &before[i], &step[i], -LOG_MAX);
        }
        take_step(&shape->log_noise, slope[l->d], &before[l->d], &step[l->d],
                  NOISE_LOG_MIN);
    }
}

struct kriging_shape kriging_learn(const double *x, const double *y, size_t n, size_t d)
{
    BUG_ON(n < 2 || d < 1 || d > KRIGING_INPUTS_MAX);
    struct learning l = {n,
                         d,
                         x,
                         doubles(n),
                         doubles(n * d),
                         doubles(n * n),
                         doubles(n),
                         doubles(n),
                         doubles(n * n)};
    struct kriging_shape shape = {.log_noise = NOISE_PRIOR_MEAN};
    for (size_t i = 0; i < d; i++) {
        shape.log_length[i] = LENGTH_PRIOR_MEAN;
    }
    standardise(y, n, l.y);
    climb(&l, &shape);
    free(l.weights);
    free(l.column);
    free(l.alpha);
    free(l.k);
    free(l.scaled);
    free(l.y);
    return shape;
}

struct kriging {
    size_t n, n_measured, d; // n with the pending ones
    struct kriging_shape shape;
    struct standard standard;
    double variance; // of the signal, standardised
    double *scaled;  // [n, d]
    double *l;       // [n, n]
    double *alpha;   // [n_measured]
};

struct kriging *kriging_create(const struct kriging_shape *shape, const double *x,
                               const double *y, size_t n_measured, size_t n_pending,
                               size_t d)
{
    BUG_ON(n_measured < 2 || d < 1 || d > KRIGING_INPUTS_MAX);
    size_t n = n_measured + n_pending;
    struct kriging *k = malloc(sizeof(*k));
    BUG_ON(!k);
    *k = (struct kriging){.n = n, .n_measured = n_measured, .d = d, .shape = *shape};
    k->scaled = doubles(n * d);
    k->l = doubles(n * n);
    k->alpha = doubles(n);
    scale(shape, x, n, d, k->scaled);
    fill_covariance(k->scaled, n, d, shape->log_noise, k->l);
    cholesky(k->l, n);
    k->standard = standardise(y, n_measured, k->alpha);
    // The leading corner of the factor is the factor of the measured ones alone.
    for (size_t i = 0; i < n_measured; i++) {
        k->alpha[i] = (k->alpha[i] - dot(&k->l[i * n], k->alpha, i)) / k->l[i * n + i];
    }
    k->variance = dot(k->alpha, k->alpha, n_measured) / (double)n_measured;
    solve_upper(k->l, n, n_measured, k->alpha);
    return k;
}

void kriging_destroy(struct kriging *k)
{
    if (k) {
        free(k->scaled);
        free(k->l);
        free(k->alpha);
        free(k);
    }
}

// Covariances with the first n points.
static void covary(const struct kriging *k, const double *x, size_t n, double *out)
{
    double scaled[KRIGING_INPUTS_MAX];
    scale(&k->shape, x, 1, k->d, scaled);
    for (size_t i = 0; i < n; i++) {
        out[i] = matern(distance(scaled, &k->scaled[i * k->d], k->d));
    }
}

static double mean_of(const struct kriging *k, const double *covariances)
{
    return k->standard.mean +
           k->standard.spread * dot(covariances, k->alpha, k->n_measured);
}

double kriging_mean(const struct kriging *k, const double *x)
{
    double *covariances = doubles(k->n_measured);
    covary(k, x, k->n_measured, covariances);
    double mean = mean_of(k, covariances);
    free(covariances);
    return mean;
}

void kriging_predict(const struct kriging *k, const double *x, double *mean,
                     double *spread)
{
    double *covariances = doubles(k->n);
    covary(k, x, k->n, covariances);
    *mean = mean_of(k, covariances);
    solve_lower(k->l, k->n, covariances);
    double left = 1 - dot(covariances, covariances, k->n);
    *spread = k->standard.spread * sqrt(k->variance * (left > 0 ? left : 0));
    free(covariances);
}
