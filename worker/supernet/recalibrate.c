// SPDX-License-Identifier: Apache-2.0
// recalibrate.c - see recalibrate.h. Chan, Golub, LeVeque: "Updating formulae and a
// pairwise algorithm for computing sample variances", 1979, equation 2.1.
#include "worker/supernet/recalibrate.h"

#include "worker/supernet/naming.h"

#include <stdlib.h>

struct bn_cut bn_cut_of(size_t n_utts, size_t batch)
{
    BUG_ON(n_utts < 2 || batch < 2);
    size_t n_batches = (n_utts + batch - 1) / batch;
    if (n_utts / n_batches < 2) {
        n_batches = n_utts / 2;
    }
    return (struct bn_cut){n_utts, n_batches, (n_utts + n_batches - 1) / n_batches};
}

size_t bn_cut_start(const struct bn_cut *c, size_t i)
{
    return c->n_utts * i / c->n_batches;
}

// One BN channel, at the places of its mean and its variance in the statistics block.
struct channel {
    size_t mean_at, variance_at;
    double n, mean, m2; // m2: sum of squared deviations from the mean
};

struct bn_stats {
    size_t n_channels;
    size_t n_stats;
    struct channel *channels;
    float *batch;   // [n_stats] scratch
    double *counts; // [n_stats] scratch
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    BUG_ON(!p);
    return p;
}

static void add_channels(struct bn_stats *b, const struct layout *l)
{
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *mean = &l->tensors[i];
        if (!mean->is_stat || naming_role_of(l, mean) != NAMING_BN_MEAN) {
            continue;
        }
        const struct layout_tensor *variance = naming_sibling(l, mean, "running_var");
        BUG_ON(!variance || variance->out != mean->out);
        for (size_t c = 0; c < (size_t)mean->out; c++) {
            b->channels[b->n_channels++] = (struct channel){
                .mean_at = mean->at + c, .variance_at = variance->at + c};
        }
    }
    BUG_ON(2 * b->n_channels != l->n_stats);
}

struct bn_stats *bn_stats_create(const struct layout *l)
{
    struct bn_stats *b = allocate(1, sizeof(*b));
    b->n_stats = l->n_stats;
    b->channels = allocate(l->n_stats / 2, sizeof(*b->channels));
    b->batch = allocate(l->n_stats, sizeof(*b->batch));
    b->counts = allocate(l->n_stats, sizeof(*b->counts));
    add_channels(b, l);
    return b;
}

void bn_stats_destroy(struct bn_stats *b)
{
    if (!b) {
        return;
    }
    free(b->channels);
    free(b->batch);
    free(b->counts);
    free(b);
}

static void merge(struct channel *c, double n, double mean, double m2)
{
    double total = c->n + n;
    if (total == 0) {
        return;
    }
    double delta = mean - c->mean;
    c->m2 += m2 + delta * delta * (c->n * n / total);
    c->mean += delta * (n / total);
    c->n = total;
}

void bn_stats_add_batch(struct bn_stats *b, const float *stats, const double *counts)
{
    for (size_t i = 0; i < b->n_channels; i++) {
        struct channel *c = &b->channels[i];
        double n = counts[c->mean_at];
        merge(c, n, (double)stats[c->mean_at], n * (double)stats[c->variance_at]);
    }
}

void bn_stats_add(struct bn_stats *b, const struct net *n)
{
    net_read_batch_stats(n, b->batch, b->counts);
    bn_stats_add_batch(b, b->batch, b->counts);
}

void bn_stats_merge(struct bn_stats *b, const struct bn_stats *other)
{
    BUG_ON(b->n_channels != other->n_channels);
    for (size_t i = 0; i < b->n_channels; i++) {
        const struct channel *c = &other->channels[i];
        merge(&b->channels[i], c->n, c->mean, c->m2);
    }
}

void bn_stats_read(const struct bn_stats *b, double *stats)
{
    for (size_t i = 0; i < b->n_channels; i++) {
        const struct channel *c = &b->channels[i];
        BUG_ON(c->n == 0); // nothing was ever added
        stats[c->mean_at] = c->mean;
        stats[c->variance_at] = c->n > 1 ? c->m2 / (c->n - 1) : c->m2;
    }
}

void bn_stats_write(const struct bn_stats *b, float *stats)
{
    bn_stats_read(b, b->counts); // scratch
    for (size_t i = 0; i < b->n_stats; i++) {
        stats[i] = (float)b->counts[i];
    }
}

void bn_stats_unbias(const struct layout *l, float *stats, const double *counts)
{
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        if (!t->is_stat || naming_role_of(l, t) != NAMING_BN_VARIANCE) {
            continue;
        }
        for (size_t c = t->at; c < t->at + (size_t)t->out; c++) {
            double n = counts[c];
            stats[c] *= (float)(n > 1 ? n / (n - 1) : 1);
        }
    }
}
