// SPDX-License-Identifier: Apache-2.0
// schedule.c - see schedule.h.
#include "worker/optim/schedule.h"

#include "common/base/err.h"

#include <math.h>

double schedule_triangular2(double lr_min, double lr_max, uint64_t position,
                            uint64_t length, int cycles)
{
    BUG_ON(length == 0 || cycles < 1);
    double at = (double)position * cycles / (double)length; // in cycles since the start
    double cycle = floor(at);
    double height = 1.0 - fabs(2.0 * (at - cycle) - 1.0); // 0, up to 1 half-way, 0
    return lr_min + (lr_max - lr_min) * height * exp2(-cycle);
}
