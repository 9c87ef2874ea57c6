// SPDX-License-Identifier: Apache-2.0
// report.h - one study as the database has it now: what `run` and `study show` tell.
//
// Read beside a running coordinator or without one. What needs the study's
// configuration (front, targets) is empty when that is not in the directory.
//
// Owns: copies of the rows, the tables. Threads: any, one at a time.
#ifndef COORDINATOR_CLI_REPORT_H
#define COORDINATOR_CLI_REPORT_H

#include "common/conf/study.h"
#include "coordinator/store/attempt.h"
#include "coordinator/store/device_row.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"
#include "coordinator/study/final.h"
#include "coordinator/study/history.h"

#define REPORT_FAILURES 8 // the last ones say what is wrong now

struct report {
    char dir[FILE_PATH_MAX];
    struct study_row study;
    struct study_conf *conf; // NULL when it cannot be read
    struct task_counts tasks;
    uint32_t n_failures;                          // attempts that failed
    struct attempt_row failures[REPORT_FAILURES]; // the last of them, last first
    struct history history;
    size_t n_devices;
    struct device_row devices[STUDY_DEVICES_MAX];
    struct aims_tables tables; // of those whose table is in the results
    bool *is_on_front;         // by index into history.trials
    size_t n_choices;
    struct final_choice choices[STUDY_TARGETS_MAX];
};

// `name` NULL: the only study there is. ERR_NOTFOUND, ERR_INPUT (which one?), ERR_IO.
MUST_CHECK enum err report_load(const char *dir, const char *name, struct report **out,
                                struct errinfo *why);
void report_destroy(struct report *r); // NULL is fine

// The study's row alone.
MUST_CHECK enum err report_peek(const char *dir, const char *name,
                                struct study_row *out, struct errinfo *why);

size_t report_n_failures_known(const struct report *r); // of r->failures

// Lowest EER of what was measured; negative when nothing was.
double report_best_eer(const struct report *r);

// Indices into history.trials of the measured ones, lowest EER first; the caller frees.
size_t *report_by_eer(const struct report *r, size_t *n);

// Name of the stage with this index; "" when it is not known.
const char *report_stage_name(const struct report *r, uint32_t stage);

// One line of the training history of a stage.
struct report_stage {
    uint32_t n_rounds; // that brought at least one shard
    double first_loss, last_loss, last_accuracy;
    double seconds;  // of computing, all workers together
    double best_eer; // of the trials measured with its checkpoint; negative = none
};
struct report_stage report_stage(const struct report *r, uint32_t stage);

// Folders with the study's results and networks; true when they are there.
bool report_results_dir(const struct report *r, char out[static FILE_PATH_MAX]);
bool report_networks_dir(const struct report *r, char out[static FILE_PATH_MAX]);

#endif
