// SPDX-License-Identifier: Apache-2.0
// searcher.h - a study's strategy as its stored trials leave it.
//
// Made anew for each look at it: strategies are functions of what they are told, so a
// restarted coordinator, or another thread, goes on exactly where the trials are.
//
// Owns: the strategy and its problems. Borrows: the scope's configuration and tables.
// Threads: one at a time.
#ifndef COORDINATOR_STUDY_SEARCHER_H
#define COORDINATOR_STUDY_SEARCHER_H

#include "coordinator/search/strategy.h"
#include "coordinator/study/final.h"

struct searcher {
    struct aims aims;
    struct strategy *strategy;
};

// ERR_INPUT: the strategy cannot serve the study, a latency has no table.
MUST_CHECK enum err searcher_create(const struct final_scope *scope,
                                    struct searcher **out, struct errinfo *why);
void searcher_destroy(struct searcher *s); // NULL is fine

#endif
