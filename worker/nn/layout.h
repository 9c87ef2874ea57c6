// SPDX-License-Identifier: Apache-2.0
// layout.h - where each tensor of a dense network lies in its blocks of floats.
//
// A network's trained values are one contiguous block (weights, and gradients alike);
// its BN running statistics are a second block. The layout is a table of named tensors
// with their offsets and with the *meaning* of each axis, which is all that slicing,
// checkpoints and the optimiser need to know.
//
// Convolution weights are stored tap-major, [taps][out][in], so that each tap is one
// matrix for a GEMM; checkpoints hold the field's usual [out][in][taps].
//
// Owns: nothing; struct layout is a value. Threads: any.
#ifndef WORKER_NN_LAYOUT_H
#define WORKER_NN_LAYOUT_H

#include "common/space/arch.h"
#include "common/space/dims.h"

#include <stdbool.h>
#include <stddef.h>

// What an axis counts; decides which supernet indices a sub-network keeps.
enum axis {
    AXIS_ONE,     // no such axis
    AXIS_MEL,     // input features: all
    AXIS_C0,      // prefix of max_width
    AXIS_MID,     // inside a block: prefix of each of the res2_scale groups
    AXIS_GROUP,   // one Res2 group: prefix of max_width / res2_scale
    AXIS_SQUEEZE, // C0 / se_reduction: prefix
    AXIS_CONCAT,  // depth slots of max_width: prefix of each active slot
    AXIS_CAT,     // prefix of max_cat
    AXIS_STATS,   // mean half and deviation half: prefix of each max_cat half
    AXIS_NECK,    // pooling bottleneck: all
    AXIS_EMBED,   // embedding: all
};

struct layout_tensor {
    char name[64]; // as in checkpoints: "blocks.0.resconv.convs.3.conv.conv.weight"
    enum axis out_axis, in_axis;
    int block;              // 1..depth, or 0 outside blocks
    int out, in;            // sizes; a vector has in = 1 and AXIS_ONE
    int taps;               // 1 unless a convolution over time
    bool is_elastic_kernel; // layer1 and Res2 convolutions: have kernel matrices
    bool is_stat;           // BN running mean or variance: in the statistics block
    size_t at;              // offset in its block, floats
};

#define LAYOUT_TENSORS_MAX 512

struct layout {
    struct arch arch;
    struct net_dims dims;
    int n_tensors;
    size_t n_weights; // floats in the weight block
    size_t n_stats;   // floats in the statistics block
    struct layout_tensor tensors[LAYOUT_TENSORS_MAX];
};

// The table for one architecture. n_weights equals complexity_of(...).params.
void layout_build(struct layout *l, const struct net_dims *d, const struct arch *a);

// NULL when there is none of that name.
const struct layout_tensor *layout_find(const struct layout *l, const char *name);

#endif
