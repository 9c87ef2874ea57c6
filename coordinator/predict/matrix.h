// SPDX-License-Identifier: Apache-2.0
// matrix.h - products of row-major matrices; the coordinator's only way to a BLAS.
//
// Every call computes on the thread that makes it: who wants more threads shares the
// rows out. Results do not depend on what other threads do.
//
// Owns: nothing. Threads: any, at once.
#ifndef COORDINATOR_PREDICT_MATRIX_H
#define COORDINATOR_PREDICT_MATRIX_H

#include <stdbool.h>
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

// ---- for solving, in double precision; n x n matrices

// out (k x k) = X' X with X as n rows of k; both halves are filled.
void matrix_gram(const double *x, size_t n, size_t k, double *out);

// Overwrites the lower half of a symmetric matrix by its Cholesky factor L, the upper
// one by zeros. False: it is not positive definite, and what is there is of no use.
bool matrix_cholesky(double *a, size_t n);

// B (n rows of m) becomes L^-1 B, or L'^-1 B.
void matrix_solve(const double *l, size_t n, double *b, size_t m);
void matrix_solve_transposed(const double *l, size_t n, double *b, size_t m);

#endif
