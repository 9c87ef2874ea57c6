// SPDX-License-Identifier: Apache-2.0
// predictor_type.h - what a kind of predictor is made of; see predictor.h.
//
// Adding a kind: a file with a struct predictor_type, and a row in registry.c.
//
// Owns: nothing. Threads: predicting from any, at once.
#ifndef COORDINATOR_PREDICT_PREDICTOR_TYPE_H
#define COORDINATOR_PREDICT_PREDICTOR_TYPE_H

#include "common/blob/tensorfile.h"
#include "coordinator/predict/predictor.h"

struct predictor_type {
    const char *name;
    size_t min_labels;
    // Labels are finite, at least min_labels, and not all of one value.
    enum err (*fit)(const struct space *s, const struct labels *l, uint64_t seed,
                    void **state, struct errinfo *why);
    void (*predict)(const void *state, const struct space *s, const struct arch *archs,
                    size_t n, double *values, double *spreads); // spreads may be NULL
    // Adds its tensors; they live until the file is written.
    void (*save)(const void *state, struct tensor_writer *w);
    // ERR_CORRUPT: the tensors are not those of a predictor for the space.
    enum err (*load)(const struct tensor_reader *r, const struct space *s, void **state,
                     struct errinfo *why);
    void (*destroy)(void *state);
};

struct predictor {
    const struct predictor_type *type;
    struct space space;
    void *state;
};

#define PREDICTOR_KINDS 3

extern const struct predictor_type predictor_mlp;
extern const struct predictor_type predictor_ridge;
extern const struct predictor_type predictor_gp;

// NULL when there is none of that name.
const struct predictor_type *predictor_type_find(const char *name);
const struct predictor_type *predictor_type_at(size_t i); // i < PREDICTOR_KINDS
// "mlp, ridge, gp", for sentences.
const char *predictor_type_names(void);

#endif
