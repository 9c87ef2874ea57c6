// SPDX-License-Identifier: Apache-2.0
// matrix.c - see matrix.h; the only calls of cblas on this side.
#include "coordinator/predict/matrix.h"

#include "common/base/err.h"

#include <cblas.h>

#include <limits.h>
#include <pthread.h>

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
