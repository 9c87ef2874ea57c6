// SPDX-License-Identifier: Apache-2.0
// ended.h - what a task that was settled or buried means: a loss, a trial's numbers, or
// a trial that has failed.
//
// Owns: nothing. Threads: loop thread, inside the transaction that ended the task.
#ifndef COORDINATOR_STUDY_ENDED_H
#define COORDINATOR_STUDY_ENDED_H

#include "coordinator/store/task.h"

// The row is DONE or BURIED. ERR_IO, ERR_CORRUPT.
MUST_CHECK enum err ended_record(struct store *s, const struct task_row *row,
                                 struct errinfo *why);

#endif
