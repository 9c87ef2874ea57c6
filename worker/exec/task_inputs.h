// SPDX-License-Identifier: Apache-2.0
// task_inputs.h - what every computing task starts from: study, data and supernet.
//
// Opening also tells the compute backend how many threads it may use.
//
// Owns: all three, from open to close. Threads: one at a time.
#ifndef WORKER_EXEC_TASK_INPUTS_H
#define WORKER_EXEC_TASK_INPUTS_H

#include "worker/data/pack.h"
#include "worker/exec/runner.h"
#include "worker/kernels/backend.h"
#include "worker/supernet/supernet.h"

struct task_inputs {
    const struct kernels *kernels;
    struct study_conf *conf;
    struct pack *pack;
    struct supernet *supernet; // from the checkpoint, or fresh from the study's seed
};

// ERR_NOTFOUND (an artifact is not here), ERR_CORRUPT, ERR_INPUT. Closed on failure.
MUST_CHECK enum err task_inputs_open(struct task_inputs *in, struct runner *r,
                                     const struct task_spec *spec, struct errinfo *why);
void task_inputs_close(struct task_inputs *in);

#endif
