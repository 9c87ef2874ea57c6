// SPDX-License-Identifier: Apache-2.0
// strategy.h - a way to search: it is told trials and asked for architectures.
//
// A strategy serves one problem, or several in turn: proposal i is for problem
// i modulo their number and keeps its limits on costs. The problems share the space and
// the kinds of their objectives and differ in limits, so that a trial teaches all of
// them. What was told or proposed before is never proposed again. How many are asked
// for is the caller's budget.
//
// What is proposed under number i is a pure function of (problems, settings, seed, i,
// the trials told so far): of which are pending, and of the values of those that are
// measured, but not of the order in which the values came, of how often it was asked,
// or of anything else it remembers. So a strategy rebuilt from the stored trials - all
// of them, pending and failed ones too, told in the order of their numbers - goes on
// exactly where it was, and it need never wait for a generation to be complete: a
// generation is whatever is measured by then.
//
// Adding a strategy: a file with a struct strategy_type and a row in registry.c.
//
// Owns: what it was told, a copy of the settings. Borrows: the problems. Threads: one
// at a time.
#ifndef COORDINATOR_SEARCH_STRATEGY_H
#define COORDINATOR_SEARCH_STRATEGY_H

#include "coordinator/search/archive.h"
#include "coordinator/search/problem.h"
#include "coordinator/search/seen.h"

#include <stddef.h>
#include <stdint.h>

#define STRATEGY_PROBLEMS_MAX 16

struct strategy_settings { // zero: the strategy's own, see its struct strategy_type
    double mutation;       // probability that a gene is changed
    int population;        // how many measured networks parents are drawn from
    int tournament;        // how many are drawn, of which the best is the parent
};

struct proposal {
    uint32_t number;
    struct arch arch; // canonical
};

struct strategy_trial {
    struct proposal proposal;
    enum archive_state state;
    // When measured, by objective of the problem. Those that are costs are not looked
    // at: each problem computes its own. A NaN makes the trial a failed one.
    double values[PROBLEM_OBJECTIVES_MAX];
};

struct strategy;

// `problems` must outlive it. ERR_INPUT for an unknown name, settings out of range,
// objectives that the strategy cannot serve.
MUST_CHECK enum err strategy_create(const char *name, const struct problem *problems,
                                    int n_problems, uint64_t seed,
                                    const struct strategy_settings *settings,
                                    struct strategy **out, struct errinfo *why);
void strategy_destroy(struct strategy *s); // NULL is fine

// A trial, pending, failed or measured; again when that changes.
void strategy_tell(struct strategy *s, const struct strategy_trial *t);

// Another network that a search need not propose, such as a stage's: prevents
// duplicates.
void strategy_avoid(struct strategy *s, const struct arch *a);

// Writes up to n new proposals and returns how many; they count as told, pending.
// Fewer than n: nothing new was found within the limits of any problem.
size_t strategy_ask(struct strategy *s, size_t n, struct proposal *out);
bool strategy_is_exhausted(const struct strategy *s);

// Everything told and proposed so far, as problem `i` sees it.
const struct archive *strategy_archive(const struct strategy *s, int i);

// The words that strategy_create knows, ending with NULL.
extern const char *const strategy_names[];

// ---- what a strategy is made of ----

struct strategy_context {
    const struct problem *problem;
    struct strategy_settings settings; // no zeros
    uint64_t seed;
    const struct seen *seen;       // of all problems
    const struct archive *archive; // as this problem sees it
};

struct strategy_type {
    const char *name;
    const char *summary; // one line, for --help
    // Part of what makes a run reproducible: never reuse one for another strategy.
    int id;
    bool serves_fronts; // all objectives, not just the first one
    struct strategy_settings defaults;
    void *(*create)(const struct strategy_context *c); // `c` outlives the state
    // A new architecture for that proposal; false when nothing new is found. What the
    // state remembers between calls may save time but not change the answer.
    bool (*propose)(void *state, uint32_t number, struct arch *out);
    void (*destroy)(void *state);
};

// NULL when there is none of that name.
const struct strategy_type *strategy_type_find(const char *name);

extern const struct strategy_type strategy_random;
extern const struct strategy_type strategy_evolution;
extern const struct strategy_type strategy_mpea;
extern const struct strategy_type strategy_nsga2;
extern const struct strategy_type strategy_bayes;

#endif
