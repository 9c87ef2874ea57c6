// SPDX-License-Identifier: Apache-2.0
// devices.h - the latency tables of a study's devices: imported, or measured by workers
// while the supernet trains.
//
// The happy path of a measured one: its row is inserted with one MEASURE task for each
// network that the table needs and for each held-out one; when the former have ended
// the table is made, and the search may start; when the latter have, the table is
// checked against them. All is a function of the stored tasks, so a crash repeats it.
// The failures: a network that cannot be measured is left out; a device for which none
// can, or whose file cannot be read, fails the study.
//
// Owns: the tables, per study, as long as it is tracked: once there they stay as they
// are, since jobs beside the loop read them. Threads: loop thread.
#ifndef COORDINATOR_STUDY_DEVICES_H
#define COORDINATOR_STUDY_DEVICES_H

#include "coordinator/study/aims.h"
#include "coordinator/study/driver.h"

struct tracked;

struct devices { // what is in memory of them; zeros: nothing yet
    struct latency_table *tables[STUDY_DEVICES_MAX]; // by place in the study; NULL: not
    bool is_known;           // looked at since something changed
    uint32_t n_missing;      // tables
    uint32_t n_open;         // tables, or their checks
    char detail[LIMIT_TEXT]; // what is going on, for people; "" = nothing
};

// Does what is due, and brings t->devices and t->tables up to date. *error: why the
// study has to fail, "" when it has not. Inside a transaction.
MUST_CHECK enum err devices_advance(struct driver *d, struct tracked *t,
                                    const struct study_row *study,
                                    char error[static LIMIT_TEXT], struct errinfo *why);

// A MEASURE task of the study has ended.
void devices_task_ended(struct tracked *t);

// A failed study is tried again: with it what could not be measured.
MUST_CHECK enum err devices_again(struct driver *d, const struct study_conf *conf,
                                  const struct study_row *study, struct errinfo *why);

void devices_fini(struct devices *d);

#endif
