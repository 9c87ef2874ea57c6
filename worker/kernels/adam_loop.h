// SPDX-License-Identifier: Apache-2.0
// adam_loop.h - the arithmetic of one Adam update on host arrays, for every backend.
//
// The coefficients of a step are the same for all its tensors, so they are worked out
// once; the loop itself is free of branches and vectorises.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_KERNELS_ADAM_LOOP_H
#define WORKER_KERNELS_ADAM_LOOP_H

#include <stddef.h>

struct adam_factors {
    float beta1, beta2;
    float gain1, gain2; // 1 - beta, rounded once
    float decay;
    float eps;
    float rate;       // lr / (1 - beta1^t)
    float root_scale; // 1 / sqrt(1 - beta2^t)
};

// g += decay w; m, v moving means; w -= rate m / (sqrt(v) root_scale + eps).
// The four arrays do not overlap.
void adam_loop(const struct adam_factors *f, size_t n, float *restrict w,
               const float *restrict g, float *restrict m, float *restrict v);

#endif
