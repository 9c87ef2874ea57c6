// SPDX-License-Identifier: Apache-2.0
// matrix.h - products of row-major matrices; the coordinator's only way to a BLAS.
//
// Every call computes on the thread that makes it: who wants more threads shares the
// rows out. Results do not depend on what other threads do.
//
// Owns: nothing. Threads: any, at once.
#ifndef COORDINATOR_PREDICT_MATRIX_H
#define COORDINATOR_PREDICT_MATRIX_H

#include <stddef.h>

struct matrix_shape {
    size_t m, n, k; // of C = A B: A is m x k, B is k x n, C is m x n
};

// C = A B' with B as n rows of k: dense layers, whose weights lie as (out, in).
void matrix_nt(struct matrix_shape s, const float *a, const float *b, float *c);
// C = A B.
void matrix_nn(struct matrix_shape s, const float *a, const float *b, float *c);
// C = A' B with A as k rows of m.
void matrix_tn(struct matrix_shape s, const float *a, const float *b, float *c);

#endif
