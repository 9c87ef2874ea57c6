// SPDX-License-Identifier: Apache-2.0
// block_end.c - reference end of a block: convolution, BN, SE, residual; see ref.h.
#include "worker/kernels/ref/ref.h"

#include <math.h>
#include <string.h>

// y[o] = W[o] . x + b[o]
static double affine_at(struct place w, struct place b, const float *x, int in, int o)
{
    double sum = host_at(b)[o];
    for (int i = 0; i < in; i++) {
        sum += (double)host_at(w)[(size_t)o * (size_t)in + (size_t)i] * x[i];
    }
    return sum;
}

// mean over the frames of utterance u of y, then both linears.
static void excite(struct stream *s, const struct block_end *e, int u)
{
    int n = e->conv.out;
    const struct squeeze *q = &e->squeeze;
    float *mean = host_at(e->mean) + (size_t)u * (size_t)n;
    float *squeezed = host_at(e->squeezed) + (size_t)u * (size_t)q->n;
    float *gate = host_at(e->gate) + (size_t)u * (size_t)n;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int t = 0; t < s->utts[u].n; t++) {
            sum += host_row(e->y, s->utts[u].first + t)[i];
        }
        mean[i] = (float)(sum / s->utts[u].n);
    }
    for (int o = 0; o < q->n; o++) {
        double x = affine_at(q->w1, q->b1, mean, n, o);
        squeezed[o] = (float)(x < 0 ? 0 : x);
    }
    for (int o = 0; o < n; o++) {
        gate[o] = (float)(1 / (1 + exp(-affine_at(q->w2, q->b2, squeezed, q->n, o))));
    }
}

// y holds BN's output; it becomes the block's.
static void gate_and_sum(struct stream *s, const struct block_end *e, int u)
{
    const float *gate = host_at(e->gate) + (size_t)u * (size_t)e->conv.out;
    for (int t = 0; t < s->utts[u].n; t++) {
        int row = s->utts[u].first + t;
        float *y = host_row(e->y, row);
        for (int i = 0; i < e->conv.out; i++) {
            float total = host_row(e->total_in, row)[i];
            y[i] = y[i] * gate[i] + total;
            if (plane_exists(e->total_out)) {
                host_row(e->total_out, row)[i] = total + y[i];
            }
        }
    }
}

static void block_end(struct stream *s, const struct block_end *e)
{
    for (int u = 0; u < s->n_utts; u++) {
        excite(s, e, u);
        gate_and_sum(s, e, u);
    }
    host_zero_gaps(s, e->y, e->conv.out);
}

void ref_block_end_train(struct stream *s, const struct block_end *e)
{
    struct ref_rows frames = ref_frames(s);
    ref_conv(s, &e->conv, e->x, e->z);
    ref_relu(&frames, e->z, e->conv.out);
    ref_norm_measure(&frames, &e->norm, e->z, e->conv.out);
    ref_norm_apply(&frames, &e->norm, true, e->z, e->y, e->conv.out);
    block_end(s, e);
}

void ref_block_end_eval(struct stream *s, const struct block_end *e)
{
    struct ref_rows frames = ref_frames(s);
    ref_conv(s, &e->conv, e->x, e->y);
    ref_relu(&frames, e->y, e->conv.out);
    ref_norm_apply(&frames, &e->norm, false, e->y, e->y, e->conv.out);
    block_end(s, e);
}

// Completes dy by the later outputs' gradients and adds it to them.
static void add_residual(struct stream *s, const struct block_end *e,
                         const struct block_end_back *b)
{
    struct ref_rows frames = ref_frames(s);
    for (int u = 0; u < s->n_utts; u++) {
        for (int t = 0; t < s->utts[u].n; t++) {
            int row = s->utts[u].first + t;
            for (int i = 0; i < e->conv.out && b->is_last; i++) {
                host_row(b->d_total, row)[i] = 0;
            }
        }
    }
    ref_add(&frames, b->d_total, b->dy, e->conv.out);
    ref_add(&frames, b->dy, b->d_total, e->conv.out);
}

// BN's output at one place, from what was kept.
static double normed(const struct block_end *e, int row, int i)
{
    double unit = (host_row(e->z, row)[i] - host_at(e->norm.batch_mean)[i]) /
                  sqrt(host_at(e->norm.batch_var)[i] + NORM_EPS);
    return host_at(e->norm.gamma)[i] * unit + host_at(e->norm.beta)[i];
}

// Gradient of the argument of the sigmoid, for channel i of utterance u.
static double d_gate_in(struct stream *s, const struct block_end *e, struct plane dy,
                        int u, int i)
{
    double sum = 0;
    for (int t = 0; t < s->utts[u].n; t++) {
        int row = s->utts[u].first + t;
        sum += host_row(dy, row)[i] * normed(e, row, i);
    }
    double gate = host_at(e->gate)[(size_t)u * (size_t)e->conv.out + (size_t)i];
    return sum * gate * (1 - gate);
}

struct affine_back {
    int out, in;
    struct place w, dw, db;
};

// One input row of an affine map: adds to the gradients of weights, bias and input.
static void affine_back(const struct affine_back *a, const float *x, const float *dy,
                        float *dx)
{
    for (int o = 0; o < a->out; o++) {
        host_at(a->db)[o] += dy[o];
        for (int i = 0; i < a->in; i++) {
            size_t at = (size_t)o * (size_t)a->in + (size_t)i;
            host_at(a->dw)[at] += dy[o] * x[i];
            dx[i] += dy[o] * host_at(a->w)[at];
        }
    }
}

static void zero(float *x, int n)
{
    memset(x, 0, (size_t)n * sizeof(*x));
}

// Gradient of SE's weights and of its input, the mean over time, for utterance u.
static void squeeze_back(struct stream *s, const struct block_end *e,
                         const struct block_end_back *b, int u, float *d_mean)
{
    int n = e->conv.out;
    int squeeze = e->squeeze.n;
    float *d_expanded = host_factors(s, 1);
    float *d_squeezed = host_factors(s, 2);
    const float *squeezed = host_at(e->squeezed) + (size_t)u * (size_t)squeeze;
    for (int i = 0; i < n; i++) {
        d_expanded[i] = (float)d_gate_in(s, e, b->dy, u, i);
    }
    zero(d_squeezed, squeeze);
    zero(d_mean, n);
    affine_back(&(struct affine_back){n, squeeze, e->squeeze.w2, b->d_w2, b->d_b2},
                squeezed, d_expanded, d_squeezed);
    for (int i = 0; i < squeeze; i++) {
        d_squeezed[i] = squeezed[i] > 0 ? d_squeezed[i] : 0;
    }
    affine_back(&(struct affine_back){squeeze, n, e->squeeze.w1, b->d_w1, b->d_b1},
                host_at(e->mean) + (size_t)u * (size_t)n, d_squeezed, d_mean);
}

// dz = gradient of BN's output.
static void gate_back(struct stream *s, const struct block_end *e,
                      const struct block_end_back *b, int u, const float *d_mean)
{
    const float *gate = host_at(e->gate) + (size_t)u * (size_t)e->conv.out;
    for (int t = 0; t < s->utts[u].n; t++) {
        int row = s->utts[u].first + t;
        for (int i = 0; i < e->conv.out; i++) {
            host_row(b->dz, row)[i] =
                host_row(b->dy, row)[i] * gate[i] + d_mean[i] / (float)s->utts[u].n;
        }
    }
}

void ref_block_end_back(struct stream *s, const struct block_end *e,
                        const struct block_end_back *b)
{
    struct ref_rows frames = ref_frames(s);
    int n = e->conv.out;
    add_residual(s, e, b);
    zero(host_at(b->d_w1), e->squeeze.n * n);
    zero(host_at(b->d_w2), e->squeeze.n * n);
    zero(host_at(b->d_b1), e->squeeze.n);
    zero(host_at(b->d_b2), n);
    for (int u = 0; u < s->n_utts; u++) {
        float *d_mean = host_factors(s, 0);
        squeeze_back(s, e, b, u, d_mean);
        gate_back(s, e, b, u, d_mean);
    }
    ref_norm_back(&frames, &e->norm, e->z, b->dz, n, b->d_gamma, b->d_beta);
    ref_relu_back(&frames, e->z, b->dz, n);
    ref_conv_back(s, &e->conv, e->x, b->dz, b->d_weights);
    ref_conv_back_input(s, &e->conv, b->dz, b->dx, false);
}
