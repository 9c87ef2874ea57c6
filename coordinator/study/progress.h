// SPDX-License-Identifier: Apache-2.0
// progress.h - how far a study is, how fast, and how long it will take.
//
// Owns: nothing; pure. Threads: any.
#ifndef COORDINATOR_STUDY_PROGRESS_H
#define COORDINATOR_STUDY_PROGRESS_H

#include "common/conf/study.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"
#include "coordinator/study/history.h"

struct progress_facts {
    const struct study_conf *conf;
    const struct study_row *study;
    const struct history *history;
    const struct task_row *shards; // of the current round
    uint32_t n_shards;
    struct task_counts tasks;
    uint32_t n_workers;
    bool is_exhausted; // the strategy has nothing more to propose
};

// Fills everything; the caller may add what live workers say (loss, rate).
void progress_fill(const struct progress_facts *v, struct status_study *out);

#endif
