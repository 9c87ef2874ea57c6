// SPDX-License-Identifier: Apache-2.0
// draws.h - what the numbers of the stream RNG_FIT are for. Append only.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PREDICT_DRAWS_H
#define COORDINATOR_PREDICT_DRAWS_H

enum draw {
    DRAW_INIT,   // a layer: the MLP's first weights
    DRAW_ORDER,  // an epoch: the order in which it sees the labels
    DRAW_FOLDS,  // 0: how labels are dealt into folds
    DRAW_POINTS, // 0: which labels a Gaussian process keeps, and learns its shape from
};

#endif
