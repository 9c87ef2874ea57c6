// SPDX-License-Identifier: Apache-2.0
// adam.h - Adam with L2 weight decay.
//
// g += decay w; m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
// w -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps).
// Source: Kingma & Ba, ICLR 2015, algorithm 1, decay in L2 form as torch.optim.Adam.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_OPTIM_ADAM_H
#define WORKER_OPTIM_ADAM_H

#include "worker/kernels/adam_loop.h"
#include "worker/optim/schedule.h"

#include <stddef.h>
#include <stdint.h>

struct adam {
    double beta1, beta2, eps, weight_decay;
};

#define ADAM_DEFAULT(decay) ((struct adam){0.9, 0.999, 1e-8, (decay)})

// What one step's updates share; `step` counts from 1 for the bias correction.
struct adam_factors adam_at(const struct adam *a, double lr, uint64_t step);

// One update of n consecutive values. Cheap to call for many short runs.
void adam_update(const struct adam_factors *f, size_t n, float *w, const float *g,
                 float *m, float *v);

#endif
