// SPDX-License-Identifier: Apache-2.0
// matrix.c - see matrix.h; the only calls of cblas on this side.
#include "coordinator/predict/matrix.h"

#include "common/base/err.h"

#include <cblas.h>

#include <limits.h>
#include <math.h>
#include <pthread.h>

#define BLOCK 64 // of the Cholesky factorisation: what is done without products

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void be_single(void)
{
    openblas_set_num_threads(1);
}

static int as_int(size_t n)
{
    BUG_ON(n > INT_MAX);
    return (int)n;
}

static void multiply(struct matrix_shape s, const float *a, CBLAS_TRANSPOSE order_a,
                     const float *b, CBLAS_TRANSPOSE order_b, float *c)
{
    pthread_once(&once, be_single);
    cblas_sgemm(CblasRowMajor, order_a, order_b, as_int(s.m), as_int(s.n), as_int(s.k),
                1.0F, a, as_int(order_a == CblasNoTrans ? s.k : s.m), b,
                as_int(order_b == CblasNoTrans ? s.n : s.k), 0.0F, c, as_int(s.n));
}

void matrix_nt(struct matrix_shape s, const float *a, const float *b, float *c)
{
    multiply(s, a, CblasNoTrans, b, CblasTrans, c);
}

void matrix_nn(struct matrix_shape s, const float *a, const float *b, float *c)
{
    multiply(s, a, CblasNoTrans, b, CblasNoTrans, c);
}

void matrix_tn(struct matrix_shape s, const float *a, const float *b, float *c)
{
    multiply(s, a, CblasTrans, b, CblasNoTrans, c);
}

// ---------------------------------------------------------------- double precision

void matrix_gram(const double *x, size_t n, size_t k, double *out)
{
    pthread_once(&once, be_single);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, as_int(k), as_int(n), 1, x,
                as_int(k), 0, out, as_int(k));
    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j < i; j++) {
            out[j * k + i] = out[i * k + j];
        }
    }
}

// The first n rows and columns at `a`, whose rows are `ld` apart.
static bool cholesky_block(double *a, size_t n, size_t ld)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i * ld + j];
            for (size_t k = 0; k < j; k++) {
                sum -= a[i * ld + k] * a[j * ld + k];
            }
            if (i > j) {
                a[i * ld + j] = sum / a[j * ld + j];
            } else if (sum > 0 && isfinite(sum)) {
                a[j * ld + j] = sqrt(sum);
            } else {
                return false;
            }
        }
    }
    return true;
}

bool matrix_cholesky(double *a, size_t n)
{
    pthread_once(&once, be_single);
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t size = n - at < BLOCK ? n - at : BLOCK;
        size_t rest = n - at - size;
        double *corner = a + at * n + at;
        double *below = corner + size * n;
        if (!cholesky_block(corner, size, n)) {
            return false;
        }
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                    as_int(rest), as_int(size), 1, corner, as_int(n), below, as_int(n));
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, as_int(rest), as_int(size),
                    -1, below, as_int(n), 1, below + size, as_int(n));
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            a[i * n + j] = 0;
        }
    }
    return true;
}

static void solve(const double *l, size_t n, CBLAS_TRANSPOSE order, double *b, size_t m)
{
    pthread_once(&once, be_single);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, order, CblasNonUnit, as_int(n),
                as_int(m), 1, l, as_int(n), b, as_int(m));
}

void matrix_solve(const double *l, size_t n, double *b, size_t m)
{
    solve(l, n, CblasNoTrans, b, m);
}

void matrix_solve_transposed(const double *l, size_t n, double *b, size_t m)
{
    solve(l, n, CblasTrans, b, m);
}
