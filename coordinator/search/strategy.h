// SPDX-License-Identifier: Apache-2.0
// strategy.h - a way to search: it is told trials and asked for architectures.
//
// A strategy is rebuilt from the study and the trials in the store: create it, tell it
// every trial, measured or pending, in the order of their proposals, and it goes on
// exactly where it was. Proposals are numbered; proposal i serves target i modulo the
// number of targets and stays within its limits. What was told or proposed before is
// never proposed again. How many are asked for is the coordinator's budget.
//
// Adding a strategy: a file with a struct strategy_type, a row in registry.c, and its
// word in common/conf/study.c.
//
// Owns: what it was told. Borrows: the study. Threads: one at a time.
#ifndef COORDINATOR_SEARCH_STRATEGY_H
#define COORDINATOR_SEARCH_STRATEGY_H

#include "common/conf/study.h"
#include "coordinator/search/seen.h"

struct proposal {
    uint32_t number;
    struct arch arch; // canonical
};

struct strategy_trial {
    struct proposal proposal;
    bool is_measured; // false while pending, and when it failed
    double eer;       // when measured
};

struct strategy;

// Uses conf->search.strategy; `conf` must outlive it. ERR_INPUT for an unknown name.
MUST_CHECK enum err strategy_create(const struct study_conf *conf,
                                    struct strategy **out, struct errinfo *why);
void strategy_destroy(struct strategy *s); // NULL is fine

// A stored trial; again when it is measured.
void strategy_tell(struct strategy *s, const struct strategy_trial *t);

// Another network that a search need not propose, such as a stage's: prevents
// duplicates.
void strategy_avoid(struct strategy *s, const struct arch *a);

// Writes up to n new proposals and returns how many. Fewer than n: nothing new is left
// within the limits of any target, and never will be.
size_t strategy_ask(struct strategy *s, size_t n, struct proposal *out);
bool strategy_is_exhausted(const struct strategy *s);

// ---- what a strategy is made of ----

struct strategy_context {
    const struct study_conf *conf;
    const struct seen *seen;
};

struct strategy_type {
    const char *name;
    void *(*create)(const struct strategy_context *c); // `c` outlives the state
    // A new architecture for that proposal; false when its target has none left.
    bool (*propose)(void *state, uint32_t number, struct arch *out);
    void (*tell)(void *state, const struct strategy_trial *t); // may be NULL
    void (*destroy)(void *state);
};

// NULL when there is none of that name.
const struct strategy_type *strategy_type_find(const char *name);

extern const struct strategy_type strategy_random;

// Whether `a` stays within the limits of the target that proposal `number` serves.
bool strategy_admits(const struct study_conf *conf, uint32_t number,
                     const struct arch *a);

#endif
