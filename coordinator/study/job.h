// SPDX-License-Identifier: Apache-2.0
// job.h - work beside the loop: one function on the thread pool, one call back on the
// loop.
//
// A kind of job embeds struct job first, fills run and done, and is freed by its own
// done. run touches nothing that the loop touches; what it needs was copied in.
//
// Owns: nothing. Threads: job_start and done on the loop, run on the pool.
#ifndef COORDINATOR_STUDY_JOB_H
#define COORDINATOR_STUDY_JOB_H

#include "common/base/err.h"

#include <uv.h>

struct job {
    enum err (*run)(struct job *j, struct errinfo *why);
    void (*done)(struct job *j);
    enum err code; // how run ended; ERR_CANCELLED when it never ran
    struct errinfo why;
    uv_work_t work;
};

void job_start(struct job *j, uv_loop_t *loop);

#endif
