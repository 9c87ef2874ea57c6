// SPDX-License-Identifier: Apache-2.0
// study_evaluate.c - see study_evaluate.h.
#include "common/conf/study_evaluate.h"

#include <inttypes.h>

#define COHORT_MIN 2      // one speaker has no spread
#define COHORT_MAX 100000 // more than any corpus has

static const char *const protocol_words[] = {"full", "cheap", NULL};

static const struct schema_key asnorm_keys[] = {
    {"cohort", SCHEMA_COUNT, SCHEMA_REQUIRED, offsetof(struct study_asnorm, cohort),
     .min = COHORT_MIN},
    {"top", SCHEMA_INT, 0, offsetof(struct study_asnorm, top), .min = 2,
     .max = COHORT_MAX},
    {"utterances", SCHEMA_INT, 0, offsetof(struct study_asnorm, utterances), .min = 1,
     .max = 1000},
    {0},
};

static const struct schema_key surrogate_keys[] = {
    {"predictor", SCHEMA_PATH, SCHEMA_REQUIRED,
     offsetof(struct study_surrogate, predictor), .size = FILE_PATH_MAX},
    {"spread", SCHEMA_REAL, 0, offsetof(struct study_surrogate, spread), .min = 0,
     .max = 100},
    {0},
};

const struct schema_key study_evaluate_keys[] = {
    {"protocol", SCHEMA_WORD, 0, offsetof(struct study_evaluate, protocol),
     .words = protocol_words},
    {"recalibrate", SCHEMA_INT, 0,
     offsetof(struct study_evaluate, recalibrate_utterances), .min = 2,
     .max = 10000000},
    {"frames", SCHEMA_INT, 0, offsetof(struct study_evaluate, frames), .min = 1,
     .max = 1000000},
    {"asnorm", SCHEMA_MAP, SCHEMA_WHOLE, offsetof(struct study_evaluate, asnorm),
     .keys = asnorm_keys},
    {"surrogate", SCHEMA_MAP, SCHEMA_WHOLE, offsetof(struct study_evaluate, surrogate),
     .keys = surrogate_keys},
    {0},
};

enum err study_evaluate_check(const struct schema *s, const struct study_evaluate *e)
{
    if (e->asnorm.cohort > COHORT_MAX) {
        return tree_error_at(s->tree, "evaluate.asnorm.cohort", s->why,
                             "is %" PRIu64 "; allowed: %d to %d", e->asnorm.cohort,
                             COHORT_MIN, COHORT_MAX);
    }
    if (e->asnorm.cohort > 0 && e->surrogate.predictor[0]) {
        return tree_error_at(
            s->tree, "evaluate.asnorm", s->why,
            "is given beside evaluate.surrogate; allowed: one of them");
    }
    return ERR_OK;
}
