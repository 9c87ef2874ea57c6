// SPDX-License-Identifier: Apache-2.0
// propose_job.h - a job beside the loop: a strategy's next networks.
//
// The strategy is made anew of the trials as they are when the job starts, however many
// there are and however long it thinks. For studies whose evaluator is a predictor's
// file the networks are guessed at once: the strategy is told each guess before the
// next few are asked for, as it would be told evaluations.
//
// Owns: copies of the trials; afterwards the proposals. Borrows: the configuration and
// the tables, which stay until the job ended. Threads: created and freed on the loop.
#ifndef COORDINATOR_STUDY_PROPOSE_JOB_H
#define COORDINATOR_STUDY_PROPOSE_JOB_H

#include "common/base/file.h"
#include "coordinator/search/strategy.h"
#include "coordinator/study/final.h"
#include "coordinator/study/job.h"

struct proposed {
    struct proposal proposal;
    double eer; // percent, where it is guessed
};

struct propose_job {
    struct job job; // first
    void *arg;      // the caller's
    size_t n;
    struct proposed *items;
    bool is_exhausted; // the strategy had no more
    bool is_guessing;

    size_t n_wanted;
    char predictor_path[FILE_PATH_MAX];
    struct trial_row *trials;
    char checkpoint[HASH_HEX_MAX];
    struct final_scope scope; // over these
};

// `predictor_path` NULL: workers evaluate what is proposed.
struct propose_job *propose_job_create(const struct final_scope *scope,
                                       const char *predictor_path, size_t n_wanted);
void propose_job_destroy(struct propose_job *p); // NULL is fine

#endif
