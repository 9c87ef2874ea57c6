// SPDX-License-Identifier: Apache-2.0
// sim_commit.h - the seam at store_commit: the turn's commits come by here, so that
// they can fail, and the process can die around them.
//
// Owns: nothing. Threads: one.
#ifndef TESTS_SIM_SIM_COMMIT_H
#define TESTS_SIM_SIM_COMMIT_H

#include "coordinator/store/store.h"
#include "tests/sim/sim_wrap.h"

// sim_home says whether this commit is to fail.
bool sim_commit_fails(void);

enum err sim_commit(struct store *s, struct errinfo *why) SIM_WRAP(store_commit);
enum err sim_commit_real(struct store *s, struct errinfo *why) SIM_REAL(store_commit);

#endif
