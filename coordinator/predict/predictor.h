// SPDX-License-Identifier: Apache-2.0
// predictor.h - guesses a network's error from its genes, after seeing labels.
//
// Kinds (registry.c): "mlp", the paper's BN -> 400 -> 400 -> 400 -> 1 on one-hot genes;
// "ridge"; "gp", a Gaussian process. Labels and predictions are in the label's unit
// (EER in percent). Fitting is deterministic in (space, labels, seed).
//
// Owns: its weights and a copy of the space. Threads: predicting from any, at once.
#ifndef COORDINATOR_PREDICT_PREDICTOR_H
#define COORDINATOR_PREDICT_PREDICTOR_H

#include "common/space/space.h"

#include <stddef.h>
#include <stdint.h>

struct predictor;

struct labels {
    size_t n;
    const struct arch *archs; // [n], of the space
    const double *values;     // [n]
};

// ERR_INPUT: no such kind, too few labels for it. ERR_NUMERIC: labels not finite.
MUST_CHECK enum err predictor_fit(const char *kind, const struct space *s,
                                  const struct labels *l, uint64_t seed,
                                  struct predictor **out, struct errinfo *why);
void predictor_destroy(struct predictor *p); // NULL is fine

// values [n]; spreads [n], one standard deviation, may be NULL (zero where the kind
// knows none). Each arch must be of the predictor's space.
void predictor_predict(const struct predictor *p, const struct arch *archs, size_t n,
                       double *values, double *spreads);

const char *predictor_kind(const struct predictor *p);
const struct space *predictor_space(const struct predictor *p);

// ERR_INPUT, with the gene and the value, unless every network of `s` is of the
// predictor's space.
MUST_CHECK enum err predictor_covers(const struct predictor *p, const struct space *s,
                                     struct errinfo *why);

// safetensors. A file says in its metadata which space it is for; the published
// predictor's file, which does not, is for the paper's coarse space. ERR_NOTFOUND,
// ERR_CORRUPT, ERR_INPUT.
MUST_CHECK enum err predictor_load(const char *path, struct predictor **out,
                                   struct errinfo *why);
MUST_CHECK enum err predictor_save(const struct predictor *p, const char *path,
                                   struct errinfo *why);

#endif
