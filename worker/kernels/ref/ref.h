// SPDX-License-Identifier: Apache-2.0
// ref.h - inside the reference backend: plain loops with sums in double, the oracle.
//
// Nothing here is fast. Every operation is the formula, one loop per index, so that it
// can be read against the paper and other backends can be tested against it.
//
// Owns: nothing. Threads: one at a time per stream.
#ifndef WORKER_KERNELS_REF_REF_H
#define WORKER_KERNELS_REF_REF_H

#include "worker/kernels/host.h"

extern const struct kernels ref_kernels;

// The rows a statistic runs over: the utterances' frames, or plain rows.
struct ref_rows {
    const struct span *spans;
    int n_spans;
    int n_real;
};

struct ref_rows ref_frames(const struct stream *s);

// y = conv(x) on real rows.
void ref_conv(const struct stream *s, const struct conv *c, struct plane x,
              struct plane y);
// dy's gaps are zeroed first. dx may not exist.
void ref_conv_back(const struct stream *s, const struct conv *c, struct plane x,
                   struct plane dy, struct place d_weights);
void ref_conv_back_input(const struct stream *s, const struct conv *c, struct plane dy,
                         struct plane dx, bool accumulate);

void ref_relu(const struct ref_rows *rows, struct plane x, int n);
// dy = 0 where y is not positive.
void ref_relu_back(const struct ref_rows *rows, struct plane y, struct plane dy, int n);

// Writes norm's batch_mean and batch_var.
void ref_norm_measure(const struct ref_rows *rows, const struct norm *norm,
                      struct plane x, int n);
void ref_norm_apply(const struct ref_rows *rows, const struct norm *norm, bool by_batch,
                    struct plane x, struct plane y, int n);
// Gradients of gamma and beta; then dy becomes the gradient of x.
void ref_norm_back(const struct ref_rows *rows, const struct norm *norm, struct plane x,
                   struct plane dy, int n, struct place d_gamma, struct place d_beta);

// sum += x on real rows.
void ref_add(const struct ref_rows *rows, struct plane x, struct plane sum, int n);

void ref_conv_norm_train(struct stream *s, const struct conv_norm *c);
void ref_conv_norm_eval(struct stream *s, const struct conv_norm *c);
void ref_conv_norm_back(struct stream *s, const struct conv_norm *c,
                        const struct conv_norm_back *b);
void ref_block_end_train(struct stream *s, const struct block_end *e);
void ref_block_end_eval(struct stream *s, const struct block_end *e);
void ref_block_end_back(struct stream *s, const struct block_end *e,
                        const struct block_end_back *b);
void ref_conv_relu(struct stream *s, const struct conv_relu *c);
void ref_conv_relu_back(struct stream *s, const struct conv_relu *c,
                        const struct conv_relu_back *b);
void ref_pool(struct stream *s, const struct pool *p);
void ref_pool_back(struct stream *s, const struct pool *p, const struct pool_back *b);
void ref_vector_norm_train(struct stream *s, const struct vector_norm *v);
void ref_vector_norm_eval(struct stream *s, const struct vector_norm *v);
void ref_vector_norm_back(struct stream *s, const struct vector_norm *v,
                          const struct vector_norm_back *b);
void ref_linear(struct stream *s, const struct linear *l);
void ref_linear_back(struct stream *s, const struct linear *l,
                     const struct linear_back *b);
void ref_margin_loss(struct stream *s, const struct margin_loss *l,
                     struct margin_result *result);

#endif
