// SPDX-License-Identifier: Apache-2.0
// metrics.h - EER and minDCF from scored trials.
//
// The ROC is the convex-free empirical one, points at every distinct score; the EER is
// where false acceptance meets false rejection, linearly interpolated between points.
// minDCF is normalised by the better trivial system, c_miss = c_fa = 1.
// Source: NIST SRE evaluation plan; conventions of the method's authors' program.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_SCORE_METRICS_H
#define WORKER_SCORE_METRICS_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct metrics {
    double eer_percent;
    double mindcf_p01; // p_target = 0.01
    double mindcf_p05;
    size_t n_targets, n_nontargets;
};

// ERR_INPUT without at least one target and one non-target; ERR_NUMERIC for NaN scores.
MUST_CHECK enum err metrics_compute(const double *scores, const bool *is_target,
                                    size_t n, struct metrics *out, struct errinfo *why);

#endif
