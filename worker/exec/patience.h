// SPDX-License-Identifier: Apache-2.0
// patience.h - how long a task may run, when its study does not say.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_EXEC_PATIENCE_H
#define WORKER_EXEC_PATIENCE_H

#include "proto/msg.h"

#define PATIENCE_DAY_S         86400 // slow processors, large shards: longer is an accident
// A measurement knows its budget; it may be repeated, and waits for the machine to be
// quiet and warm.
#define PATIENCE_MEASURE_S     600
#define PATIENCE_MEASURE_TIMES 4

int64_t patience_run_ms(const struct task_spec *spec);

#endif
