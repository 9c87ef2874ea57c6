// SPDX-License-Identifier: Apache-2.0
// passes.h - the loops between matrix products, compiled once per instruction set.
//
// passes.c is built several times with different machine flags; passes_best() gives the
// table for the machine this runs on. A pass goes over the rows of one utterance. Sums
// over time are kept in float for a few rows, then in double, so that they are as good
// as two-pass formulas and still run at memory speed.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_KERNELS_BLAS_PASSES_H
#define WORKER_KERNELS_BLAS_PASSES_H

#include <stdbool.h>
#include <stddef.h>

// n_rows rows of n channels each; several planes may be passed with one extent.
struct extent {
    int n_rows, n;
};

struct rows {
    float *at;
    int ld;
};

// Gradient of BN and ReLU: dz = z > 0 ? a dy + b (z - mean) + c : 0, per channel.
struct norm_slopes {
    const float *a, *b, *c, *mean;
};

// Softmax-weighted moments of one utterance and their gradients, per channel.
struct pool_moments {
    float *mean, *deviation;
};

struct pool_slopes {
    const float *mean, *variance;
    const float *d_mean, *d_square;
};

struct passes {
    const char *name;
    // z = max(z, 0); sums[0] += z - pivot, sums[1] += (z - pivot)^2. Any value of the
    // channel will do for a pivot: it keeps the variance of values far from zero.
    void (*relu_sums)(struct extent e, struct rows z, const float *pivot,
                      double *const sums[2]);
    void (*relu)(struct extent e, struct rows z);
    // y = scale z + shift; next += y when there is a next.
    void (*scale_shift)(struct extent e, struct rows z, const float *scale,
                        const float *shift, struct rows y, struct rows next);
    // y = max(y, 0) scale + shift; next += y when there is a next.
    void (*relu_scale_shift)(struct extent e, struct rows y, const float *scale,
                             const float *shift, struct rows next);
    // y = scale z + shift + total_in; total_out = total_in + y when there is one.
    void (*scale_shift_total)(struct extent e, struct rows z, const float *scale,
                              const float *shift, const struct rows totals[2],
                              struct rows y);
    // dy += more when there is more; sums[0] += dy, sums[1] += dy (z - mean).
    void (*norm_back_sums)(struct extent e, struct rows dy, struct rows more,
                           struct rows z, const float *mean, double *const sums[2]);
    // dy += total, total += dy (is_last: total = dy); sums[0] += dy,
    // sums[1] += dy (z - mean), sums[2] += z - mean.
    void (*total_back_sums)(struct extent e, struct rows dy, struct rows total,
                            bool is_last, struct rows z, const float *mean,
                            double *const sums[3]);
    void (*norm_back)(struct extent e, struct rows dy, struct rows z,
                      const struct norm_slopes *s, struct rows dz);
    // dy = y > 0 ? dy : 0
    void (*relu_back)(struct extent e, struct rows y, struct rows dy);
    void (*tanh)(struct extent e, struct rows x);
    void (*tanh_back)(struct extent e, struct rows y, struct rows dy);
    // logits become attention, softmax over the rows.
    void (*pool)(struct extent e, struct rows logits, struct rows h,
                 const struct pool_moments *m);
    // attention becomes the gradient of the logits; dh the direct part of h's.
    void (*pool_back)(struct extent e, struct rows attention, struct rows h,
                      const struct pool_slopes *s, struct rows dh);
    // x -> exp(scale x - shift), returns the sum.
    double (*exp_sum)(size_t n, float *x, float scale, float shift);
};

// The tables this machine can run, the best first; NULL past the end.
const struct passes *passes_at(size_t i);

static inline const struct passes *passes_best(void)
{
    return passes_at(0);
}

#endif
