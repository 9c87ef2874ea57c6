// SPDX-License-Identifier: Apache-2.0
// study_devices.c - see study_devices.h.
#include "common/conf/study_devices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEASURE_AT(m) offsetof(struct study_measure, m)

static const struct schema_key measure_keys[] = {
    {"batch", SCHEMA_COUNT, 0, MEASURE_AT(batch), .min = 1},
    {"frames", SCHEMA_COUNT, 0, MEASURE_AT(frames), .min = 1},
    {"threads", SCHEMA_COUNT, 0, MEASURE_AT(threads), .min = 1},
    {"budget_s", SCHEMA_COUNT, 0, MEASURE_AT(budget_s), .min = 1},
    {"holdout", SCHEMA_COUNT, 0, MEASURE_AT(holdout), .min = 1},
    {0},
};

const struct schema_key study_device_keys[] = {
    {"name", SCHEMA_NAME, SCHEMA_REQUIRED, offsetof(struct study_device, name),
     .size = DEVICE_NAME_MAX},
    {"latency_table", SCHEMA_PATH, 0, offsetof(struct study_device, latency_table),
     .size = FILE_PATH_MAX},
    {"measure", SCHEMA_MAP, 0, offsetof(struct study_device, measure),
     .keys = measure_keys},
    {0},
};

// What may be asked for; the protocol's limits are as wide.
static const struct {
    const char *key;
    size_t at;
    uint64_t preset, min, max;
} measures[] = {
    {"batch", MEASURE_AT(batch), 1, 1, 256},
    {"frames", MEASURE_AT(frames), 300, 10, 100000},
    {"threads", MEASURE_AT(threads), 1, 1, 64},
    {"budget_s", MEASURE_AT(budget_s), 600, 1, 604800},
    {"holdout", MEASURE_AT(holdout), 20, 3, 1000}, // a rank correlation needs three
};
#define N_MEASURES (sizeof(measures) / sizeof(measures[0]))

bool study_device_is_measured(const struct study_device *d)
{
    return d->latency_table[0] == '\0';
}

#define ROWS_MAX 262144 // batch x frames, as the protocol has it

static enum err resolve_measure(const struct schema *s, struct study_measure *m, int i)
{
    for (size_t k = 0; k < N_MEASURES; k++) {
        uint64_t *value = (uint64_t *)(void *)((char *)m + measures[k].at);
        if (*value == 0) {
            *value = measures[k].preset;
        }
        if (*value < measures[k].min || *value > measures[k].max) {
            char path[64];
            snprintf(path, sizeof(path), "devices[%d].measure.%s", i, measures[k].key);
            return tree_error_at(s->tree, path, s->why,
                                 "is %" PRIu64 "; allowed: %" PRIu64 " to %" PRIu64,
                                 *value, measures[k].min, measures[k].max);
        }
    }
    if (m->batch * m->frames > ROWS_MAX) {
        char path[64];
        snprintf(path, sizeof(path), "devices[%d].measure.batch", i);
        return tree_error_at(s->tree, path, s->why,
                             "is %" PRIu64 " with %" PRIu64
                             " frames; allowed: at most %d frames in a pass",
                             m->batch, m->frames, ROWS_MAX);
    }
    return ERR_OK;
}

static enum err resolve_one(const struct schema *s, struct study_device *devices, int i)
{
    struct study_device *d = &devices[i];
    char path[64];
    snprintf(path, sizeof(path), "devices[%d]", i);
    const struct tree_node *list = tree_get(tree_root(s->tree), "devices");
    bool has_measure = tree_get(tree_item(list, i), "measure");
    if (has_measure == (d->latency_table[0] != '\0')) {
        return tree_error_at(s->tree, path, s->why,
                             "has %s; allowed: latency_table (a file) or measure",
                             has_measure ? "both latency_table and measure"
                                         : "neither latency_table nor measure");
    }
    for (int j = 0; j < i; j++) {
        if (strcmp(d->name, devices[j].name) == 0) {
            snprintf(path, sizeof(path), "devices[%d].name", i);
            return tree_error_at(s->tree, path, s->why,
                                 "is %s, as of devices[%d]; allowed: each name once",
                                 d->name, j);
        }
    }
    return has_measure ? resolve_measure(s, &d->measure, i) : ERR_OK;
}

enum err study_devices_resolve(const struct schema *s, struct study_device *devices,
                               int n)
{
    enum err e = ERR_OK;
    for (int i = 0; i < n && e == ERR_OK; i++) {
        e = resolve_one(s, devices, i);
    }
    return e;
}
