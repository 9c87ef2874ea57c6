// SPDX-License-Identifier: Apache-2.0
// failure_unnoticed.c - a planted bug: a commit that failed is taken for one that did
// not.
#include "tests/sim/sim_commit.h"

enum err sim_commit(struct store *s, struct errinfo *why)
{
    if (store_in_transaction(s) && sim_commit_fails()) {
        store_rollback(s);
        return ERR_OK;
    }
    return sim_commit_real(s, why);
}
