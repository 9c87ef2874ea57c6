// SPDX-License-Identifier: Apache-2.0
// supernet.h - the weight-sharing supernet: one block of values, moments and
// statistics.
//
// The supernet is the dense network of the largest architecture plus, per elastic
// convolution, the kernel matrices K53 (3x3) and K31 (1x1), plus the AAM classifier.
// Values, Adam moments (m, v) and per-tensor step counts lie in parallel blocks with
// one table of tensors. Gradients live in the trainer.
//
// Owns: its blocks. Threads: one at a time.
#ifndef WORKER_SUPERNET_SUPERNET_H
#define WORKER_SUPERNET_SUPERNET_H

#include "common/base/err.h"
#include "worker/nn/layout.h"

#include <stdint.h>

#define SUPERNET_TENSORS_MAX (LAYOUT_TENSORS_MAX + 128)
#define SUPERNET_NO_MATRIX   SIZE_MAX

struct supernet_tensor {
    char name[64];
    int rank;
    int shape[3]; // as in the checkpoint: [out][in][taps], [n], [3][3] ...
    size_t at;    // offset in values/m/v, floats; tap-major storage for convolutions
    size_t n_values;
    int layout_index; // into layout.tensors; -1 for kernel matrices and the classifier
};

struct supernet {
    struct layout layout; // of the largest architecture: tensors, axes, statistics
    int n_classes;
    int n_tensors;
    struct supernet_tensor tensors[SUPERNET_TENSORS_MAX];
    size_t n_values;
    float *values;   // [n_values] trained values, classifier included
    float *m, *v;    // [n_values] Adam moments
    uint64_t *steps; // [n_tensors] updates each tensor has seen
    float *stats;    // [layout.n_stats] BN running statistics of the largest path
    // By layout tensor; SUPERNET_NO_MATRIX where it has none (not elastic, or the
    // supernet's largest kernel is already that small).
    size_t k53_at[LAYOUT_TENSORS_MAX], k31_at[LAYOUT_TENSORS_MAX];
    size_t classifier_at; // "aam.W", [n_embed][n_classes]
};

// Fresh weights: convolutions and linears uniform as PyTorch's default (Kaiming with
// a = sqrt 5: bound 1/sqrt(fan_in)), BN 1/0, kernel matrices identity, classifier
// Xavier normal; all a function of the seed alone.
struct supernet *supernet_create(const struct net_dims *d, int n_classes,
                                 uint64_t seed);
void supernet_destroy(struct supernet *s); // NULL is fine

// ERR_NUMERIC names a tensor whose values, moments or statistics are not all finite.
MUST_CHECK enum err supernet_check(const struct supernet *s, struct errinfo *why);

const struct supernet_tensor *supernet_find(const struct supernet *s, const char *name);

#endif
