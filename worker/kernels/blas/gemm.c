// SPDX-License-Identifier: Apache-2.0
// gemm.c - products shared out to the team; the only calls of cblas; see blas.h.
//
// OpenBLAS itself runs on one thread: each member multiplies its own part of C.
#include "worker/kernels/blas/blas.h"
#include "worker/kernels/blas/team.h"
#include "worker/kernels/blas/tiles.h"

#include <cblas.h>

#define SHARE_ROWS      12 // C is cut between tiles
#define SHARE_COLUMNS   32
#define MIN_SHARED_MACS 200000 // below that, waking the team does not pay

void blas_set_threads(int n_threads)
{
    openblas_set_num_threads(1);
    team_set_size(n_threads);
}

static CBLAS_TRANSPOSE order_of(struct strided x)
{
    return x.column == 1 ? CblasNoTrans : CblasTrans;
}

// A matrix of one row may lie as if its rows were shorter than they are.
static int ld_of(struct strided x, int n_columns)
{
    int ld = x.column == 1 ? x.row : x.column;
    return x.column == 1 && ld < n_columns ? n_columns : ld;
}

void blas_library_product(int n, const float *a, const float *b, float *c,
                          int n_threads)
{
    openblas_set_num_threads(n_threads);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a, n, b, n,
                0.0F, c, n);
}

static void multiply(const struct product *p)
{
    tiles_fn *tiles = tiles_best();
    if (p->m < 1 || p->n < 1) {
        return;
    }
    if (tiles && p->m >= TILES_MIN_ROWS) {
        tiles(p);
        return;
    }
    cblas_sgemm(CblasRowMajor, order_of(p->a), order_of(p->b), p->m, p->n, p->k, 1.0F,
                p->a.at, ld_of(p->a, p->k), p->b.at, ld_of(p->b, p->n),
                p->accumulate ? 1.0F : 0.0F, p->c.at, p->c.ld);
}

static void multiply_rows(const void *work, int part, int n_parts)
{
    struct product p = *(const struct product *)work;
    int first = team_share(p.m, SHARE_ROWS, part, n_parts);
    p.m = team_share(p.m, SHARE_ROWS, part + 1, n_parts) - first;
    p.a.at += (ptrdiff_t)first * p.a.row;
    p.c.at += (ptrdiff_t)first * p.c.ld;
    multiply(&p);
}

static void multiply_columns(const void *work, int part, int n_parts)
{
    struct product p = *(const struct product *)work;
    int first = team_share(p.n, SHARE_COLUMNS, part, n_parts);
    p.n = team_share(p.n, SHARE_COLUMNS, part + 1, n_parts) - first;
    p.b.at += (ptrdiff_t)first * p.b.column;
    p.c.at += first;
    multiply(&p);
}

static void share(const struct product *p)
{
    double macs = (double)p->m * p->n * p->k;
    int n_parts = macs < MIN_SHARED_MACS ? 1 : team_size();
    team_run(p->m >= p->n ? multiply_rows : multiply_columns, p, n_parts);
}

void gemm_nn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    share(&(struct product){.m = s.m,
                            .n = s.n,
                            .k = s.k,
                            .a = {a.at, a.ld, 1},
                            .b = {b.at, b.ld, 1},
                            .accumulate = beta != 0,
                            .c = c});
}

void gemm_nt(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    share(&(struct product){.m = s.m,
                            .n = s.n,
                            .k = s.k,
                            .a = {a.at, a.ld, 1},
                            .b = {b.at, 1, b.ld},
                            .accumulate = beta != 0,
                            .c = c});
}

void gemm_tn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    share(&(struct product){.m = s.m,
                            .n = s.n,
                            .k = s.k,
                            .a = {a.at, 1, a.ld},
                            .b = {b.at, b.ld, 1},
                            .accumulate = beta != 0,
                            .c = c});
}
