// SPDX-License-Identifier: Apache-2.0
// pool.c - reference attentive statistics pooling; see ref.h.
#include "worker/kernels/ref/ref.h"

#include <math.h>

// Both halves of the attention are convolutions of one tap.
static struct conv first_map(const struct pool *p)
{
    return (struct conv){p->w1, p->neck, p->n, 1, 1};
}

static struct conv second_map(const struct pool *p)
{
    return (struct conv){p->w2, p->n, p->neck, 1, 1};
}

static void tanh_rows(const struct ref_rows *rows, struct plane x, int n)
{
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            float *v = host_row(x, rows->spans[u].first + t);
            for (int i = 0; i < n; i++) {
                v[i] = tanhf(v[i]);
            }
        }
    }
}

// Softmax over the frames of one utterance, one channel.
static void softmax(const struct span *utt, struct plane x, int i)
{
    double most = -INFINITY;
    double sum = 0;
    for (int t = 0; t < utt->n; t++) {
        most = fmax(most, host_row(x, utt->first + t)[i]);
    }
    for (int t = 0; t < utt->n; t++) {
        sum += exp(host_row(x, utt->first + t)[i] - most);
    }
    for (int t = 0; t < utt->n; t++) {
        float *v = &host_row(x, utt->first + t)[i];
        *v = (float)(exp(*v - most) / sum);
    }
}

static void moments(const struct span *utt, const struct pool *p, int i, float *stats)
{
    double mean = 0;
    double variance = 0;
    for (int t = 0; t < utt->n; t++) {
        mean += (double)host_row(p->attention, utt->first + t)[i] *
                host_row(p->h, utt->first + t)[i];
    }
    for (int t = 0; t < utt->n; t++) {
        double d = host_row(p->h, utt->first + t)[i] - mean;
        variance += host_row(p->attention, utt->first + t)[i] * d * d;
    }
    stats[i] = (float)mean;
    stats[p->n + i] = (float)sqrt(fmax(variance, POOL_MIN_VARIANCE));
}

void ref_pool(struct stream *s, const struct pool *p)
{
    struct ref_rows frames = ref_frames(s);
    struct conv first = first_map(p);
    struct conv second = second_map(p);
    ref_conv(s, &first, p->h, p->hidden);
    tanh_rows(&frames, p->hidden, p->neck);
    ref_conv(s, &second, p->hidden, p->attention);
    for (int u = 0; u < s->n_utts; u++) {
        float *stats = host_at(p->stats) + (size_t)u * 2 * (size_t)p->n;
        for (int i = 0; i < p->n; i++) {
            softmax(&s->utts[u], p->attention, i);
            moments(&s->utts[u], p, i, stats);
        }
    }
}

// One utterance, one channel: dh gets the direct part; attention becomes the gradient
// of the softmax's argument.
static void moments_back(const struct span *utt, const struct pool *p,
                         const struct pool_back *b, const float *stats,
                         const float *d_stats, int i)
{
    double mean = stats[i];
    double deviation = stats[p->n + i];
    bool is_clamped = deviation * deviation <= POOL_MIN_VARIANCE * (1 + 1e-6);
    double d_square = is_clamped ? 0 : d_stats[p->n + i] / (2 * deviation);
    double d_mean = d_stats[i] - 2 * mean * d_square;
    double inner = 0; // sum of a da
    for (int t = 0; t < utt->n; t++) {
        double h = host_row(p->h, utt->first + t)[i];
        inner +=
            host_row(p->attention, utt->first + t)[i] * (d_mean * h + d_square * h * h);
    }
    for (int t = 0; t < utt->n; t++) {
        double h = host_row(p->h, utt->first + t)[i];
        float *a = &host_row(p->attention, utt->first + t)[i];
        host_row(b->dh, utt->first + t)[i] = (float)(*a * (d_mean + 2 * d_square * h));
        *a = (float)(*a * (d_mean * h + d_square * h * h - inner));
    }
}

static void tanh_back(const struct ref_rows *rows, struct plane y, struct plane dy,
                      int n)
{
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            const float *v = host_row(y, rows->spans[u].first + t);
            float *d = host_row(dy, rows->spans[u].first + t);
            for (int i = 0; i < n; i++) {
                d[i] *= 1 - v[i] * v[i];
            }
        }
    }
}

void ref_pool_back(struct stream *s, const struct pool *p, const struct pool_back *b)
{
    struct ref_rows frames = ref_frames(s);
    struct conv first = first_map(p);
    struct conv second = second_map(p);
    for (int u = 0; u < s->n_utts; u++) {
        size_t at = (size_t)u * 2 * (size_t)p->n;
        for (int i = 0; i < p->n; i++) {
            moments_back(&s->utts[u], p, b, host_at(p->stats) + at,
                         host_at(b->d_stats) + at, i);
        }
    }
    ref_conv_back(s, &second, p->hidden, p->attention, b->d_w2);
    ref_conv_back_input(s, &second, p->attention, b->d_hidden, false);
    tanh_back(&frames, p->hidden, b->d_hidden, p->neck);
    ref_conv_back(s, &first, p->h, b->d_hidden, b->d_w1);
    ref_conv_back_input(s, &first, b->d_hidden, b->dh, true);
}
