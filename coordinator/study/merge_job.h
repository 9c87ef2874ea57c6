// SPDX-License-Identifier: Apache-2.0
// merge_job.h - averages a round's shards on the thread pool into a new artifact.
//
// Owns: copies of everything it works on. Threads: as job.h.
#ifndef COORDINATOR_STUDY_MERGE_JOB_H
#define COORDINATOR_STUDY_MERGE_JOB_H

#include "common/blob/store.h"
#include "coordinator/store/task.h"
#include "coordinator/study/job.h"

struct merge_job {
    struct job job;                // first
    void *arg;                     // the caller's
    char checkpoint[HASH_HEX_MAX]; // the result
    char blob_dir[FILE_PATH_MAX];
    uint64_t position; // what the merged file says of itself
    size_t n_shards;
    char (*paths)[FILE_PATH_MAX];
};

// shards: the round's finished TRAIN tasks, by shard. ERR_NOTFOUND: a checkpoint is not
// in the store. `done` runs on the loop and calls merge_job_destroy.
MUST_CHECK enum err merge_job_create(const struct blob_store *blobs,
                                     const struct task_row *shards, size_t n_shards,
                                     struct merge_job **out, struct errinfo *why);
void merge_job_destroy(struct merge_job *m); // NULL is fine

#endif
