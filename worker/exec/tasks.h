// SPDX-License-Identifier: Apache-2.0
// tasks.h - which function computes which kind of task.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_EXEC_TASKS_H
#define WORKER_EXEC_TASKS_H

#include "worker/exec/runner.h"

task_fn *tasks_find(enum task_kind kind);
uint32_t tasks_capabilities(void); // bit per kind, as in HELLO

#endif
