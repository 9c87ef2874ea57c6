// SPDX-License-Identifier: Apache-2.0
// dims.h - the sizes of one supernet: what its largest sub-network is made of.
//
// Everything elastic (depth, widths, kernels, cat) has its maximum here; everything
// fixed (mel bins, embedding, Res2 scale ...) its value. Source: the supernet of
// "EfficientTDNN" (arXiv 2103.13581); DIMS_PAPER are its numbers.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_SPACE_DIMS_H
#define COMMON_SPACE_DIMS_H

#include "common/base/err.h"

// How log-mel values are levelled before a network sees them.
enum input_level {
    INPUT_BY_RECORDING, // mean 0 and variance 1 per bin over the recording, as the
                        // paper
    INPUT_FIXED,        // the same shift and scale for all
};

struct net_dims {
    int n_mels;          // input channels, 80
    int max_depth;       // blocks, 4
    int max_width;       // C0..Cd, 512
    int max_kernel;      // 5
    int max_cat;         // 1536
    int n_embed;         // 192
    int res2_scale;      // 8, also the largest allowed
    int se_reduction;    // 4
    int pool_bottleneck; // 128
    int input;           // enum input_level
};

// Tables of tensors have a fixed length, and each block has a convolution with its
// normalisation per Res2 group: there is room for this many at the largest depth.
#define DIMS_RES2_SCALE_MAX 8

#define DIMS_PAPER \
    ((struct net_dims){80, 4, 512, 5, 1536, 192, 8, 4, 128, INPUT_BY_RECORDING})

// ERR_INPUT unless every size is one the code can build (widths multiples of
// res2_scale and se_reduction, odd kernel up to 5, depth up to ARCH_DEPTH_MAX ...).
MUST_CHECK enum err dims_check(const struct net_dims *d, struct errinfo *why);

#endif
