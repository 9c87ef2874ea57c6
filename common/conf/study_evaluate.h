// SPDX-License-Identifier: Apache-2.0
// study_evaluate.h - the `evaluate:` of a study: how a network is measured.
//
// Private to study.[ch] but for the structs. Owns: nothing; values. Threads: any.
#ifndef COMMON_CONF_STUDY_EVALUATE_H
#define COMMON_CONF_STUDY_EVALUATE_H

#include "common/base/file.h"
#include "common/conf/schema.h"

#include <stdint.h>

enum protocol { PROTOCOL_FULL, PROTOCOL_CHEAP }; // whole utterance; 2 crops of 4 s

// Adaptive symmetric normalisation of all scores by a cohort of training speakers.
struct study_asnorm {
    uint64_t cohort; // speakers, as many as there are at most; 0 = none
    int top;         // of them, the most like each side of a trial; at most all
    int utterances;  // recordings of each that are heard, at most
};

// An evaluator that guesses: no recordings, no training, the coordinator alone.
struct study_surrogate {
    char predictor[FILE_PATH_MAX]; // "" = networks are really evaluated
    double spread; // standard deviation of what is added to each guess, EER points
};

struct study_evaluate {
    enum protocol protocol;
    int recalibrate_utterances; // training utterances that set the BN statistics
    int frames;                 // utterance length MACs are counted at, 300
    struct study_asnorm asnorm;
    struct study_surrogate surrogate;
};

#define STUDY_EVALUATE_DEFAULT                               \
    ((struct study_evaluate){.protocol = PROTOCOL_FULL,      \
                             .recalibrate_utterances = 1000, \
                             .frames = 300,                  \
                             .asnorm = {.top = 300, .utterances = 2}})

extern const struct schema_key study_evaluate_keys[];

// What one key alone cannot tell. ERR_INPUT.
MUST_CHECK enum err study_evaluate_check(const struct schema *s,
                                         const struct study_evaluate *e);

#endif
