// SPDX-License-Identifier: Apache-2.0
// schedule.h - the triangular2 learning-rate schedule.
//
// Source: Smith, "Cyclical learning rates", WACV 2017: triangular, amplitude halved
// with each cycle.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_OPTIM_SCHEDULE_H
#define WORKER_OPTIM_SCHEDULE_H

#include <stdint.h>

// Learning rate at `position` of `length` batches in `cycles` triangles.
double schedule_triangular2(double lr_min, double lr_max, uint64_t position,
                            uint64_t length, int cycles);

#endif
