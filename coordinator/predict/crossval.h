// SPDX-License-Identifier: Apache-2.0
// crossval.h - how well a kind of predictor does on labels it has not seen.
//
// The labels are dealt into folds at random; each fold is predicted by the kind fitted
// to the others. The same (kind, space, labels, folds, seed) gives the same figures,
// and every kind is judged on the same folds.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PREDICT_CROSSVAL_H
#define COORDINATOR_PREDICT_CROSSVAL_H

#include "coordinator/predict/predictor.h"

struct crossval {
    double kendall_tau; // tau-b, mean over the folds
    double spearman;    // mean over the folds
    double rmse;        // over all labels, in their unit
    double *held_out;   // the caller's, may be NULL: [n], gets each label's prediction
};

// ERR_INPUT: no such kind, too few labels for it or for two in each fold, fewer than
// two folds. ERR_NUMERIC: labels not finite.
MUST_CHECK enum err crossval_run(const char *kind, const struct space *s,
                                 const struct labels *l, int n_folds, uint64_t seed,
                                 struct crossval *out, struct errinfo *why);

#endif
