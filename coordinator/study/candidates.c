// SPDX-License-Identifier: Apache-2.0
// candidates.c - see candidates.h.
#include "coordinator/study/candidates.h"

#include "coordinator/search/strategy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish { // a trial to be
    enum trial_origin origin;
    uint32_t proposal;
    const struct arch *arch;
};

static enum err insert_task(struct driver *d, const struct study_row *study,
                            const struct trial_row *trial, struct errinfo *why)
{
    struct task_row row = {
        .study_id = study->id,
        .trial_id = trial->id,
        .stage = trial->stage,
        .spec = {.kind = TASK_EVALUATE,
                 .evaluate = {.protocol = trial->protocol,
                              .keep_network = trial->origin == TRIAL_FINAL}},
    };
    memcpy(row.spec.study, study->conf, sizeof(row.spec.study));
    memcpy(row.spec.pack, study->pack, sizeof(row.spec.pack));
    memcpy(row.spec.checkpoint, trial->checkpoint, sizeof(row.spec.checkpoint));
    arch_print(&trial->arch, row.spec.evaluate.architecture);
    enum err e = task_insert(d->store, &row, why);
    if (e == ERR_OK) {
        d->hooks.task_added(d->hooks.arg, &row);
    }
    return e;
}

// A trial that is there already is what was wished for.
static enum err insert_trial(struct driver *d, const struct tracked *t,
                             const struct study_row *study, const struct wish *wish,
                             struct errinfo *why)
{
    struct trial_row row = {
        .study_id = study->id,
        .origin = wish->origin,
        .stage = study->stage,
        .proposal = wish->proposal,
        .arch = *wish->arch,
        .protocol = (uint32_t)t->conf->evaluate.protocol,
        .complexity =
            complexity_of(wish->arch, &t->conf->supernet, t->conf->evaluate.frames),
    };
    memcpy(row.checkpoint, study->checkpoint, sizeof(row.checkpoint));
    enum err e = trial_insert(d->store, &row, why);
    if (e == ERR_BUSY) {
        return ERR_OK;
    }
    return e == ERR_OK ? insert_task(d, study, &row, why) : e;
}

enum err candidates_of_stage(struct driver *d, struct tracked *t,
                             const struct study_row *study, struct errinfo *why)
{
    struct space *space = malloc(sizeof(*space)); // too large for the stack
    BUG_ON(!space);
    stage_space(&t->conf->space, t->conf->train.stages[study->stage].kind, space);
    const struct arch ends[2] = {space_largest(space), space_smallest(space)};
    free(space);
    enum err e = ERR_OK;
    for (int i = 0; i < 2 && e == ERR_OK; i++) {
        const struct wish wish = {.origin = TRIAL_STAGE, .arch = &ends[i]};
        e = insert_trial(d, t, study, &wish, why);
    }
    return e;
}

// The strategy as the stored trials leave it. What the last stage had evaluated with
// the final weights is a candidate already.
static enum err rebuild(const struct tracked *t, const struct gathering *g,
                        struct strategy **out, struct errinfo *why)
{
    enum err e = strategy_create(t->conf, out, why);
    for (size_t i = 0; i < g->history.n_trials && e == ERR_OK; i++) {
        const struct trial_row *row = &g->history.trials[i];
        if (row->origin == TRIAL_SEARCH) {
            const struct strategy_trial told = {
                .proposal = {.number = row->proposal, .arch = row->arch},
                .is_measured = row->is_measured,
                .eer = row->result.eer_percent,
            };
            strategy_tell(*out, &told);
        } else if (final_is_candidate(&g->scope, row)) {
            strategy_avoid(*out, &row->arch);
        }
    }
    return e;
}

enum err candidates_propose(struct driver *d, struct tracked *t,
                            const struct gathering *g, uint32_t n, struct errinfo *why)
{
    struct strategy *strategy = NULL;
    enum err e = rebuild(t, g, &strategy, why);
    if (e != ERR_OK) {
        return e;
    }
    struct proposal *proposals = calloc(n, sizeof(*proposals));
    BUG_ON(!proposals);
    size_t n_new = strategy_ask(strategy, n, proposals);
    for (size_t i = 0; i < n_new && e == ERR_OK; i++) {
        const struct wish wish = {.origin = TRIAL_SEARCH,
                                  .proposal = proposals[i].number,
                                  .arch = &proposals[i].arch};
        e = insert_trial(d, t, &g->study, &wish, why);
    }
    if (n_new < n) {
        t->exhausted_at = g->view.trials.n_proposed + (uint32_t)n_new;
    }
    free(proposals);
    strategy_destroy(strategy);
    return e;
}

enum err candidates_export(struct driver *d, struct tracked *t,
                           const struct gathering *g, struct errinfo *why)
{
    const struct trial_row *missing[STUDY_TARGETS_MAX];
    size_t n = final_missing(&g->scope, missing);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        const struct wish wish = {.origin = TRIAL_FINAL, .arch = &missing[i]->arch};
        e = insert_trial(d, t, &g->study, &wish, why);
    }
    return e;
}

static enum err try_again(struct driver *d, const struct study_row *study,
                          const struct trial_row *trial, struct errinfo *why)
{
    if (trial->is_measured) {
        return ERR_OK;
    }
    enum err e = trial->has_failed ? trial_reopened(d->store, trial->id, why) : ERR_OK;
    return e == ERR_OK ? insert_task(d, study, trial, why) : e;
}

enum err candidates_again(struct driver *d, const struct study_row *study,
                          struct errinfo *why)
{
    struct history history = {0};
    enum err e = history_load_trials(&history, d->store, study->id, why);
    for (size_t i = 0; i < history.n_trials && e == ERR_OK; i++) {
        e = try_again(d, study, &history.trials[i], why);
    }
    history_fini(&history);
    return e;
}
