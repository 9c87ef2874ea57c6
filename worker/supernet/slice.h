// SPDX-License-Identifier: Apache-2.0
// slice.h - cutting a dense sub-network out of the supernet, and the adjoint.
//
// Channels first (prefixes, Res2 group prefixes, concat slots, statistics halves), then
// kernels: W3 = W5[:, :, 1:4] K53, W1 = W3[:, :, 1:2] K31. Slicing is linear in the
// weights for fixed matrices and linear in the matrices for fixed weights; the adjoint
// carries gradients to both. Source: arXiv 2103.13581, section on elastic kernels.
//
// A plan holds everything that depends on the architecture alone and is made once per
// path. Owns: index tables and scratch. Borrows: the supernet's table. Threads: one at
// a time.
#ifndef WORKER_SUPERNET_SLICE_H
#define WORKER_SUPERNET_SLICE_H

#include "worker/optim/adam.h"
#include "worker/supernet/supernet.h"

struct slice;

struct slice *slice_create(const struct supernet *s);
void slice_destroy(struct slice *p); // NULL is fine

// Plans for one path; no allocation after the first.
void slice_plan(struct slice *p, const struct arch *a);
const struct layout *slice_layout(const struct slice *p); // the dense network's

// supernet values -> dense weights [layout.n_weights].
void slice_weights(const struct slice *p, const struct supernet *s, float *dense);
// supernet statistics -> dense statistics [layout.n_stats] (index-sliced; see
// recalibrate.h for why they must be replaced).
void slice_stats(const struct slice *p, const struct supernet *s, float *dense);

// Adjoint: dense gradients -> supernet gradients [s->n_values], written where the path
// reaches and left alone elsewhere (the classifier's too).
void slice_adjoint(const struct slice *p, const struct supernet *s,
                   const float *d_dense, float *d_super);

// One Adam update of exactly the values the path reaches (and the whole classifier),
// from supernet gradients; bias correction by each tensor's own step count.
void slice_adam(const struct slice *p, struct supernet *s, const struct adam *adam,
                double lr, const float *d_super);

// Running statistics of the values the path uses: stats += momentum * (dense - stats).
void slice_average_stats(const struct slice *p, struct supernet *s, const float *dense,
                         double momentum);

#endif
