// SPDX-License-Identifier: Apache-2.0
// results_devices.h - the part of results.h about devices.
//
// latency_DEVICE.csv   the latency table, with where it comes from and its quality
// measured_DEVICE.csv  every network that was measured for it or to check it
//
// Owns: nothing; values. Threads: loaded on the loop, written on the thread pool.
#ifndef COORDINATOR_STUDY_RESULTS_DEVICES_H
#define COORDINATOR_STUDY_RESULTS_DEVICES_H

#include "common/blob/store.h"
#include "common/conf/study.h"
#include "coordinator/store/device_row.h"

struct json_t;

struct results_device {
    struct device_row row;
    char table_path[FILE_PATH_MAX];    // of the artifact; "" = not there yet
    char measured_path[FILE_PATH_MAX]; // the same
};

struct results_devices {
    size_t n;
    struct results_device items[STUDY_DEVICES_MAX];
};

MUST_CHECK enum err results_devices_load(struct results_devices *d, struct store *s,
                                         struct blob_store *blobs, uint64_t study_id,
                                         struct errinfo *why);
// ERR_IO, ERR_NOTFOUND (an artifact).
MUST_CHECK enum err results_devices_write(const struct results_devices *d,
                                          const char *dir, struct errinfo *why);

// A list of objects, for run.json; the caller's to give away.
struct json_t *results_devices_json(const struct results_devices *d);

#endif
