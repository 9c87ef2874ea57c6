// SPDX-License-Identifier: Apache-2.0
// tasks.c - see tasks.h.
#include "worker/exec/tasks.h"

static task_fn *const tasks[TASK_KINDS] = {
    [TASK_TRAIN] = task_train,
    [TASK_EVALUATE] = task_evaluate,
    [TASK_MEASURE] = task_measure,
    [TASK_FINETUNE] = task_finetune,
};

task_fn *tasks_find(enum task_kind kind)
{
    BUG_ON(kind >= TASK_KINDS || !tasks[kind]); // wire decoding refuses others
    return tasks[kind];
}

uint32_t tasks_capabilities(void)
{
    uint32_t bits = 0;
    for (unsigned k = 0; k < TASK_KINDS; k++) {
        bits |= tasks[k] ? 1u << k : 0;
    }
    return bits;
}
