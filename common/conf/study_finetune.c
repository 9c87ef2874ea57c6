// SPDX-License-Identifier: Apache-2.0
// study_finetune.c - see study_finetune.h.
#include "common/conf/study_finetune.h"

#include <inttypes.h>

const struct schema_key study_finetune_keys[] = {
    {"networks", SCHEMA_COUNT, SCHEMA_REQUIRED,
     offsetof(struct study_finetune, networks), .min = 1},
    {"epochs", SCHEMA_REAL, 0, offsetof(struct study_finetune, epochs), .min = 0.001,
     .max = 100000},
    {"lr", SCHEMA_REAL, 0, offsetof(struct study_finetune, lr), .min = 1e-12, .max = 1},
    {"margin", SCHEMA_REAL, 0, offsetof(struct study_finetune, margin), .min = 0,
     .max = 1.5},
    {"crop", SCHEMA_REAL, 0, offsetof(struct study_finetune, crop_s), .min = 0.1,
     .max = 60},
    {0},
};

enum err study_finetune_check(const struct schema *s, const struct study_finetune *f)
{
    if (f->networks > STUDY_FINETUNE_MAX) {
        return tree_error_at(s->tree, "finetune.networks", s->why,
                             "is %" PRIu64 "; allowed: 1 to %d", f->networks,
                             STUDY_FINETUNE_MAX);
    }
    return ERR_OK;
}
