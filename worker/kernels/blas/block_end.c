// SPDX-License-Identifier: Apache-2.0
// block_end.c - end of a block: convolution, BN, SE gate, residual sum; see blas.h.
//
// BN's output is never written. Its mean over an utterance is an affine map of the mean
// of z, so the gate is known after the pass that also measures z; BN, gate and residual
// are then one scale and shift per utterance and channel. Backward likewise: all sums
// come from one pass over the gradient and z.
#include "worker/kernels/blas/blas.h"

#include <math.h>
#include <string.h>

static size_t utt_at(int utt, int n)
{
    return (size_t)utt * (size_t)n;
}

static struct extent extent_of(const struct stream *s, int utt, int n)
{
    return (struct extent){s->utts[utt].n, n};
}

// A block's end and the plane its z lies in.
struct end_work {
    const struct block_end *e;
    struct plane z;
};

static void relu_sums(const struct utts_work *w, struct utts part)
{
    const struct end_work *work = w->layer;
    struct stream *s = w->s;
    int n = work->e->conv.out;
    const float *pivot = host_factors(s, HOST_FACTORS - 1);
    for (int u = part.first; u < part.end; u++) {
        double *const sums[2] = {host_sums(s, 0) + utt_at(u, n),
                                 host_sums(s, 1) + utt_at(u, n)};
        passes_best()->relu_sums(extent_of(s, u, n),
                                 blas_rows(work->z, s->utts[u].first), pivot, sums);
    }
}

// z = relu(conv(x)); sums around the pivot over the frames of each utterance,
// [utt][channel]. Returns the pivot.
static const float *conv_sums(struct stream *s, const struct block_end *e,
                              struct plane z)
{
    int n = e->conv.out;
    memset(host_sums(s, 0), 0, utt_at(s->n_utts, n) * sizeof(double));
    memset(host_sums(s, 1), 0, utt_at(s->n_utts, n) * sizeof(double));
    blas_conv(s, &e->conv, e->x, z);
    const float *pivot = blas_pivot(s, z, n);
    blas_each_utts(relu_sums, &(struct utts_work){
                                  .s = s, .n = n, .layer = &(struct end_work){e, z}});
    return pivot;
}

static void measure(struct stream *s, const struct block_end *e, const float *pivot)
{
    int n = e->conv.out;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        double square = 0;
        for (int u = 0; u < s->n_utts; u++) {
            sum += host_sums(s, 0)[utt_at(u, n) + (size_t)i];
            square += host_sums(s, 1)[utt_at(u, n) + (size_t)i];
        }
        double mean = sum / s->n_real;
        double variance = square / s->n_real - mean * mean;
        host_at(e->norm.batch_mean)[i] = (float)(pivot[i] + mean);
        host_at(e->norm.batch_var)[i] = (float)(variance < 0 ? 0 : variance);
    }
}

// Adds the bias to each row, then max(0, .) or the logistic function.
static void bias_relu(struct place y, struct place bias, int n_rows, int n)
{
    for (int r = 0; r < n_rows; r++) {
        float *v = host_at(y) + utt_at(r, n);
        for (int i = 0; i < n; i++) {
            float x = v[i] + host_at(bias)[i];
            v[i] = x < 0 ? 0 : x;
        }
    }
}

static void bias_sigmoid(struct place y, struct place bias, int n_rows, int n)
{
    for (int r = 0; r < n_rows; r++) {
        float *v = host_at(y) + utt_at(r, n);
        for (int i = 0; i < n; i++) {
            v[i] = 1 / (1 + expf(-(v[i] + host_at(bias)[i])));
        }
    }
}

// mean over time of BN's output -> gate.
static void excite(struct stream *s, const struct block_end *e, const float *pivot,
                   const float *scale, const float *shift)
{
    int n = e->conv.out;
    const struct squeeze *q = &e->squeeze;
    for (int u = 0; u < s->n_utts; u++) {
        const double *sum = host_sums(s, 0) + utt_at(u, n);
        float *mean = host_at(e->mean) + utt_at(u, n);
        for (int i = 0; i < n; i++) {
            double z = pivot[i] + sum[i] / s->utts[u].n;
            mean[i] = (float)z * scale[i] + shift[i];
        }
    }
    gemm_nt((struct shape){s->n_utts, q->n, n}, blas_matrix(e->mean, n),
            blas_matrix(q->w1, n), 0, (struct rows){host_at(e->squeezed), q->n});
    bias_relu(e->squeezed, q->b1, s->n_utts, q->n);
    gemm_nt((struct shape){s->n_utts, n, q->n}, blas_matrix(e->squeezed, q->n),
            blas_matrix(q->w2, q->n), 0, (struct rows){host_at(e->gate), n});
    bias_sigmoid(e->gate, q->b2, s->n_utts, n);
}

// scale and shift lie in factors 0 and 1; what the gate makes of them in 2 and 3.
static void scale_shift_total(const struct utts_work *w, struct utts part)
{
    const struct end_work *work = w->layer;
    const struct block_end *e = work->e;
    struct stream *s = w->s;
    int n = e->conv.out;
    for (int u = part.first; u < part.end; u++) {
        int first = s->utts[u].first;
        const float *gate = host_at(e->gate) + utt_at(u, n);
        float *scale = host_factors(s, 2) + utt_at(u, n);
        float *shift = host_factors(s, 3) + utt_at(u, n);
        for (int i = 0; i < n; i++) {
            scale[i] = host_factors(s, 0)[i] * gate[i];
            shift[i] = host_factors(s, 1)[i] * gate[i];
        }
        struct rows totals[2] = {blas_rows(e->total_in, first),
                                 blas_rows(e->total_out, first)};
        passes_best()->scale_shift_total(extent_of(s, u, n), blas_rows(work->z, first),
                                         scale, shift, totals, blas_rows(e->y, first));
    }
}

static void forward(struct stream *s, const struct block_end *e, struct plane z,
                    bool by_batch)
{
    float *scale = host_factors(s, 0);
    float *shift = host_factors(s, 1);
    const float *pivot = conv_sums(s, e, z);
    if (by_batch) {
        measure(s, e, pivot);
    }
    blas_norm_factors(&e->norm, by_batch, e->conv.out, scale, shift);
    excite(s, e, pivot, scale, shift);
    const struct end_work work = {e, z};
    blas_each_utts(scale_shift_total,
                   &(struct utts_work){.s = s, .n = e->conv.out, .layer = &work});
    host_zero_gaps(s, e->y, e->conv.out);
}

void blas_block_end_train(struct stream *s, const struct block_end *e)
{
    forward(s, e, e->z, true);
}

void blas_block_end_eval(struct stream *s, const struct block_end *e)
{
    forward(s, e, e->y, false);
}

static void total_back_sums(const struct utts_work *w, struct utts part)
{
    const struct block_end *e = w->layer;
    const struct block_end_back *b = w->back;
    struct stream *s = w->s;
    int n = e->conv.out;
    for (int u = part.first; u < part.end; u++) {
        int first = s->utts[u].first;
        size_t at = utt_at(u, n);
        double *const sums[3] = {host_sums(s, 0) + at, host_sums(s, 1) + at,
                                 host_sums(s, 2) + at};
        passes_best()->total_back_sums(
            extent_of(s, u, n), blas_rows(b->dy, first), blas_rows(b->d_total, first),
            b->is_last, blas_rows(e->z, first), host_at(e->norm.batch_mean), sums);
    }
}

// Sums over the frames of each utterance, [utt][channel]: dy, dy (z - mean), z - mean.
static void back_sums(struct stream *s, const struct block_end *e,
                      const struct block_end_back *b)
{
    for (int k = 0; k < 3; k++) {
        memset(host_sums(s, k), 0, utt_at(s->n_utts, e->conv.out) * sizeof(double));
    }
    blas_each_utts(total_back_sums, &(struct utts_work){s, e->conv.out, e, b});
}

// Gradient of the logistic function's argument, [utt][channel].
static void d_gate_in(struct stream *s, const struct block_end *e,
                      const double *inverse, float *d_expanded)
{
    int n = e->conv.out;
    const float *gamma = host_at(e->norm.gamma);
    const float *beta = host_at(e->norm.beta);
    for (int u = 0; u < s->n_utts; u++) {
        const double *dy = host_sums(s, 0) + utt_at(u, n);
        const double *dy_z = host_sums(s, 1) + utt_at(u, n);
        const float *gate = host_at(e->gate) + utt_at(u, n);
        for (int i = 0; i < n; i++) {
            double d_gate = gamma[i] * inverse[i] * dy_z[i] + beta[i] * dy[i];
            d_expanded[utt_at(u, n) + (size_t)i] =
                (float)(d_gate * gate[i] * (1 - gate[i]));
        }
    }
}

static void sum_rows(const float *x, int n_rows, int n, struct place to)
{
    float *sum = host_at(to);
    memset(sum, 0, (size_t)n * sizeof(*sum));
    for (int r = 0; r < n_rows; r++) {
        for (int i = 0; i < n; i++) {
            sum[i] += x[utt_at(r, n) + (size_t)i];
        }
    }
}

// From d_expanded: SE's gradients and that of its input, d_mean [utt][channel].
static void squeeze_back(struct stream *s, const struct block_end *e,
                         const struct block_end_back *b, const float *d_expanded,
                         float *d_mean)
{
    int n = e->conv.out;
    int m = e->squeeze.n;
    int utts = s->n_utts;
    float *d_squeezed = host_factors(s, 2);
    struct matrix expanded = {d_expanded, n};
    struct matrix squeezed = {d_squeezed, m};
    gemm_tn((struct shape){n, m, utts}, expanded, blas_matrix(e->squeezed, m), 0,
            (struct rows){host_at(b->d_w2), m});
    sum_rows(d_expanded, utts, n, b->d_b2);
    gemm_nn((struct shape){utts, m, n}, expanded, blas_matrix(e->squeeze.w2, m), 0,
            (struct rows){d_squeezed, m});
    for (size_t i = 0; i < utt_at(utts, m); i++) {
        d_squeezed[i] = host_at(e->squeezed)[i] > 0 ? d_squeezed[i] : 0;
    }
    gemm_tn((struct shape){m, n, utts}, squeezed, blas_matrix(e->mean, n), 0,
            (struct rows){host_at(b->d_w1), n});
    sum_rows(d_squeezed, utts, m, b->d_b1);
    gemm_nn((struct shape){utts, n, m}, squeezed, blas_matrix(e->squeeze.w1, n), 0,
            (struct rows){d_mean, n});
}

// BN's gradients from the sums: its own dy is gate dy + d_mean / n_frames.
static void norm_sums(struct stream *s, const struct block_end *e,
                      const struct block_end_back *b, const double *inverse,
                      const float *d_mean)
{
    int n = e->conv.out;
    for (int i = 0; i < n; i++) {
        double d_beta = 0;
        double d_gamma = 0;
        for (int u = 0; u < s->n_utts; u++) {
            size_t at = utt_at(u, n) + (size_t)i;
            double gate = host_at(e->gate)[at];
            double every = (double)d_mean[at] / s->utts[u].n;
            d_beta += gate * host_sums(s, 0)[at] + d_mean[at];
            d_gamma += gate * host_sums(s, 1)[at] + every * host_sums(s, 2)[at];
        }
        host_at(b->d_beta)[i] = (float)d_beta;
        host_at(b->d_gamma)[i] = (float)(d_gamma * inverse[i]);
    }
}

// d_mean lies in factors 1, 1 / deviation in sums 3; slopes go to factors 2 to 4.
static void norm_back(const struct utts_work *w, struct utts part)
{
    const struct block_end *e = w->layer;
    const struct block_end_back *b = w->back;
    struct stream *s = w->s;
    int n = e->conv.out;
    const double *inverse = host_sums(s, 3);
    for (int u = part.first; u < part.end; u++) {
        size_t of_utt = utt_at(u, n);
        const float *gate = host_at(e->gate) + of_utt;
        const float *d_mean = host_factors(s, 1) + of_utt;
        float *slope_a = host_factors(s, 2) + of_utt;
        float *slope_b = host_factors(s, 3) + of_utt;
        float *slope_c = host_factors(s, 4) + of_utt;
        for (int i = 0; i < n; i++) {
            double a = host_at(e->norm.gamma)[i] * inverse[i];
            double every = (double)d_mean[i] / s->utts[u].n;
            slope_a[i] = (float)(a * gate[i]);
            slope_b[i] = (float)(-a * inverse[i] * host_at(b->d_gamma)[i] / s->n_real);
            slope_c[i] =
                (float)(a * (every - host_at(b->d_beta)[i] / (double)s->n_real));
        }
        struct norm_slopes at = {slope_a, slope_b, slope_c,
                                 host_at(e->norm.batch_mean)};
        int first = s->utts[u].first;
        passes_best()->norm_back(extent_of(s, u, n), blas_rows(b->dy, first),
                                 blas_rows(e->z, first), &at, blas_rows(b->dz, first));
    }
}

void blas_block_end_back(struct stream *s, const struct block_end *e,
                         const struct block_end_back *b)
{
    int n = e->conv.out;
    float *d_expanded = host_factors(s, 0);
    float *d_mean = host_factors(s, 1);
    double *inverse = host_sums(s, 3); // 1 / deviation
    for (int i = 0; i < n; i++) {
        inverse[i] = 1 / sqrt(host_at(e->norm.batch_var)[i] + NORM_EPS);
    }
    back_sums(s, e, b);
    d_gate_in(s, e, inverse, d_expanded);
    squeeze_back(s, e, b, d_expanded, d_mean);
    norm_sums(s, e, b, inverse, d_mean);
    blas_each_utts(norm_back, &(struct utts_work){s, e->conv.out, e, b});
    host_zero_gaps(s, b->dz, n);
    blas_conv_back(s, &e->conv, e->x, b->dz, b->d_weights);
    blas_conv_back_input(s, &e->conv, b->dz, b->dx, false);
}
