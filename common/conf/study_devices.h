// SPDX-License-Identifier: Apache-2.0
// study_devices.h - the `devices:` of a study: whose latency a search may speak of.
//
// Each device's latency table comes from a file, or is measured by workers that call
// themselves by its name (`voxarch-worker --device NAME`), for the study's own space.
//
// Private to study.[ch] but for the structs. Owns: nothing; values. Threads: any.
#ifndef COMMON_CONF_STUDY_DEVICES_H
#define COMMON_CONF_STUDY_DEVICES_H

#include "common/base/file.h"
#include "common/conf/objective.h"
#include "common/conf/schema.h"

#include <stdint.h>

#define STUDY_DEVICES_MAX 16

// All zero when the device's table is a file. Counts, since those may be left out.
struct study_measure {
    uint64_t batch;    // utterances in a pass
    uint64_t frames;   // of each utterance
    uint64_t threads;  // that compute it
    uint64_t budget_s; // of measuring, all workers together
    uint64_t holdout;  // whole networks that the table is checked against
};

struct study_device {
    char name[DEVICE_NAME_MAX];
    char latency_table[FILE_PATH_MAX]; // CSV; "" = measured
    struct study_measure measure;
};

extern const struct schema_key study_device_keys[]; // of one element of the list

bool study_device_is_measured(const struct study_device *d);

// Fills in defaults and checks what one key alone cannot tell. ERR_INPUT.
MUST_CHECK enum err study_devices_resolve(const struct schema *s,
                                          struct study_device *devices, int n);

#endif
