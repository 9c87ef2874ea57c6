// SPDX-License-Identifier: Apache-2.0
// pool.c - attentive statistics pooling; see blas.h.
#include "worker/kernels/blas/blas.h"

static struct conv first_map(const struct pool *p)
{
    return (struct conv){p->w1, p->neck, p->n, 1, 1};
}

static struct conv second_map(const struct pool *p)
{
    return (struct conv){p->w2, p->n, p->neck, 1, 1};
}

void blas_pool(struct stream *s, const struct pool *p)
{
    const struct passes *passes = passes_best();
    struct conv first = first_map(p);
    struct conv second = second_map(p);
    blas_conv(s, &first, p->h, p->hidden);
    for (int u = 0; u < s->n_utts; u++) {
        struct extent neck = {s->utts[u].n, p->neck};
        passes->tanh(neck, blas_rows(p->hidden, s->utts[u].first));
    }
    blas_conv(s, &second, p->hidden, p->attention);
    for (int u = 0; u < s->n_utts; u++) {
        float *stats = host_at(p->stats) + (size_t)u * 2 * (size_t)p->n;
        struct pool_moments moments = {stats, stats + p->n};
        passes->pool((struct extent){s->utts[u].n, p->n},
                     blas_rows(p->attention, s->utts[u].first),
                     blas_rows(p->h, s->utts[u].first), &moments);
    }
}

// Attention becomes the gradient of the logits, dh the direct part of the gradient of
// h.
static void moments_back(struct stream *s, const struct pool *p,
                         const struct pool_back *b)
{
    float *variance = host_factors(s, 0);
    float *d_square = host_factors(s, 1);
    for (int u = 0; u < s->n_utts; u++) {
        const float *mean = host_at(p->stats) + (size_t)u * 2 * (size_t)p->n;
        const float *d_mean = host_at(b->d_stats) + (size_t)u * 2 * (size_t)p->n;
        for (int i = 0; i < p->n; i++) {
            float deviation = mean[p->n + i];
            variance[i] = deviation * deviation;
            bool is_clamped = variance[i] <= (float)(POOL_MIN_VARIANCE * (1 + 1e-6));
            d_square[i] = is_clamped ? 0 : d_mean[p->n + i] / (2 * deviation);
        }
        struct pool_slopes slopes = {mean, variance, d_mean, d_square};
        passes_best()->pool_back((struct extent){s->utts[u].n, p->n},
                                 blas_rows(p->attention, s->utts[u].first),
                                 blas_rows(p->h, s->utts[u].first), &slopes,
                                 blas_rows(b->dh, s->utts[u].first));
    }
    host_zero_gaps(s, p->attention, p->n);
    host_zero_gaps(s, b->dh, p->n);
}

void blas_pool_back(struct stream *s, const struct pool *p, const struct pool_back *b)
{
    struct conv first = first_map(p);
    struct conv second = second_map(p);
    moments_back(s, p, b);
    blas_conv_back(s, &second, p->hidden, p->attention, b->d_w2);
    blas_conv_back_input(s, &second, p->attention, b->d_hidden, false);
    for (int u = 0; u < s->n_utts; u++) {
        struct extent neck = {s->utts[u].n, p->neck};
        passes_best()->tanh_back(neck, blas_rows(p->hidden, s->utts[u].first),
                                 blas_rows(b->d_hidden, s->utts[u].first));
    }
    host_zero_gaps(s, b->d_hidden, p->neck);
    blas_conv_back(s, &first, p->h, b->d_hidden, b->d_w1);
    blas_conv_back_input(s, &first, b->d_hidden, b->dh, true);
}
