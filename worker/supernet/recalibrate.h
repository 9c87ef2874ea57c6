// SPDX-License-Identifier: Apache-2.0
// recalibrate.h - exact BN statistics for a sub-network.
//
// The supernet's running statistics, index-sliced, are never right for a sub-network.
// Training utterances are forwarded in training mode; for every BN channel the count,
// mean and variance over all of them are merged exactly (Chan's pairwise formula, in
// double), which does not depend on their order. Statistics can be merged across
// workers. The running variance is the unbiased one, as PyTorch keeps it.
//
// Owns: the accumulators. Threads: one at a time.
#ifndef WORKER_SUPERNET_RECALIBRATE_H
#define WORKER_SUPERNET_RECALIBRATE_H

#include "worker/nn/net.h"

// How n utterances are cut into batches, nearly equal ones of at most `batch`. None is
// of one utterance, which has no variance that its pooled statistics and its embedding
// could be normalised by: at two a batch, one of an odd number is of three.
struct bn_cut {
    size_t n_utts, n_batches;
    size_t largest; // utterances
};
struct bn_cut bn_cut_of(size_t n_utts, size_t batch);  // both from 2
size_t bn_cut_start(const struct bn_cut *c, size_t i); // i up to n_batches

struct bn_stats; // mergeable

struct bn_stats *bn_stats_create(const struct layout *l);
void bn_stats_destroy(struct bn_stats *b); // NULL is fine

// Takes in the last training-mode forward, or what net_read_batch_stats wrote of one.
void bn_stats_add(struct bn_stats *b, const struct net *n);
void bn_stats_add_batch(struct bn_stats *b, const float *stats, const double *counts);
void bn_stats_merge(struct bn_stats *b, const struct bn_stats *other);

// The running statistics [layout.n_stats]; something must have been added.
void bn_stats_write(const struct bn_stats *b, float *stats);
void bn_stats_read(const struct bn_stats *b, double *stats); // before rounding

// Turns the variances net_read_batch_stats wrote into unbiased ones, in place.
void bn_stats_unbias(const struct layout *l, float *stats, const double *counts);

#endif
