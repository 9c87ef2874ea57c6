// SPDX-License-Identifier: Apache-2.0
// adam.c - see adam.h. Factors in double; the loop over values is a kernel.
#include "worker/optim/adam.h"

#include "common/base/err.h"

#include <math.h>

struct adam_factors adam_at(const struct adam *a, double lr, uint64_t step)
{
    BUG_ON(step == 0);
    return (struct adam_factors){
        .beta1 = (float)a->beta1,
        .beta2 = (float)a->beta2,
        .gain1 = (float)(1.0 - a->beta1),
        .gain2 = (float)(1.0 - a->beta2),
        .decay = (float)a->weight_decay,
        .eps = (float)a->eps,
        .rate = (float)(lr / (1.0 - pow(a->beta1, (double)step))),
        .root_scale = (float)(1.0 / sqrt(1.0 - pow(a->beta2, (double)step))),
    };
}

void adam_update(const struct adam_factors *f, size_t n, float *w, const float *g,
                 float *m, float *v)
{
    adam_loop(f, n, w, g, m, v);
}
