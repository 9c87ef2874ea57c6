// SPDX-License-Identifier: Apache-2.0
// sweep.h - removes checkpoints that later rounds have superseded.
//
// Of a round that is over, the weights it started from and its shards' go, unless some
// study still needs them: as its newest weights, in its current round, or in a trial
// (which is what keeps the weights each stage ended with). What to remove follows from
// the rows alone, so a crash between commit and sweep leaves nothing behind for good.
//
// Owns: nothing. Threads: loop thread, outside transactions (only what is committed
// counts).
#ifndef COORDINATOR_STUDY_SWEEP_H
#define COORDINATOR_STUDY_SWEEP_H

#include "coordinator/study/tracked.h"

// Sweeps the study's rounds that ended since the last call.
MUST_CHECK enum err sweep_study(struct driver *d, struct tracked *t,
                                struct errinfo *why);

#endif
