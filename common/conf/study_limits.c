// SPDX-License-Identifier: Apache-2.0
// study_limits.c - see study_limits.h.
#include "common/conf/study_limits.h"

#include <inttypes.h>

const struct schema_key study_limits_keys[] = {
    {"memory", SCHEMA_COUNT, 0, offsetof(struct study_limits, memory_bytes), .min = 1},
    {"run_s", SCHEMA_COUNT, 0, offsetof(struct study_limits, run_s), .min = 1},
    {0},
};

static bool is_given_outside(uint64_t value, uint64_t min, uint64_t max)
{
    return value != 0 && (value < min || value > max);
}

enum err study_limits_check(const struct schema *s, const struct study_limits *l)
{
    if (is_given_outside(l->memory_bytes, STUDY_MEMORY_MIN, STUDY_MEMORY_MAX)) {
        return tree_error_at(s->tree, "limits.memory", s->why,
                             "is %" PRIu64 " bytes; allowed: 64MiB to 1048576GiB",
                             l->memory_bytes);
    }
    if (is_given_outside(l->run_s, 1, STUDY_RUN_MAX_S)) {
        return tree_error_at(s->tree, "limits.run_s", s->why,
                             "is %" PRIu64 "; allowed: 1 to %d seconds", l->run_s,
                             STUDY_RUN_MAX_S);
    }
    return ERR_OK;
}
