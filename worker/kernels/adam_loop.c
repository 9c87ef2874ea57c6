// SPDX-License-Identifier: Apache-2.0
// adam_loop.c - see adam_loop.h.
#include "worker/kernels/adam_loop.h"

#include <math.h>

void adam_loop(const struct adam_factors *f, size_t n, float *restrict w,
               const float *restrict g, float *restrict m, float *restrict v)
{
    const struct adam_factors k = *f;
    for (size_t i = 0; i < n; i++) {
        float grad = g[i] + k.decay * w[i];
        float mean = k.beta1 * m[i] + k.gain1 * grad;
        float square = k.beta2 * v[i] + k.gain2 * grad * grad;
        m[i] = mean;
        v[i] = square;
        w[i] -= k.rate * mean / (sqrtf(square) * k.root_scale + k.eps);
    }
}
