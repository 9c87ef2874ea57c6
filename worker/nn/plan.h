// SPDX-License-Identifier: Apache-2.0
// plan.h - inside net: every operation of one architecture with its places filled in.
//
// A plan is made once per architecture; running the network is walking through it. All
// activations lie in one workspace. Buffers whose lives do not meet share room: the
// gradients inside blocks with the gradient of the concatenated convolution, and, when
// nothing is kept for backward, all blocks with each other.
//
// Owns: nothing; it points into its owner's memories. Threads: as its owner.
#ifndef WORKER_NN_PLAN_H
#define WORKER_NN_PLAN_H

#include "worker/kernels/kernels.h"
#include "worker/nn/layout.h"

#define PLAN_GROUPS_MAX 16 // Res2 groups

struct plan_memories {
    struct memory *weights, *grads;     // layout n_weights; grads may be NULL
    struct memory *stats, *batch_stats; // layout n_stats
    struct memory *workspace;
};

struct plan_limits {
    int max_utts;
    size_t max_frames;
    bool for_training; // keep what backward needs
};

struct plan_block {
    struct conv_norm first;
    struct conv_norm groups[PLAN_GROUPS_MAX - 1];
    struct plane tail_from, tail_to; // the last group passes through
    struct block_end end;
    struct block_end_back end_back;
    struct plane d_tail_from, d_tail_to;
    struct conv_norm_back group_backs[PLAN_GROUPS_MAX - 1];
    struct conv_norm_back first_back;
};

struct plan {
    int depth;
    int n_groups;  // Res2 scale
    int gap;       // rows between utterances: the widest padding
    size_t n_rows; // most rows of a batch
    size_t n_workspace;
    int max_channels;
    struct conv_norm layer1;
    struct conv_norm_back layer1_back;
    struct plan_block blocks[ARCH_DEPTH_MAX]; // [0] is block 1
    struct plane first_total_from, first_total_to;
    struct conv_relu cat;
    struct conv_relu_back cat_back;
    struct pool pool;
    struct pool_back pool_back;
    struct vector_norm pool_norm;
    struct vector_norm_back pool_norm_back;
    struct linear linear;
    struct linear_back linear_back;
    struct vector_norm embed_norm;
    struct vector_norm_back embed_norm_back;
};

// With a workspace of NULL it only works out the sizes.
void plan_build(struct plan *p, const struct layout *l,
                const struct plan_limits *limits, const struct plan_memories *m);

// Rows of a vector operation follow the batch.
void plan_set_utts(struct plan *p, int n_utts);

#endif
