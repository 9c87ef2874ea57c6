// SPDX-License-Identifier: Apache-2.0
// candidates.c - see candidates.h.
#include "coordinator/study/candidates.h"

#include "coordinator/study/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish { // a trial to be
    enum trial_origin origin;
    uint32_t proposal;
    enum protocol protocol;
    const struct arch *arch;
};

static void fill_spec(const struct trial_row *trial, struct task_spec *out)
{
    if (trial->origin == TRIAL_FINETUNE) {
        out->kind = TASK_FINETUNE;
        out->finetune.protocol = trial->protocol;
        arch_print(&trial->arch, out->finetune.architecture);
        return;
    }
    out->kind = TASK_EVALUATE;
    out->evaluate.protocol = trial->protocol;
    out->evaluate.keep_network = trial->origin == TRIAL_FINAL;
    arch_print(&trial->arch, out->evaluate.architecture);
}

static enum err insert_task(struct driver *d, const struct study_conf *conf,
                            const struct study_row *study,
                            const struct trial_row *trial, struct errinfo *why)
{
    struct task_row row = {
        .study_id = study->id,
        .trial_id = trial->id,
        .stage = trial->stage,
    };
    fill_spec(trial, &row.spec);
    memcpy(row.spec.study, study->conf, sizeof(row.spec.study));
    memcpy(row.spec.pack, study->pack, sizeof(row.spec.pack));
    memcpy(row.spec.checkpoint, trial->checkpoint, sizeof(row.spec.checkpoint));
    tracked_limit(conf, &row.spec);
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
        .protocol = (uint32_t)wish->protocol,
        .complexity =
            complexity_of(wish->arch, &t->conf->supernet, t->conf->evaluate.frames),
    };
    memcpy(row.checkpoint, study->checkpoint, sizeof(row.checkpoint));
    enum err e = trial_insert(d->store, &row, why);
    if (e == ERR_BUSY) {
        return ERR_OK;
    }
    return e == ERR_OK ? insert_task(d, t->conf, study, &row, why) : e;
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
        const struct wish wish = {.origin = TRIAL_STAGE,
                                  .protocol = t->conf->evaluate.protocol,
                                  .arch = &ends[i]};
        e = insert_trial(d, t, study, &wish, why);
    }
    return e;
}

// ---- proposals

// Measured as soon as it is there.
static enum err insert_guess(struct driver *d, const struct tracked *t,
                             const struct study_row *study,
                             const struct proposed *guess, struct errinfo *why)
{
    struct trial_row row = {
        .study_id = study->id,
        .origin = TRIAL_SEARCH,
        .proposal = guess->proposal.number,
        .arch = guess->proposal.arch,
        .protocol = (uint32_t)t->conf->evaluate.protocol,
        .complexity = complexity_of(&guess->proposal.arch, &t->conf->supernet,
                                    t->conf->evaluate.frames),
    };
    memcpy(row.checkpoint, study->checkpoint, sizeof(row.checkpoint));
    const struct evaluate_result result = {.eer_percent = guess->eer};
    enum err e = trial_insert(d->store, &row, why);
    return e == ERR_OK ? trial_measured(d->store, row.id, &result, why) : e;
}

static enum err insert_proposed(struct driver *d, const struct tracked *t,
                                const struct study_row *study,
                                const struct proposed *item, struct errinfo *why)
{
    const struct wish wish = {.origin = TRIAL_SEARCH,
                              .proposal = item->proposal.number,
                              .protocol = t->conf->evaluate.protocol,
                              .arch = &item->proposal.arch};
    return insert_trial(d, t, study, &wish, why);
}

enum err candidates_proposed(struct driver *d, struct tracked *t,
                             const struct gathering *g,
                             const struct propose_job *proposals, struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < proposals->n && e == ERR_OK; i++) {
        const struct proposed *item = &proposals->items[i];
        e = proposals->is_guessing ? insert_guess(d, t, &g->study, item, why)
                                   : insert_proposed(d, t, &g->study, item, why);
    }
    if (proposals->is_exhausted) {
        t->exhausted_at = g->view.trials.n_proposed + (uint32_t)proposals->n;
    }
    t->is_refresh_due |= proposals->is_guessing;
    return e;
}

static struct seen *networks_of(const struct gathering *g, enum trial_origin origin)
{
    struct seen *seen = seen_create();
    for (size_t i = 0; i < g->history.n_trials; i++) {
        if (g->history.trials[i].origin == origin) {
            seen_add(seen, &g->history.trials[i].arch);
        }
    }
    return seen;
}

enum err candidates_of_fit(struct driver *d, struct tracked *t,
                           const struct gathering *g, const struct fit *fit,
                           size_t *n_left, struct errinfo *why)
{
    struct seen *there = networks_of(g, TRIAL_SEARCH);
    size_t n_added = 0;
    enum err e = ERR_OK;
    *n_left = 0;
    for (size_t i = 0; i < fit->n_picks && e == ERR_OK; i++) {
        const struct wish wish = {.origin = TRIAL_SEARCH,
                                  .proposal = (uint32_t)i,
                                  .protocol = t->conf->evaluate.protocol,
                                  .arch = &fit->picks[i].arch};
        if (seen_has(there, wish.arch)) {
            continue;
        }
        if (n_added == PLAN_ADDED_MAX) {
            ++*n_left;
            continue;
        }
        e = insert_trial(d, t, &g->study, &wish, why);
        n_added++;
    }
    seen_destroy(there);
    return e;
}

// ---- labels

enum err candidates_label(struct driver *d, struct tracked *t,
                          const struct gathering *g, uint32_t n, struct errinfo *why)
{
    const struct label_strata strata = labels_cut(t->conf);
    struct seen *seen = networks_of(g, TRIAL_LABEL);
    uint32_t number = g->view.trials.n_labels;
    uint32_t end = number + n;
    enum err e = ERR_OK;
    struct arch arch;
    while (number < end && e == ERR_OK &&
           labels_draw(t->conf, &strata, number, seen, &arch)) {
        const struct wish wish = {.origin = TRIAL_LABEL,
                                  .proposal = number++,
                                  .protocol = PROTOCOL_CHEAP,
                                  .arch = &arch};
        seen_add(seen, &arch);
        e = insert_trial(d, t, &g->study, &wish, why);
    }
    if (number < end) {
        t->exhausted_at = number;
    }
    seen_destroy(seen);
    return e;
}

// ---- winners

enum err candidates_finetune(struct driver *d, struct tracked *t,
                             const struct gathering *g, struct errinfo *why)
{
    const struct trial_row *untuned[FINAL_TUNED_MAX];
    size_t n = final_untuned(&g->scope, untuned);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        const struct wish wish = {.origin = TRIAL_FINETUNE,
                                  .protocol = t->conf->evaluate.protocol,
                                  .arch = &untuned[i]->arch};
        e = insert_trial(d, t, &g->study, &wish, why);
    }
    return e;
}

enum err candidates_export(struct driver *d, struct tracked *t,
                           const struct gathering *g, struct errinfo *why)
{
    const struct trial_row *missing[STUDY_TARGETS_MAX];
    size_t n = final_missing(&g->scope, missing);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        const struct wish wish = {.origin = TRIAL_FINAL,
                                  .protocol = t->conf->evaluate.protocol,
                                  .arch = &missing[i]->arch};
        e = insert_trial(d, t, &g->study, &wish, why);
    }
    return e;
}

static enum err try_again(struct driver *d, const struct study_conf *conf,
                          const struct study_row *study, const struct trial_row *trial,
                          struct errinfo *why)
{
    if (trial->is_measured) {
        return ERR_OK;
    }
    enum err e = trial->has_failed ? trial_reopened(d->store, trial->id, why) : ERR_OK;
    return e == ERR_OK ? insert_task(d, conf, study, trial, why) : e;
}

struct open_trials { // that a task will end
    uint64_t *ids;
    size_t n, cap;
};

static bool add_open(void *arg, const struct task_row *row)
{
    struct open_trials *open = arg;
    if (row->trial_id == 0) {
        return true;
    }
    if (open->n == open->cap) {
        open->cap = open->cap ? 2 * open->cap : 16;
        open->ids = realloc(open->ids, open->cap * sizeof(*open->ids));
        BUG_ON(!open->ids);
    }
    open->ids[open->n++] = row->trial_id;
    return true;
}

static bool has_task(const struct open_trials *open, uint64_t trial_id)
{
    for (size_t i = 0; i < open->n; i++) {
        if (open->ids[i] == trial_id) {
            return true;
        }
    }
    return false;
}

// Those of a study that is over are READY only when they were kicked: a handful.
enum err candidates_again(struct driver *d, const struct study_conf *conf,
                          const struct study_row *study, struct errinfo *why)
{
    struct history history = {0};
    struct open_trials open = {0};
    enum err e = history_load_trials(&history, d->store, study->id, why);
    if (e == ERR_OK) {
        e = task_each(d->store, study->id, TASK_READY, add_open, &open, why);
    }
    for (size_t i = 0; i < history.n_trials && e == ERR_OK; i++) {
        if (has_task(&open, history.trials[i].id)) {
            continue;
        }
        e = try_again(d, conf, study, &history.trials[i], why);
    }
    history_fini(&history);
    free(open.ids);
    return e;
}
