// SPDX-License-Identifier: Apache-2.0
// guess_job.h - a job beside the loop: a strategy's next networks, guessed at once.
//
// For studies whose evaluator is a predictor's file. The strategy is told each guess
// before the next few are asked for, as it would be told evaluations.
//
// Owns: copies of the trials; afterwards the guesses. Borrows: the configuration and
// the tables, which stay until the job ended. Threads: created and freed on the loop.
#ifndef COORDINATOR_STUDY_GUESS_JOB_H
#define COORDINATOR_STUDY_GUESS_JOB_H

#include "common/base/file.h"
#include "coordinator/search/strategy.h"
#include "coordinator/study/final.h"
#include "coordinator/study/job.h"

struct guess {
    struct proposal proposal;
    double eer; // percent
};

struct guess_job {
    struct job job; // first
    void *arg;      // the caller's
    size_t n_guesses;
    struct guess *guesses;
    bool is_exhausted; // the strategy had no more

    size_t n_wanted;
    char predictor_path[FILE_PATH_MAX];
    struct trial_row *trials;
    char checkpoint[HASH_HEX_MAX];
    struct final_scope scope; // over these
};

struct guess_job *guess_job_create(const struct final_scope *scope,
                                   const char *predictor_path, size_t n_wanted);
void guess_job_destroy(struct guess_job *g); // NULL is fine

#endif
