// SPDX-License-Identifier: Apache-2.0
// measured.h - networks measured on a device, and what they come to: a latency table
// and how far it is to be trusted.
//
// Owns: a list owns its networks. Threads: any, one at a time.
#ifndef COORDINATOR_STUDY_MEASURED_H
#define COORDINATOR_STUDY_MEASURED_H

#include "common/conf/study.h"
#include "common/space/latency_quality.h"
#include "coordinator/store/device_row.h"
#include "coordinator/store/task.h"

struct measured {
    struct arch arch;
    uint64_t task_id;
    enum task_state state;
    uint64_t worker_id;
    struct measure_result result; // when DONE
};

struct measured_list { // the networks of one part of a device's measuring
    size_t n;
    struct measured *items; // by their place in the list of networks to measure
    size_t n_open;          // neither done nor given up
    size_t n_done;
};

// A task's row; again when that network was tried anew. BUG for other kinds of task.
void measured_add(struct measured_list *l, const struct task_row *row);
void measured_count(struct measured_list *l); // n_open and n_done
void measured_fini(struct measured_list *l);

// The table with its provenance as notes; the caller's to destroy. Counts go to *row.
struct latency_table *measured_table(const struct measured_list *l,
                                     const struct study_device *device,
                                     const struct net_dims *dims,
                                     struct device_row *row);

// How the table does on held-out networks: to *row, and into the table's notes.
void measured_check(const struct measured_list *holdout, struct latency_table *t,
                    const struct net_dims *dims, struct device_row *row);

// Every measured network with what the table says of it, as CSV with a header.
void measured_print(const struct measured_list *cover,
                    const struct measured_list *holdout, const struct latency_table *t,
                    const struct net_dims *dims, struct buf *out);

#endif
