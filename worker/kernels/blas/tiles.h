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

#define TILES_MIN_ROWS 64 // below that, packing B does not pay

// Element (i, j) at i row + j column.
struct strided {
    const float *at;
    int row, column;
};

struct product {
    int m, n, k;
    struct strided a, b; // [m][k], [k][n]
    bool accumulate;     // C += A B
    struct rows c;
};

typedef void tiles_fn(const struct product *p);

// The build for this machine; NULL where there is none.
tiles_fn *tiles_best(void);

#endif
