// SPDX-License-Identifier: Apache-2.0
// gather.c - see gather.h.
#include "coordinator/study/gather.h"

#include "common/base/clock.h"

#include <stdlib.h>
#include <string.h>

struct shard_list {
    struct task_row *rows;
    uint32_t n, cap;
};

static bool add_shard(void *arg, const struct task_row *row)
{
    struct shard_list *l = arg;
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 4;
        l->rows = realloc(l->rows, l->cap * sizeof(*l->rows));
        BUG_ON(!l->rows);
    }
    l->rows[l->n++] = *row;
    return true;
}

enum err gather_shards(struct driver *d, const struct study_row *study,
                       struct task_row **shards, uint32_t *n_shards,
                       struct errinfo *why)
{
    struct shard_list l = {0};
    enum err e = task_each_of_round(d->store, study->id, study->stage, study->round,
                                    add_shard, &l, why);
    if (e != ERR_OK) {
        free(l.rows);
        return e;
    }
    *shards = l.rows;
    *n_shards = l.n;
    return ERR_OK;
}

// ---- digests: what a job of the study's present state works on

static void hash_text(struct hash_state *h, const char *text)
{
    hash_add(h, text, strlen(text) + 1);
}

static void hash_trial(struct hash_state *h, const struct trial_row *t)
{
    const unsigned char states[2] = {t->is_measured, t->has_failed};
    hash_add(h, &t->id, sizeof(t->id));
    hash_add(h, states, sizeof(states));
    hash_add(h, &t->result.eer_percent, sizeof(t->result.eer_percent));
    hash_text(h, t->result.network);
}

// A proposal is as good when something was measured meanwhile, for the strategy is told
// next time; not when others were added.
static void hash_proposed(struct hash_state *h, const struct trial_row *t)
{
    if (t->origin == TRIAL_SEARCH) {
        hash_add(h, &t->id, sizeof(t->id));
    }
}

static void digest_inputs(struct gathering *g)
{
    struct hash_state h;
    hash_init(&h);
    hash_add(&h, &g->study.state, sizeof(g->study.state));
    hash_text(&h, g->study.conf);
    for (uint32_t i = 0; i < g->n_shards; i++) {
        hash_add(&h, &g->shards[i].id, sizeof(g->shards[i].id));
        hash_text(&h,
                  g->shards[i].has_result ? g->shards[i].result.train.checkpoint : "");
    }
    for (size_t i = 0; i < g->history.n_trials; i++) {
        const struct trial_row *t = &g->history.trials[i];
        if (g->study.state == STUDY_SEARCHING) {
            hash_proposed(&h, t);
        } else if (g->study.state != STUDY_FITTING || t->origin == TRIAL_LABEL) {
            hash_trial(&h, t); // what runs beside the labels is not learnt from
        }
    }
    hash_end(&h, g->inputs);
}

// ---- the view

// A refresh of the results counts: the final writing has to wait for its end.
static bool is_busy(const struct tracked *t, enum study_state state)
{
    const struct job_slot *s = &t->slot;
    return s->state == PLAN_JOB_RUNNING ||
           (s->retry_at_ms != 0 && clock_mono_ms() < s->retry_at_ms) ||
           (state == STUDY_EXPORTING && t->is_writing);
}

static struct plan_job job_of(const struct tracked *t, enum study_state state,
                              const char *inputs)
{
    const struct job_slot *s = &t->slot;
    if (is_busy(t, state)) {
        return (struct plan_job){.state = PLAN_JOB_RUNNING};
    }
    if (strcmp(s->inputs, inputs) != 0) {
        return (struct plan_job){.state = PLAN_JOB_NONE};
    }
    return (struct plan_job){
        .state = s->state, .checkpoint = s->artifact, .error = s->error};
}

static struct plan_trials count_trials(const struct gathering *g)
{
    struct plan_trials n = {0};
    for (size_t i = 0; i < g->history.n_trials; i++) {
        const struct trial_row *t = &g->history.trials[i];
        bool is_open = !t->is_measured && !t->has_failed;
        bool is_candidate = final_is_candidate(&g->scope, t);
        n.n_proposed += t->origin == TRIAL_SEARCH;
        n.n_open += is_open;
        n.n_open_candidates += is_candidate && is_open;
        n.n_measured_candidates += is_candidate && t->is_measured;
        n.n_labels += t->origin == TRIAL_LABEL;
        n.n_open_labels += t->origin == TRIAL_LABEL && is_open;
        n.n_measured_labels += t->origin == TRIAL_LABEL && t->is_measured;
        n.n_open_tunings += t->origin == TRIAL_FINETUNE && is_open;
    }
    return n;
}

// A study that guesses has no networks to export.
static uint32_t count_missing(const struct gathering *g)
{
    if (g->study.state != STUDY_EXPORTING || study_is_surrogate(g->scope.conf)) {
        return 0;
    }
    const struct trial_row *missing[STUDY_TARGETS_MAX];
    return (uint32_t)final_missing(&g->scope, missing);
}

static uint32_t count_untuned(const struct gathering *g)
{
    if (g->study.state != STUDY_TUNING) {
        return 0;
    }
    const struct trial_row *untuned[FINAL_TUNED_MAX];
    return (uint32_t)final_untuned(&g->scope, untuned);
}

static void fill_view(struct driver *d, struct tracked *t, struct gathering *g)
{
    g->scope = (struct final_scope){
        .conf = t->conf,
        .tables = &t->tables,
        .checkpoint = g->study.checkpoint,
        .trials = g->history.trials,
        .n_trials = g->history.n_trials,
    };
    digest_inputs(g);
    g->view = (struct plan_view){
        .conf = t->conf,
        .study = &g->study,
        .n_workers = d->hooks.train_workers(d->hooks.arg),
        .shards = g->shards,
        .n_shards = g->n_shards,
        .job = job_of(t, g->study.state, g->inputs),
        .trials = count_trials(g),
        .n_tables_missing = t->devices.n_missing,
        .n_devices_open = t->devices.n_open,
        .n_tunings_missing = count_untuned(g),
        .n_exports_missing = count_missing(g),
    };
    const struct plan_trials *trials = &g->view.trials;
    g->view.is_exhausted =
        t->exhausted_at ==
        (g->study.state == STUDY_LABELLING ? trials->n_labels : trials->n_proposed);
}

enum err gather(struct driver *d, struct tracked *t, struct gathering *out,
                struct errinfo *why)
{
    struct gathering *g = out;
    memset(g, 0, sizeof(*g));
    enum err e = study_row_get(d->store, t->id, &g->study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %llu", (unsigned long long)t->id);
    }
    if (g->study.state == STUDY_TRAINING) {
        e = gather_shards(d, &g->study, &g->shards, &g->n_shards, why);
    } else if (!tracked_is_over(g->study.state) && g->study.state != STUDY_PACKING) {
        e = history_load_trials(&g->history, d->store, t->id, why);
    }
    if (e != ERR_OK) {
        gather_fini(g);
        return e;
    }
    fill_view(d, t, g);
    return ERR_OK;
}

void gather_fini(struct gathering *g)
{
    free(g->shards);
    history_fini(&g->history);
    g->shards = NULL;
}
