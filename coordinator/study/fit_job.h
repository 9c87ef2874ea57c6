// SPDX-License-Identifier: Apache-2.0
// fit_job.h - a job beside the loop: predictors are fitted to a study's labels, and the
// best of them is searched.
//
// Each kind the study allows is cross-validated; the one with the highest mean Kendall
// tau is fitted to all labels and searched (explore.h). The predictor and the record of
// the fit go into the artifact store.
//
// Owns: copies of the labels; afterwards the fit. Borrows: the configuration and the
// tables, which stay until the job ended. Threads: created and freed on the loop.
#ifndef COORDINATOR_STUDY_FIT_JOB_H
#define COORDINATOR_STUDY_FIT_JOB_H

#include "common/blob/store.h"
#include "coordinator/study/final.h"
#include "coordinator/study/fit.h"
#include "coordinator/study/job.h"

struct fit_job {
    struct job job; // first
    void *arg;      // the caller's
    struct fit fit;
    char record[HASH_HEX_MAX]; // its artifact

    const struct study_conf *conf;
    const struct aims_tables *tables;
    char blob_dir[FILE_PATH_MAX];
    size_t n_labels;
    struct arch *archs;
    double *values;
    struct seen *avoid; // evaluated as a candidate would be
};

// The labels are the scope's measured trials of that origin.
MUST_CHECK enum err fit_job_create(const struct blob_store *blobs,
                                   const struct final_scope *scope,
                                   struct fit_job **out, struct errinfo *why);
void fit_job_destroy(struct fit_job *f); // NULL is fine

#endif
