// SPDX-License-Identifier: Apache-2.0
// job.h - what the agent hands to a runner: the task, and where and how to compute.
//
// Owns: nothing; a value. Threads: any.
#ifndef WORKER_EXEC_JOB_H
#define WORKER_EXEC_JOB_H

#include "common/base/file.h"
#include "common/base/log.h"
#include "proto/msg.h"
#include "worker/exec/frame.h"

#define JOB_BACKEND_MAX 16

struct job {
    struct task_spec spec;
    char blob_dir[FILE_PATH_MAX];
    char also_read[FILE_PATH_MAX]; // "" = none
    char backend[JOB_BACKEND_MAX];
    uint64_t memory_bytes; // the runner may allocate; 0 = no limit
    uint32_t n_threads;
    uint32_t parent_pid; // the runner ends when it has another parent
    enum log_level log_level;
};

void job_add(const struct job *j, struct buf *out); // one frame
MUST_CHECK enum err job_read(struct frame_reader *r, struct job *out,
                             struct errinfo *why); // ERR_PROTO

#endif
