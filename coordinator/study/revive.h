// SPDX-License-Identifier: Apache-2.0
// revive.h - what brings a study back, or ends it, by somebody's word: private to this
// room but for the verbs of driver.h that it implements.
//
// Owns: nothing. Threads: loop thread, inside a transaction.
#ifndef COORDINATOR_STUDY_REVIVE_H
#define COORDINATOR_STUDY_REVIVE_H

#include "coordinator/study/tracked.h"

// What becomes of the training round in which a study ended.
enum revive_round {
    REVIVE_NEW_ROUND,  // its tasks stay as they are; a new one does its work
    REVIVE_SAME_ROUND, // its shards that were cancelled or buried are READY again
};

// A study that failed or was cancelled goes on where it stood: the open evaluations and
// measurements get tasks again. Updates *row and stores it.
MUST_CHECK enum err revive_study(struct driver *d, const struct study_conf *conf,
                                 struct study_row *row, enum revive_round how,
                                 struct errinfo *why);

#endif
