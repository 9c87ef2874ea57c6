// SPDX-License-Identifier: Apache-2.0
// device_row.h - rows of a study's devices: how far their latency tables are.
//
// The measurements themselves are the results of MEASURE tasks; what is here is made
// from them.
//
// Owns: nothing. Threads: as struct store.
#ifndef COORDINATOR_STORE_DEVICE_ROW_H
#define COORDINATOR_STORE_DEVICE_ROW_H

#include "coordinator/store/store.h"
#include "proto/msg.h"

enum device_state {
    DEVICE_MEASURING = 1, // networks for the table are being measured
    DEVICE_CHECKING,      // the table is there, held-out networks are being measured
    DEVICE_DONE,          // imported, or measured and checked
    DEVICE_FAILED,        // there will be no table
};
const char *device_state_name(enum device_state s);

struct device_row {
    uint64_t study_id;
    char name[LIMIT_DEVICE_NAME];
    enum device_state state;
    char latencies[HASH_HEX_MAX]; // the table, an artifact; "" until there
    char measured[HASH_HEX_MAX];  // every measured network, an artifact (CSV)
    uint32_t n_networks;          // measured for the table
    uint32_t n_failed;            // that could not be measured
    uint32_t n_noisy;             // on a noisy machine
    uint32_t n_units;             // entries of the table
    uint32_t n_holdout;           // networks it was checked against; then:
    double spearman;              // of predicted and measured latencies
    double median_error;          // relative
    double p95_error;
    char error[LIMIT_TEXT]; // FAILED
};

MUST_CHECK enum err device_row_insert(struct store *s, const struct device_row *row,
                                      struct errinfo *why);
MUST_CHECK enum err device_row_update(struct store *s, const struct device_row *row,
                                      struct errinfo *why);
// In the order of the study file; the callback returns false to stop.
typedef bool device_visit_fn(void *arg, const struct device_row *row);
MUST_CHECK enum err device_row_each(struct store *s, uint64_t study_id,
                                    device_visit_fn *fn, void *arg,
                                    struct errinfo *why);

#endif
