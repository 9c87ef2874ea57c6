// SPDX-License-Identifier: Apache-2.0
// asnorm.h - adaptive symmetric score normalisation.
//
// s' = ((s - mean_e) / spread_e + (s - mean_t) / spread_t) / 2: mean and standard
// deviation (of the population) of the highest cosines between the enrolment, or the
// test, and a cohort of other speakers. A score is then told by how far it stands out
// from what its own two recordings score with the speakers most like them.
// Source: Karam, Campbell, Dehak, "Towards reduced false-alarms using cohorts", ICASSP
// 2011; Matejka et al., "Analysis of score normalization in multilingual speaker
// recognition", Interspeech 2017 (there "adaptive S-norm", of each side's own top).
//
// Owns: nothing beyond a call. Threads: any.
#ifndef WORKER_SCORE_ASNORM_H
#define WORKER_SCORE_ASNORM_H

#include <stddef.h>

struct kernels;

// Cosines are made in single precision: a side whose highest ones lie closer together
// than this is as good as without spread, and counts as having this one.
#define ASNORM_SPREAD_MIN 1e-4

struct asnorm_cohort {
    const double *voices; // [n][n_embed], unit vectors
    size_t n, n_embed;    // at least 2, at least 1
    size_t top;           // how many count, at least 2; all of a smaller cohort
};

struct asnorm_side {
    double mean, spread;
};

// sides [n] of voices [n][n_embed], whose cosines with the cohort are one large product
// on the compute backend.
void asnorm_sides(const struct kernels *k, const struct asnorm_cohort *cohort,
                  const double *voices, size_t n, struct asnorm_side *sides);

double asnorm_score(double score, const struct asnorm_side *enroll,
                    const struct asnorm_side *test);

#endif
