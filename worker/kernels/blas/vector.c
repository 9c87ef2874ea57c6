// SPDX-License-Identifier: Apache-2.0
// vector.c - BN and linear map over plain rows, a few of them; see blas.h.
#include "worker/kernels/blas/blas.h"

#include <math.h>
#include <string.h>

static const float *row_at(struct place p, int row, int n)
{
    return host_at(p) + (size_t)row * (size_t)n;
}

// Two passes, over rows that lie in a near cache.
static void measure(struct stream *s, const struct vector_norm *v)
{
    double *mean = host_sums(s, 0);
    double *variance = host_sums(s, 1);
    memset(mean, 0, (size_t)v->n * sizeof(*mean));
    memset(variance, 0, (size_t)v->n * sizeof(*variance));
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = row_at(v->x, r, v->n);
        for (int i = 0; i < v->n; i++) {
            mean[i] += (double)x[i] / v->n_rows;
        }
    }
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = row_at(v->x, r, v->n);
        for (int i = 0; i < v->n; i++) {
            double d = x[i] - mean[i];
            variance[i] += d * d / v->n_rows;
        }
    }
    for (int i = 0; i < v->n; i++) {
        host_at(v->norm.batch_mean)[i] = (float)mean[i];
        host_at(v->norm.batch_var)[i] = (float)variance[i];
    }
}

// y = scale (x - mean) + beta: not through a shift, for these few rows often lie close
// to each other and far from zero.
static void apply(struct stream *s, const struct vector_norm *v, bool by_batch)
{
    const float *mean = host_at(by_batch ? v->norm.batch_mean : v->norm.running_mean);
    const float *beta = host_at(v->norm.beta);
    float *scale = host_factors(s, 0);
    blas_norm_factors(&v->norm, by_batch, v->n, scale, host_factors(s, 1));
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = row_at(v->x, r, v->n);
        float *y = host_at(v->y) + (size_t)r * (size_t)v->n;
        for (int i = 0; i < v->n; i++) {
            y[i] = scale[i] * (x[i] - mean[i]) + beta[i];
        }
    }
}

void blas_vector_norm_train(struct stream *s, const struct vector_norm *v)
{
    measure(s, v);
    apply(s, v, true);
}

void blas_vector_norm_eval(struct stream *s, const struct vector_norm *v)
{
    apply(s, v, false);
}

static void norm_sums(const struct vector_norm *v, const struct vector_norm_back *b,
                      const float *inverse)
{
    float *d_gamma = host_at(b->d_gamma);
    float *d_beta = host_at(b->d_beta);
    const float *mean = host_at(v->norm.batch_mean);
    memset(d_gamma, 0, (size_t)v->n * sizeof(*d_gamma));
    memset(d_beta, 0, (size_t)v->n * sizeof(*d_beta));
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = row_at(v->x, r, v->n);
        const float *dy = row_at(b->dy, r, v->n);
        for (int i = 0; i < v->n; i++) {
            d_gamma[i] += dy[i] * (x[i] - mean[i]) * inverse[i];
            d_beta[i] += dy[i];
        }
    }
}

void blas_vector_norm_back(struct stream *s, const struct vector_norm *v,
                           const struct vector_norm_back *b)
{
    const float *mean = host_at(v->norm.batch_mean);
    const float *gamma = host_at(v->norm.gamma);
    const float *d_gamma = host_at(b->d_gamma);
    const float *d_beta = host_at(b->d_beta);
    float *inverse = host_factors(s, 0);
    float share = 1 / (float)v->n_rows;
    for (int i = 0; i < v->n; i++) {
        inverse[i] = (float)(1 / sqrt(host_at(v->norm.batch_var)[i] + NORM_EPS));
    }
    norm_sums(v, b, inverse);
    for (int r = 0; r < v->n_rows; r++) {
        const float *x = row_at(v->x, r, v->n);
        const float *dy = row_at(b->dy, r, v->n);
        float *dx = host_at(b->dx) + (size_t)r * (size_t)v->n;
        for (int i = 0; i < v->n; i++) {
            float unit = (x[i] - mean[i]) * inverse[i];
            float rest = dy[i] - (d_beta[i] + unit * d_gamma[i]) * share;
            dx[i] = gamma[i] * inverse[i] * rest;
        }
    }
}

void blas_linear(struct stream *s, const struct linear *l)
{
    (void)s;
    for (int r = 0; r < l->n_rows; r++) {
        memcpy(host_at(l->y) + (size_t)r * (size_t)l->out, host_at(l->bias),
               (size_t)l->out * sizeof(float));
    }
    gemm_nt((struct shape){l->n_rows, l->out, l->in}, blas_matrix(l->x, l->in),
            blas_matrix(l->weights, l->in), 1, (struct rows){host_at(l->y), l->out});
}

void blas_linear_back(struct stream *s, const struct linear *l,
                      const struct linear_back *b)
{
    (void)s;
    struct matrix dy = blas_matrix(b->dy, l->out);
    gemm_tn((struct shape){l->out, l->in, l->n_rows}, dy, blas_matrix(l->x, l->in), 0,
            (struct rows){host_at(b->d_weights), l->in});
    gemm_nn((struct shape){l->n_rows, l->in, l->out}, dy,
            blas_matrix(l->weights, l->in), 0, (struct rows){host_at(b->dx), l->in});
    float *d_bias = host_at(b->d_bias);
    memset(d_bias, 0, (size_t)l->out * sizeof(*d_bias));
    for (int r = 0; r < l->n_rows; r++) {
        for (int o = 0; o < l->out; o++) {
            d_bias[o] += row_at(b->dy, r, l->out)[o];
        }
    }
}
