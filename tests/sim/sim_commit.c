// SPDX-License-Identifier: Apache-2.0
// sim_commit.c - see sim_commit.h.
#include "tests/sim/sim_commit.h"

enum err sim_commit(struct store *s, struct errinfo *why)
{
    if (store_in_transaction(s) && sim_commit_fails()) {
        return err_set(why, ERR_IO, "the simulation says so");
    }
    return sim_commit_real(s, why);
}
