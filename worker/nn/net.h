// SPDX-License-Identifier: Apache-2.0
// net.h - a dense TDNN of one architecture: forward, loss, backward.
//
// The network owns contiguous weights, gradients and BN statistics (see layout.h) on a
// compute backend, and knows nothing of elasticity. All memory is planned once, for a
// number of utterances and frames; no step allocates.
//
// Activations are time-major, [frame][channel]; a batch is the frames of its utterances
// one after the other, with a gap of zero rows between them as wide as the widest
// padding, so that a convolution is one GEMM per tap over the whole batch. Utterances
// of different lengths may share a batch: every per-utterance operation (SE, pooling)
// and every BN statistic counts real frames only.
//
// Source of the formulas: arXiv 2103.13581 and its authors' program.
//
// Owns: its blocks and workspace. Borrows: the kernel table. Threads: one at a time.
#ifndef WORKER_NN_NET_H
#define WORKER_NN_NET_H

#include "common/base/err.h"
#include "worker/nn/layout.h"

struct kernels; // worker/kernels/kernels.h
struct net;

// Utterances for one pass: features of all utterances, time-major and concatenated.
struct net_batch {
    int n_utts;
    const int *n_frames;   // [n_utts]
    const float *features; // [sum of n_frames][n_mels]
};

// `for_training` false plans evaluation only (two activation buffers instead of all).
// max_utts and max_frames (sum over the batch) bound every later batch.
// Returns an owned network; memory comes up front.
struct net *net_create(const struct kernels *k, const struct net_dims *d,
                       const struct arch *a, int max_utts, size_t max_frames,
                       bool for_training);
void net_destroy(struct net *n); // NULL is fine

// Re-plans for another architecture inside the same workspace where it fits (training
// draws a new path every step); grows it otherwise.
void net_reshape(struct net *n, const struct arch *a);

const struct layout *net_layout(const struct net *n);
size_t net_memory_bytes(const struct net *n); // planned, all buffers

// Host <-> backend. weights: layout n_weights floats; stats: n_stats floats.
void net_load_weights(struct net *n, const float *weights);
void net_load_stats(struct net *n, const float *stats);
void net_read_grads(const struct net *n, float *grads); // n_weights floats
// Statistics of the last training-mode forward: per BN tensor pair (running_mean slot,
// running_var slot) the batch mean and *biased* batch variance, laid out as the
// statistics block; `counts` [n_stats] gets the number of values behind each entry.
void net_read_batch_stats(const struct net *n, float *stats, double *counts);

// Evaluation: BN by running statistics. embeddings: [n_utts][n_embed].
void net_forward_eval(struct net *n, const struct net_batch *b, float *embeddings);

// The units of a network, in the order in which they are computed: the first layer with
// the loading of features, each block, the concatenated convolution, pooling with its
// normalisation, the embedding with its reading. Together they are the whole pass.
int net_n_units(const struct net *n);

// `mark` is told from now on whenever an evaluation's unit is done; NULL: nobody is. A
// backend that queues would have to be waited for here first.
typedef void net_mark_fn(void *arg, int unit);
void net_set_mark(struct net *n, net_mark_fn *mark, void *arg);

// Training-mode forward: BN by batch statistics; activations are kept for backward.
void net_forward_train(struct net *n, const struct net_batch *b, float *embeddings);

// After net_forward_train: d_embeddings [n_utts][n_embed] -> every gradient (written,
// not accumulated). d_features may be NULL.
void net_backward(struct net *n, const float *d_embeddings);

#endif
