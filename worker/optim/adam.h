// SPDX-License-Identifier: Apache-2.0
// adam.h - Adam with L2 weight decay, and the triangular2 learning-rate schedule.
//
// g += decay w; m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
// w -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps).
// Source: Kingma & Ba, ICLR 2015, algorithm 1, decay in L2 form as torch.optim.Adam.
// Schedule: Smith, "Cyclical learning rates", WACV 2017: triangular, amplitude halved
// with each cycle.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_OPTIM_ADAM_H
#define WORKER_OPTIM_ADAM_H

#include <stddef.h>
#include <stdint.h>

struct adam {
    double beta1, beta2, eps, weight_decay;
};

#define ADAM_DEFAULT(decay) ((struct adam){0.9, 0.999, 1e-8, (decay)})

// One update of n consecutive values; `step` counts from 1 for the bias correction.
void adam_update(const struct adam *a, double lr, uint64_t step, size_t n, float *w,
                 const float *g, float *m, float *v);

// Learning rate at `position` of `length` batches in `cycles` triangles.
double schedule_triangular2(double lr_min, double lr_max, uint64_t position,
                            uint64_t length, int cycles);

#endif
