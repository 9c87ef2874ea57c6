// SPDX-License-Identifier: Apache-2.0
// conv.c - convolutions, with BN and with ReLU alone; see blas.h.
#include "worker/kernels/blas/blas.h"

#include <math.h>
#include <string.h>

static struct matrix rows_from(struct plane p, int row)
{
    return (struct matrix){host_row(p, row), p.ld};
}

static int rows_between(const struct stream *s)
{
    return s->n_rows - 2 * s->gap;
}

// The first frame's row as the first tap reads it, and as the last.
static int first_row(const struct stream *s, const struct conv *c)
{
    return s->gap - c->taps / 2 * c->dilation;
}

static int last_row(const struct stream *s, const struct conv *c)
{
    return s->gap + c->taps / 2 * c->dilation;
}

static ptrdiff_t tap_floats(const struct conv *c)
{
    return (ptrdiff_t)c->out * c->in;
}

static ptrdiff_t step_floats(const struct conv *c, struct plane p)
{
    return (ptrdiff_t)c->dilation * p.ld;
}

void blas_conv(const struct stream *s, const struct conv *c, struct plane x,
               struct plane y)
{
    struct shape shape = {rows_between(s), c->out, c->in};
    struct taps taps = {c->taps, step_floats(c, x), tap_floats(c), 0};
    gemm_nt_taps(shape, rows_from(x, first_row(s, c)), blas_matrix(c->weights, c->in),
                 0.0F, blas_rows(y, s->gap), &taps);
}

void blas_conv_back(const struct stream *s, const struct conv *c, struct plane x,
                    struct plane dy, struct place d_weights)
{
    struct shape shape = {c->out, c->in, rows_between(s)};
    struct taps taps = {c->taps, 0, step_floats(c, x), tap_floats(c)};
    gemm_tn_each(shape, rows_from(dy, s->gap), rows_from(x, first_row(s, c)),
                 (struct rows){host_at(d_weights), c->in}, &taps);
}

// Taps lie the other way round: what the first read comes from the rows behind.
void blas_conv_back_input(const struct stream *s, const struct conv *c, struct plane dy,
                          struct plane dx, bool accumulate)
{
    struct shape shape = {rows_between(s), c->in, c->out};
    struct taps taps = {c->taps, -step_floats(c, dy), tap_floats(c), 0};
    gemm_nn_taps(shape, rows_from(dy, last_row(s, c)), blas_matrix(c->weights, c->in),
                 accumulate ? 1.0F : 0.0F, blas_rows(dx, s->gap), &taps);
}

void blas_norm_factors(const struct norm *norm, bool by_batch, int n, float *scale,
                       float *shift)
{
    const float *mean = host_at(by_batch ? norm->batch_mean : norm->running_mean);
    const float *var = host_at(by_batch ? norm->batch_var : norm->running_var);
    const float *gamma = host_at(norm->gamma);
    const float *beta = host_at(norm->beta);
    for (int i = 0; i < n; i++) {
        scale[i] = (float)(gamma[i] / sqrt(var[i] + NORM_EPS));
        shift[i] = beta[i] - mean[i] * scale[i];
    }
}

const float *blas_pivot(struct stream *s, struct plane z, int n)
{
    float *pivot = host_factors(s, HOST_FACTORS - 1);
    const float *first = host_row(z, s->utts[0].first);
    for (int i = 0; i < n; i++) {
        pivot[i] = first[i] > 0 ? first[i] : 0;
    }
    return pivot;
}

// Mean and biased variance of z from its sums over all frames, around the pivot. A NaN
// stays one, so that the loss shows it.
static void measure(const struct stream *s, const struct norm *norm, int n,
                    const float *pivot, double *const sums[2])
{
    for (int i = 0; i < n; i++) {
        double mean = sums[0][i] / s->n_real;
        double variance = sums[1][i] / s->n_real - mean * mean;
        host_at(norm->batch_mean)[i] = (float)(pivot[i] + mean);
        host_at(norm->batch_var)[i] = (float)(variance < 0 ? 0 : variance);
    }
}

static struct extent extent_of(const struct stream *s, int utt, int n)
{
    return (struct extent){s->utts[utt].n, n};
}

// The sums of one part, [part][n], zeroed.
static double *part_sums(struct stream *s, int which, int part, int n)
{
    double *sums = host_sums(s, which) + (size_t)part * (size_t)n;
    memset(sums, 0, (size_t)n * sizeof(*sums));
    return sums;
}

static void relu_sums(const struct utts_work *w, struct utts u)
{
    const struct conv_norm *c = w->layer;
    int n = c->conv.out;
    const float *pivot = host_factors(w->s, HOST_FACTORS - 1);
    double *const sums[2] = {part_sums(w->s, 0, u.part, n),
                             part_sums(w->s, 1, u.part, n)};
    for (int i = u.first; i < u.end; i++) {
        passes_best()->relu_sums(extent_of(w->s, i, n),
                                 blas_rows(c->z, w->s->utts[i].first), pivot, sums);
    }
}

static void scale_shift(const struct utts_work *w, struct utts u)
{
    const struct conv_norm *c = w->layer;
    const float *scale = host_factors(w->s, 0);
    const float *shift = host_factors(w->s, 1);
    for (int i = u.first; i < u.end; i++) {
        int first = w->s->utts[i].first;
        passes_best()->scale_shift(extent_of(w->s, i, c->conv.out),
                                   blas_rows(c->z, first), scale, shift,
                                   blas_rows(c->y, first), blas_rows(c->next, first));
    }
}

void blas_conv_norm_train(struct stream *s, const struct conv_norm *c)
{
    int n = c->conv.out;
    const struct utts_work work = {.s = s, .n = n, .layer = c};
    double *const sums[2] = {host_sums(s, 0), host_sums(s, 1)};
    blas_conv(s, &c->conv, c->x, c->z);
    const float *pivot = blas_pivot(s, c->z, n);
    int n_parts = blas_each_utts(relu_sums, &work);
    blas_add_parts(sums[0], n_parts, n);
    blas_add_parts(sums[1], n_parts, n);
    measure(s, &c->norm, n, pivot, sums);
    blas_norm_factors(&c->norm, true, n, host_factors(s, 0), host_factors(s, 1));
    blas_each_utts(scale_shift, &work);
    host_zero_gaps(s, c->y, n);
}

static void relu_scale_shift(const struct utts_work *w, struct utts u)
{
    const struct conv_norm *c = w->layer;
    const float *scale = host_factors(w->s, 0);
    const float *shift = host_factors(w->s, 1);
    for (int i = u.first; i < u.end; i++) {
        int first = w->s->utts[i].first;
        passes_best()->relu_scale_shift(extent_of(w->s, i, c->conv.out),
                                        blas_rows(c->y, first), scale, shift,
                                        blas_rows(c->next, first));
    }
}

void blas_conv_norm_eval(struct stream *s, const struct conv_norm *c)
{
    int n = c->conv.out;
    blas_norm_factors(&c->norm, false, n, host_factors(s, 0), host_factors(s, 1));
    blas_conv(s, &c->conv, c->x, c->y);
    blas_each_utts(relu_scale_shift, &(struct utts_work){.s = s, .n = n, .layer = c});
    host_zero_gaps(s, c->y, n);
}

// From sums over all frames of dy and dy (z - mean): gradients of gamma and beta, and
// the slopes of norm_back. a = gamma / deviation; b and c take out the two means.
static void norm_slopes(const struct stream *s, const struct conv_norm *c,
                        const struct conv_norm_back *b, double *const sums[2],
                        float *const slopes[3])
{
    for (int i = 0; i < c->conv.out; i++) {
        double inverse = 1 / sqrt(host_at(c->norm.batch_var)[i] + NORM_EPS);
        double a = host_at(c->norm.gamma)[i] * inverse;
        double d_gamma = sums[1][i] * inverse;
        host_at(b->d_gamma)[i] = (float)d_gamma;
        host_at(b->d_beta)[i] = (float)sums[0][i];
        slopes[0][i] = (float)a;
        slopes[1][i] = (float)(-a * inverse * d_gamma / s->n_real);
        slopes[2][i] = (float)(-a * sums[0][i] / s->n_real);
    }
}

static void norm_back_sums(const struct utts_work *w, struct utts u)
{
    const struct conv_norm *c = w->layer;
    const struct conv_norm_back *b = w->back;
    int n = c->conv.out;
    double *const sums[2] = {part_sums(w->s, 0, u.part, n),
                             part_sums(w->s, 1, u.part, n)};
    for (int i = u.first; i < u.end; i++) {
        int first = w->s->utts[i].first;
        passes_best()->norm_back_sums(extent_of(w->s, i, n), blas_rows(b->dy, first),
                                      blas_rows(b->dy_more, first),
                                      blas_rows(c->z, first),
                                      host_at(c->norm.batch_mean), sums);
    }
}

static void norm_back(const struct utts_work *w, struct utts u)
{
    const struct conv_norm *c = w->layer;
    const struct conv_norm_back *b = w->back;
    struct norm_slopes at = {host_factors(w->s, 0), host_factors(w->s, 1),
                             host_factors(w->s, 2), host_at(c->norm.batch_mean)};
    for (int i = u.first; i < u.end; i++) {
        struct rows dy = blas_rows(b->dy, w->s->utts[i].first);
        passes_best()->norm_back(extent_of(w->s, i, c->conv.out), dy,
                                 blas_rows(c->z, w->s->utts[i].first), &at, dy);
    }
}

// dy becomes the gradient of the convolution's output.
static void norm_relu_back(struct stream *s, const struct conv_norm *c,
                           const struct conv_norm_back *b)
{
    int n = c->conv.out;
    const struct utts_work work = {s, n, c, b};
    double *const sums[2] = {host_sums(s, 0), host_sums(s, 1)};
    float *const slopes[3] = {host_factors(s, 0), host_factors(s, 1),
                              host_factors(s, 2)};
    int n_parts = blas_each_utts(norm_back_sums, &work);
    blas_add_parts(sums[0], n_parts, n);
    blas_add_parts(sums[1], n_parts, n);
    norm_slopes(s, c, b, sums, slopes);
    blas_each_utts(norm_back, &work);
    host_zero_gaps(s, b->dy, n);
}

void blas_conv_norm_back(struct stream *s, const struct conv_norm *c,
                         const struct conv_norm_back *b)
{
    norm_relu_back(s, c, b);
    blas_conv_back(s, &c->conv, c->x, b->dy, b->d_weights);
    if (plane_exists(b->dx)) {
        blas_conv_back_input(s, &c->conv, b->dy, b->dx, b->accumulate_dx);
    }
}

static void relu(const struct utts_work *w, struct utts u)
{
    const struct conv_relu *c = w->layer;
    for (int i = u.first; i < u.end; i++) {
        passes_best()->relu(extent_of(w->s, i, c->conv.out),
                            blas_rows(c->y, w->s->utts[i].first));
    }
}

void blas_conv_relu(struct stream *s, const struct conv_relu *c)
{
    blas_conv(s, &c->conv, c->x, c->y);
    blas_each_utts(relu, &(struct utts_work){.s = s, .n = c->conv.out, .layer = c});
    host_zero_gaps(s, c->y, c->conv.out);
}

static void relu_back(const struct utts_work *w, struct utts u)
{
    const struct conv_relu *c = w->layer;
    const struct conv_relu_back *b = w->back;
    for (int i = u.first; i < u.end; i++) {
        int first = w->s->utts[i].first;
        passes_best()->relu_back(extent_of(w->s, i, c->conv.out),
                                 blas_rows(c->y, first), blas_rows(b->dy, first));
    }
}

void blas_conv_relu_back(struct stream *s, const struct conv_relu *c,
                         const struct conv_relu_back *b)
{
    blas_each_utts(relu_back, &(struct utts_work){s, c->conv.out, c, b});
    host_zero_gaps(s, b->dy, c->conv.out);
    blas_conv_back(s, &c->conv, c->x, b->dy, b->d_weights);
    blas_conv_back_input(s, &c->conv, b->dy, b->dx, false);
}
