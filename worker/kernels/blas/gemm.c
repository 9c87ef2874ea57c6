// SPDX-License-Identifier: Apache-2.0
// gemm.c - the only calls of cblas; see blas.h.
#include "worker/kernels/blas/blas.h"

#include <cblas.h>

void blas_set_threads(int n_threads)
{
    openblas_set_num_threads(n_threads);
}

void gemm_nn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s.m, s.n, s.k, 1.0F, a.at,
                a.ld, b.at, b.ld, beta, c.at, c.ld);
}

void gemm_nt(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s.m, s.n, s.k, 1.0F, a.at,
                a.ld, b.at, b.ld, beta, c.at, c.ld);
}

void gemm_tn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, s.m, s.n, s.k, 1.0F, a.at,
                a.ld, b.at, b.ld, beta, c.at, c.ld);
}
