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

static void hidden_tanh(const struct utts_work *w, struct utts part)
{
    const struct pool *p = w->layer;
    for (int u = part.first; u < part.end; u++) {
        passes_best()->tanh((struct extent){w->s->utts[u].n, p->neck},
                            blas_rows(p->hidden, w->s->utts[u].first));
    }
}

static void moments(const struct utts_work *w, struct utts part)
{
    const struct pool *p = w->layer;
    for (int u = part.first; u < part.end; u++) {
        float *stats = host_at(p->stats) + (size_t)u * 2 * (size_t)p->n;
        struct pool_moments to = {stats, stats + p->n};
        int first = w->s->utts[u].first;
        passes_best()->pool((struct extent){w->s->utts[u].n, p->n},
                            blas_rows(p->attention, first), blas_rows(p->h, first),
                            &to);
    }
}

void blas_pool(struct stream *s, const struct pool *p)
{
    const struct utts_work work = {.s = s, .n = p->n, .layer = p};
    struct conv first = first_map(p);
    struct conv second = second_map(p);
    blas_conv(s, &first, p->h, p->hidden);
    blas_each_utts(hidden_tanh, &work);
    blas_conv(s, &second, p->hidden, p->attention);
    blas_each_utts(moments, &work);
}

// Attention becomes the gradient of the logits, dh the direct part of the gradient of
// h.
static void moments_back(const struct utts_work *w, struct utts part)
{
    const struct pool *p = w->layer;
    const struct pool_back *b = w->back;
    struct stream *s = w->s;
    for (int u = part.first; u < part.end; u++) {
        size_t at = (size_t)u * (size_t)p->n;
        const float *mean = host_at(p->stats) + 2 * at;
        const float *d_mean = host_at(b->d_stats) + 2 * at;
        float *variance = host_factors(s, 0) + at;
        float *d_square = host_factors(s, 1) + at;
        for (int i = 0; i < p->n; i++) {
            float deviation = mean[p->n + i];
            variance[i] = deviation * deviation;
            bool is_clamped = variance[i] <= (float)(POOL_MIN_VARIANCE * (1 + 1e-6));
            d_square[i] = is_clamped ? 0 : d_mean[p->n + i] / (2 * deviation);
        }
        struct pool_slopes slopes = {mean, variance, d_mean, d_square};
        int first = s->utts[u].first;
        passes_best()->pool_back((struct extent){s->utts[u].n, p->n},
                                 blas_rows(p->attention, first), blas_rows(p->h, first),
                                 &slopes, blas_rows(b->dh, first));
    }
}

static void hidden_back(const struct utts_work *w, struct utts part)
{
    const struct pool *p = w->layer;
    const struct pool_back *b = w->back;
    for (int u = part.first; u < part.end; u++) {
        int first = w->s->utts[u].first;
        passes_best()->tanh_back((struct extent){w->s->utts[u].n, p->neck},
                                 blas_rows(p->hidden, first),
                                 blas_rows(b->d_hidden, first));
    }
}

void blas_pool_back(struct stream *s, const struct pool *p, const struct pool_back *b)
{
    const struct utts_work work = {s, p->n, p, b};
    struct conv first = first_map(p);
    struct conv second = second_map(p);
    blas_each_utts(moments_back, &work);
    host_zero_gaps(s, p->attention, p->n);
    host_zero_gaps(s, b->dh, p->n);
    blas_conv_back(s, &second, p->hidden, p->attention, b->d_w2);
    blas_conv_back_input(s, &second, p->attention, b->d_hidden, false);
    blas_each_utts(hidden_back, &work);
    host_zero_gaps(s, b->d_hidden, p->neck);
    blas_conv_back(s, &first, p->h, b->d_hidden, b->d_w1);
    blas_conv_back_input(s, &first, b->d_hidden, b->dh, true);
}
