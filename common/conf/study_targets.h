// SPDX-License-Identifier: Apache-2.0
// study_targets.h - the `targets:` of a study: what each kind of device can bear.
//
// A limit is one of the keys params, macs and bytes, or a text of the list constraints.
// All of a target's limits hold at once.
//
// Private to study.[ch] but for the structs. Owns: nothing; values. Threads: any.
#ifndef COMMON_CONF_STUDY_TARGETS_H
#define COMMON_CONF_STUDY_TARGETS_H

#include "common/conf/objective.h"
#include "common/conf/schema.h"
#include "common/space/complexity.h"

#include <stdint.h>

struct study_conf;

#define STUDY_TARGETS_MAX 16
#define STUDY_LIMITS_MAX  8 // of one target

// Zero = no limit of that kind.
struct study_target {
    char name[32];
    uint64_t max_params;
    uint64_t max_macs;
    uint64_t max_bytes;
    int n_constraints;
    struct constraint constraints[STUDY_LIMITS_MAX]; // latencies name their device
};

extern const struct schema_key study_target_keys[]; // of one element of the list

// Checks names, devices, and that the space's smallest network stays within what can be
// told from its size; a latency of the only device gets that one's name. ERR_INPUT.
MUST_CHECK enum err study_targets_resolve(const struct schema *s, struct study_conf *c);

#endif
