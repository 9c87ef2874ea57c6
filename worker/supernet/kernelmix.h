// SPDX-License-Identifier: Apache-2.0
// kernelmix.h - elastic kernels: a smaller kernel is a mix of the supernet's middle
// taps.
//
// W3 = W5[:, :, 1:4] K53 and W1 = W3[:, :, 1:2] K31, the taps of one weight being a row
// vector. So tap d of the smaller kernel is a sum over the supernet's taps that take
// part, sum_s weight[d][s] W[:, :, first + s]: three of them out of five, one out of
// three. Source: arXiv 2103.13581, elastic kernel size.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_SUPERNET_KERNELMIX_H
#define WORKER_SUPERNET_KERNELMIX_H

#include <stdbool.h>

#define KERNELMIX_TAPS 3 // at most, on either side

struct kernelmix {
    int n_dense;        // taps of the smaller kernel
    int first, n_super; // the supernet's taps that take part
    bool uses_k53, uses_k31;
    float weight[KERNELMIX_TAPS][KERNELMIX_TAPS]; // [dense tap][supernet tap - first]
};

// n_dense_taps < n_super_taps; k53 [3][3] and k31 [1][1] are read only where used.
struct kernelmix kernelmix_make(int n_dense_taps, int n_super_taps, const float *k53,
                                const float *k31);

// From the gradient of `weight` to those of the matrices that are used, written.
void kernelmix_adjoint(const struct kernelmix *m, const float *k53, const float *k31,
                       double d_weight[KERNELMIX_TAPS][KERNELMIX_TAPS], float *d_k53,
                       float *d_k31);

#endif
