// SPDX-License-Identifier: Apache-2.0
// blas.h - inside the OpenBLAS backend: matrix products by cblas, the rest by passes.
//
// A convolution is one product per tap over all rows of the batch at once, gaps
// included: the rows of X, shifted, times the transposed matrix of the tap. What that
// leaves in the gaps of outputs is overwritten with zeros where someone would read it.
// Everything between two products is one pass over memory (passes.h).
// Passes and products are shared out to a team of threads (team.h) in a partition that
// depends on sizes and the team alone.
//
// Owns: nothing. Threads: one at a time per stream.
#ifndef WORKER_KERNELS_BLAS_BLAS_H
#define WORKER_KERNELS_BLAS_BLAS_H

#include "worker/kernels/blas/passes.h"
#include "worker/kernels/host.h"

extern const struct kernels blas_kernels;

const char *blas_library(void);       // for people
void blas_set_threads(int n_threads); // the team's; OpenBLAS has one in each

// C = A B, [n][n] each, by OpenBLAS alone: what its own threads reach on this machine.
// Leaves it with those threads until blas_set_threads.
void blas_library_product(int n, const float *a, const float *b, float *c,
                          int n_threads);

// Some utterances of the batch, one member's part of a pass.
struct utts {
    int first, end;
    int part; // which one
};

// A layer and its backward's arguments, or whatever the pass needs.
struct utts_work {
    struct stream *s;
    int n; // channels the pass goes over
    const void *layer, *back;
};

typedef void utts_fn(const struct utts_work *w, struct utts u);

// Shares the utterances out to the team where that pays; returns the number of parts.
int blas_each_utts(utts_fn *fn, const struct utts_work *w);

// Rows of scratch, [part][n]: part 0 += all others.
void blas_add_parts(double *sums, int n_parts, int n);

// A matrix in host memory: row-major, ld floats from row to row.
struct matrix {
    const float *at;
    int ld;
};

struct shape {
    int m, n, k; // C is [m][n], the sum runs over k
};

// C = A B + beta C, with A [m][k] and B [k][n]; nt: B [n][k] transposed; tn: A [k][m].
void gemm_nn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c);
void gemm_nt(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c);
void gemm_tn(struct shape s, struct matrix a, struct matrix b, float beta,
             struct rows c);

// How far A, B and C lie from those of the tap before.
struct taps {
    int n;
    ptrdiff_t a, b, c;
};

// The sum of the products of all taps; c of taps is not used.
void gemm_nn_taps(struct shape s, struct matrix a, struct matrix b, float beta,
                  struct rows c, const struct taps *taps);
void gemm_nt_taps(struct shape s, struct matrix a, struct matrix b, float beta,
                  struct rows c, const struct taps *taps);
// A product for each tap.
void gemm_tn_each(struct shape s, struct matrix a, struct matrix b, struct rows c,
                  const struct taps *taps);

// y = conv(x) on all rows between the first and the last gap.
void blas_conv(const struct stream *s, const struct conv *c, struct plane x,
               struct plane y);
// dy must be zero in gaps. dx may not exist.
void blas_conv_back(const struct stream *s, const struct conv *c, struct plane x,
                    struct plane dy, struct place d_weights);
void blas_conv_back_input(const struct stream *s, const struct conv *c, struct plane dy,
                          struct plane dx, bool accumulate);

static inline struct rows blas_rows(struct plane p, int row)
{
    return (struct rows){host_row(p, row), p.ld};
}

static inline struct matrix blas_matrix(struct place p, int ld)
{
    return (struct matrix){host_at(p), ld};
}

// Where the sums of z are taken around: relu of the batch's first frame, [n], in
// scratch that no other step of a layer's forward uses.
const float *blas_pivot(struct stream *s, struct plane z, int n);

// scale = gamma / deviation, shift = beta - mean scale.
void blas_norm_factors(const struct norm *norm, bool by_batch, int n, float *scale,
                       float *shift);

void blas_conv_norm_train(struct stream *s, const struct conv_norm *c);
void blas_conv_norm_eval(struct stream *s, const struct conv_norm *c);
void blas_conv_norm_back(struct stream *s, const struct conv_norm *c,
                         const struct conv_norm_back *b);
void blas_conv_relu(struct stream *s, const struct conv_relu *c);
void blas_conv_relu_back(struct stream *s, const struct conv_relu *c,
                         const struct conv_relu_back *b);
void blas_block_end_train(struct stream *s, const struct block_end *e);
void blas_block_end_eval(struct stream *s, const struct block_end *e);
void blas_block_end_back(struct stream *s, const struct block_end *e,
                         const struct block_end_back *b);
void blas_pool(struct stream *s, const struct pool *p);
void blas_pool_back(struct stream *s, const struct pool *p, const struct pool_back *b);
void blas_vector_norm_train(struct stream *s, const struct vector_norm *v);
void blas_vector_norm_eval(struct stream *s, const struct vector_norm *v);
void blas_vector_norm_back(struct stream *s, const struct vector_norm *v,
                           const struct vector_norm_back *b);
void blas_linear(struct stream *s, const struct linear *l);
void blas_linear_back(struct stream *s, const struct linear *l,
                      const struct linear_back *b);
void blas_margin_loss(struct stream *s, const struct margin_loss *l,
                      struct margin_result *result);

#endif
