// SPDX-License-Identifier: Apache-2.0
// cut.h - how one tensor of a dense sub-network lies inside the supernet's.
//
// Every elastic axis keeps runs of equal length at equal strides (a prefix is one run,
// the Res2 groups eight, ...), so the cut of a tensor is two such patterns and needs no
// index lists. All work on a cut is done run by run: n consecutive values on both
// sides.
//
// Owns: nothing; struct cut is a value. Threads: any.
#ifndef WORKER_SUPERNET_CUT_H
#define WORKER_SUPERNET_CUT_H

#include "worker/nn/layout.h"

#define CUT_TAPS_MAX 5

// Run r covers [r * stride, r * stride + length) of the supernet's axis and
// [r * length, (r + 1) * length) of the dense one.
struct cut_pattern {
    size_t n_runs, length, stride;
};

struct cut {
    size_t dense_at, super_at; // of the tensors, in their blocks of floats
    struct cut_pattern out, in;
    size_t dense_row, super_row; // floats of an output row: input channels
    size_t dense_tap, super_tap; // floats of a tap
    int n_dense_taps, n_super_taps;
    bool is_stat;
};

// `dense` belongs to layout `l`, `super` to the largest architecture's.
struct cut cut_make(const struct layout *l, const struct layout_tensor *dense,
                    const struct layout_tensor *super);

// n values at these offsets within any tap of the dense tensor and of the supernet's.
typedef void cut_run_fn(void *arg, size_t dense, size_t super, size_t n);

void cut_each_run(const struct cut *c, cut_run_fn *fn, void *arg);

#endif
