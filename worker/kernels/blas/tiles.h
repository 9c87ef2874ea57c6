// SPDX-License-Identifier: Apache-2.0
// tiles.h - an own matrix product for wide vectors, compiled once per instruction set.
//
// For large m and the sizes of networks, where OpenBLAS is held to older processors'
// kernels or is made for larger matrices.
//
// Owns: nothing (scratch is the thread's own). Threads: any.
#ifndef WORKER_KERNELS_BLAS_TILES_H
#define WORKER_KERNELS_BLAS_TILES_H

#include "worker/kernels/blas/passes.h"

#include <stdbool.h>

#define TILES_MIN_ROWS 64  // with fewer, packing B does not pay ...
#define TILES_MIN_SUM  512 // ... but for sums as long as this

// Element (i, j) at i row + j column.
struct strided {
    const float *at;
    int row, column;
};

// C = sum over taps of A B, each tap's A and B a fixed way from those of the last.
struct product {
    int m, n, k, n_taps;
    struct strided a, b; // [m][k], [k][n]
    ptrdiff_t a_tap, b_tap;
    bool accumulate; // C += A B
    struct rows c;
};

typedef void tiles_fn(const struct product *p);

// The build for this machine; NULL where there is none.
tiles_fn *tiles_best(void);

#endif
