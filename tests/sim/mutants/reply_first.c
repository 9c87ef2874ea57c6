// SPDX-License-Identifier: Apache-2.0
// reply_first.c - a planted bug: replies leave before the commit, which every other
// turn leaves to the next one.
#include "tests/sim/sim_commit.h"

enum err sim_commit(struct store *s, struct errinfo *why)
{
    static unsigned n_turns;
    if (!store_in_transaction(s)) {
        return ERR_OK;
    }
    if (sim_commit_fails()) {
        return err_set(why, ERR_IO, "the simulation says so");
    }
    return ++n_turns % 2 ? ERR_OK : sim_commit_real(s, why);
}
