// SPDX-License-Identifier: Apache-2.0
// study_limits.h - the `limits:` of a study: what each of its tasks may take.
//
// Memory is also a need: a task goes only to workers that give as much.
//
// Private to study.[ch] but for the struct. Owns: nothing; a value. Threads: any.
#ifndef COMMON_CONF_STUDY_LIMITS_H
#define COMMON_CONF_STUDY_LIMITS_H

#include "common/conf/schema.h"

#include <stdint.h>

#define STUDY_MEMORY_MIN (64ull << 20) // less holds no runner at all
#define STUDY_MEMORY_MAX (1ull << 50)
#define STUDY_RUN_MAX_S  2592000 // 30 days

struct study_limits {
    uint64_t memory_bytes; // 0 = the worker's own
    uint64_t run_s;        // 0 = by the kind of task
};

extern const struct schema_key study_limits_keys[];

// Checks what one key alone cannot tell. ERR_INPUT.
MUST_CHECK enum err study_limits_check(const struct schema *s,
                                       const struct study_limits *l);

#endif
