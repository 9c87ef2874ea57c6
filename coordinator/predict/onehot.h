// SPDX-License-Identifier: Apache-2.0
// onehot.h - a network as the predictors see it: one value per value of each gene.
//
// All genes' values one after another, in the space's order of genes; 1 at the chosen
// value of each active gene, 0 elsewhere, so that genes of layers that do not exist are
// all zero. 48 values for the paper's coarse space, 408 for its fine one. Only where
// the ones stand is ever written down.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PREDICT_ONEHOT_H
#define COORDINATOR_PREDICT_ONEHOT_H

#include "common/space/space.h"

size_t onehot_size(const struct space *s);

// Writes where the ones stand, increasing; returns how many. `a` is of the space.
size_t onehot_of(const struct space *s, const struct arch *a,
                 int ones[static SPACE_GENES_MAX]);

#endif
