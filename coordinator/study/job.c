// SPDX-License-Identifier: Apache-2.0
// job.c - see job.h.
#include "coordinator/study/job.h"

static void on_work(uv_work_t *work)
{
    struct job *j = work->data;
    j->code = j->run(j, &j->why);
}

static void on_done(uv_work_t *work, int status)
{
    struct job *j = work->data;
    if (status == UV_ECANCELED) {
        j->code = err_set(&j->why, ERR_CANCELLED, "the job was cancelled");
    }
    j->done(j);
}

void job_start(struct job *j, uv_loop_t *loop)
{
    j->work.data = j;
    // Fails only for a missing function.
    BUG_ON(uv_queue_work(loop, &j->work, on_work, on_done) != 0);
}
