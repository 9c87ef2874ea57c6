// SPDX-License-Identifier: Apache-2.0
// numeric.h - a network as a few numbers from about 0 to 1, near for networks alike.
//
// One number for each gene of the space, in its order: where the logarithm of its value
// lies between the list's lowest and highest; below 0 for a gene of a layer that does
// not exist. Then where the logarithms of parameters and MACs (of the paper's fixed
// sizes, for 3 s) lie between the smallest and the largest network's.
//
// Owns: nothing; borrows the space. Threads: any.
#ifndef COORDINATOR_PREDICT_NUMERIC_H
#define COORDINATOR_PREDICT_NUMERIC_H

#include "common/space/space.h"

#define NUMERIC_COSTS 2
#define NUMERIC_MAX   (SPACE_GENES_MAX + NUMERIC_COSTS)

struct numeric {
    const struct space *space;
    double low[NUMERIC_COSTS], high[NUMERIC_COSTS]; // logarithms
};

void numeric_init(struct numeric *f, const struct space *s);
size_t numeric_size(const struct space *s);
void numeric_of(const struct numeric *f, const struct arch *a,
                double out[static NUMERIC_MAX]);

// The costs alone.
void numeric_costs(const struct numeric *f, const struct arch *a,
                   double out[static NUMERIC_COSTS]);

#endif
