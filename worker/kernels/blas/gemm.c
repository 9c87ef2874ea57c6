// SPDX-License-Identifier: Apache-2.0
// gemm.c - products shared out to the team; the only calls of cblas; see blas.h.
//
// OpenBLAS itself runs on one thread: each member multiplies its own part of C.
#include "worker/kernels/blas/blas.h"
#include "worker/kernels/blas/team.h"
#include "worker/kernels/blas/tiles.h"

#include <cblas.h>

#include <stdio.h>

#define SHARE_ROWS      4 // C is cut between tiles
#define SHARE_COLUMNS   32
// Multiply-adds below which waking a member that sleeps would cost more than its part
// of the work: about 50 us of one thread. Narrow matrices count as wide as a tile, for
// that is how long they take.
#define MIN_SHARED_MACS 3e6
#define NARROWEST       16

// OpenBLAS starts its threads when it is loaded, and they spin for some hundred
// milliseconds before they sleep. Not in its headers, and missing in builds without
// threads.
extern int blas_thread_shutdown_(void) __attribute__((weak)); // NOLINT: its own name

void blas_set_threads(int n_threads)
{
    openblas_set_num_threads(1);
    if (blas_thread_shutdown_) {
        blas_thread_shutdown_();
    }
    team_set_size(n_threads);
}

const char *blas_library(void)
{
    static char text[64];
    snprintf(text, sizeof(text), "%s, OpenBLAS %s", passes_best()->name,
             openblas_get_corename());
    return text;
}

void blas_library_product(int n, const float *a, const float *b, float *c,
                          int n_threads)
{
    openblas_set_num_threads(n_threads);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a, n, b, n,
                0.0F, c, n);
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

static void multiply_by_library(const struct product *p)
{
    for (int t = 0; t < p->n_taps; t++) {
        cblas_sgemm(CblasRowMajor, order_of(p->a), order_of(p->b), p->m, p->n, p->k,
                    1.0F, p->a.at + t * p->a_tap, ld_of(p->a, p->k),
                    p->b.at + t * p->b_tap, ld_of(p->b, p->n),
                    p->accumulate || t > 0 ? 1.0F : 0.0F, p->c.at, p->c.ld);
    }
}

static void multiply(const struct product *p)
{
    tiles_fn *tiles = tiles_best();
    if (p->m < 1 || p->n < 1) {
        return;
    }
    if (tiles && (p->m >= TILES_MIN_ROWS || p->k >= TILES_MIN_SUM)) {
        tiles(p);
    } else {
        multiply_by_library(p);
    }
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

static int parts_for(const struct product *p)
{
    double narrower = p->m < p->n ? p->m : p->n;
    double wider = p->m < p->n ? p->n : p->m;
    narrower = narrower < NARROWEST ? NARROWEST : narrower;
    return narrower * wider * p->k * p->n_taps < MIN_SHARED_MACS ? 1 : team_size();
}

static void share(const struct product *p)
{
    team_run(p->m >= p->n ? multiply_rows : multiply_columns, p, parts_for(p));
}

static struct strided rows_of(struct matrix x)
{
    return (struct strided){x.at, x.ld, 1};
}

static struct strided columns_of(struct matrix x)
{
    return (struct strided){x.at, 1, x.ld};
}

static struct product product_of(struct shape s, struct strided a, struct strided b,
                                 float beta, struct rows c)
{
    return (struct product){.m = s.m,
                            .n = s.n,
                            .k = s.k,
                            .n_taps = 1,
                            .a = a,
                            .b = b,
                            .accumulate = beta != 0,
                            .c = c};
}

void gemm_nn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    struct product p = product_of(s, rows_of(a), rows_of(b), beta, c);
    share(&p);
}

void gemm_nt(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    struct product p = product_of(s, rows_of(a), columns_of(b), beta, c);
    share(&p);
}

void gemm_tn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c)
{
    struct product p = product_of(s, columns_of(a), rows_of(b), beta, c);
    share(&p);
}

static void share_sum(struct product *p, const struct taps *taps)
{
    p->n_taps = taps->n;
    p->a_tap = taps->a;
    p->b_tap = taps->b;
    share(p);
}

void gemm_nn_taps(struct shape s, struct matrix a, struct matrix b, float beta,
                  struct rows c, const struct taps *taps)
{
    struct product p = product_of(s, rows_of(a), rows_of(b), beta, c);
    share_sum(&p, taps);
}

void gemm_nt_taps(struct shape s, struct matrix a, struct matrix b, float beta,
                  struct rows c, const struct taps *taps)
{
    struct product p = product_of(s, rows_of(a), columns_of(b), beta, c);
    share_sum(&p, taps);
}

// Products beside each other, whose rows are shared out as if they were one below the
// other.
struct each_tap {
    struct product p;
    const struct taps *taps;
};

static void multiply_each(const void *work, int part, int n_parts)
{
    const struct each_tap *e = work;
    int rows = (e->p.m + SHARE_ROWS - 1) / SHARE_ROWS * SHARE_ROWS;
    int all = rows * e->taps->n;
    int end = team_share(all, SHARE_ROWS, part + 1, n_parts);
    for (int at = team_share(all, SHARE_ROWS, part, n_parts); at < end;) {
        int tap = at / rows;
        int first = at % rows;
        int last = end < (tap + 1) * rows ? end - tap * rows : rows;
        struct product p = e->p;
        p.m = (last < e->p.m ? last : e->p.m) - first;
        p.a.at += tap * e->taps->a + (ptrdiff_t)first * p.a.row;
        p.b.at += tap * e->taps->b;
        p.c.at += tap * e->taps->c + (ptrdiff_t)first * p.c.ld;
        multiply(&p);
        at = tap * rows + last;
    }
}

void gemm_tn_each(struct shape s, struct matrix a, struct matrix b, struct rows c,
                  const struct taps *taps)
{
    struct each_tap e = {product_of(s, columns_of(a), rows_of(b), 0, c), taps};
    struct product all = e.p;
    all.n_taps = taps->n;
    team_run(multiply_each, &e, parts_for(&all));
}
