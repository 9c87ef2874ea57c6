// SPDX-License-Identifier: Apache-2.0
// report.c - see report.h.
#include "coordinator/cli/report.h"

#include "coordinator/pareto/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- loading

struct only {
    struct study_row row;
    unsigned n;
};

static bool take_only(void *arg, const struct study_row *row)
{
    struct only *o = arg;
    o->row = *row;
    o->n++;
    return true;
}

static enum err find_study(struct store *s, const char *dir, const char *name,
                           struct study_row *out, struct errinfo *why)
{
    if (name) {
        enum err e = study_row_by_name(s, name, out);
        return e == ERR_NOTFOUND ? err_set(why, e, "%s has no study '%s'", dir, name)
                                 : e;
    }
    struct only only = {.n = 0};
    enum err e = study_row_each(s, take_only, &only, why);
    if (e) {
        return e;
    }
    if (only.n != 1) {
        return err_set(why, ERR_INPUT,
                       "%s has %u studies; say which: voxarch study ls %s", dir, only.n,
                       dir);
    }
    *out = only.row;
    return ERR_OK;
}

// The resolved study, from the results or from what `voxarch run` left.
static void load_conf(struct report *r)
{
    char path[FILE_PATH_MAX];
    struct study_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    enum err e = file_path(path, sizeof(path), NULL, "%s/results/%s/study.yaml", r->dir,
                           r->study.name);
    if (!e && !file_exists(path)) {
        e = file_path(path, sizeof(path), NULL, "%s/study.yaml", r->dir);
    }
    if (!e) {
        e = study_load(path, NULL, 0, conf, NULL);
    }
    if (e || strcmp(conf->name, r->study.name) != 0) {
        free(conf);
        return;
    }
    r->conf = conf;
}

static bool take_failure(void *arg, const struct attempt_row *row)
{
    struct report *r = arg;
    if (r->n_failures < REPORT_FAILURES) {
        r->failures[r->n_failures] = *row;
    }
    r->n_failures++;
    return true;
}

static bool take_device(void *arg, const struct device_row *row)
{
    struct report *r = arg;
    BUG_ON(r->n_devices == STUDY_DEVICES_MAX);
    r->devices[r->n_devices++] = *row;
    return true;
}

// A table that cannot be read is one that is not there yet.
static void load_tables(struct report *r)
{
    for (size_t i = 0; i < r->n_devices; i++) {
        char path[FILE_PATH_MAX];
        struct latency_table *t = NULL;
        if (file_path(path, sizeof(path), NULL, "%s/results/%s/latency_%s.csv", r->dir,
                      r->study.name, r->devices[i].name) ||
            latency_table_load(path, &t, NULL)) {
            continue;
        }
        struct problem_device *p = &r->tables.devices[r->tables.n++];
        snprintf(p->name, sizeof(p->name), "%s", r->devices[i].name);
        p->table = t;
    }
}

static enum err load_rows(struct report *r, struct store *s, struct errinfo *why)
{
    enum err e = task_count(s, r->study.id, &r->tasks);
    if (e) {
        return err_set(why, e, "%s: cannot count the tasks", r->dir);
    }
    e = attempt_each_failed(s, r->study.id, take_failure, r, why);
    if (e) {
        return e;
    }
    e = device_row_each(s, r->study.id, take_device, r, why);
    if (e) {
        return e;
    }
    e = history_load_trials(&r->history, s, r->study.id, why);
    return e ? e : history_load_losses(&r->history, s, r->study.id, why);
}

// Marks the candidates that no other one beats in both EER and MACs.
static void mark_front(struct report *r, const struct final_scope *scope)
{
    size_t n = 0;
    struct front_point *points = calloc(scope->n_trials + 1, sizeof(*points));
    size_t *front = calloc(scope->n_trials + 1, sizeof(*front));
    BUG_ON(!points || !front);
    for (size_t i = 0; i < scope->n_trials; i++) {
        const struct trial_row *t = &scope->trials[i];
        if (t->is_measured && final_is_candidate(scope, t)) {
            points[n++] = (struct front_point){
                .id = i,
                .n_objectives = 2,
                .objective = {t->result.eer_percent, (double)t->complexity.macs},
            };
        }
    }
    size_t n_front = front_find(points, n, front);
    for (size_t i = 0; i < n_front; i++) {
        r->is_on_front[points[front[i]].id] = true;
    }
    free(points);
    free(front);
}

static void choose(struct report *r)
{
    r->is_on_front = calloc(r->history.n_trials + 1, sizeof(*r->is_on_front));
    BUG_ON(!r->is_on_front);
    bool has_final_weights = r->study.state >= STUDY_SEARCHING && *r->study.checkpoint;
    if (!r->conf || !has_final_weights) {
        return;
    }
    const struct final_scope scope = {.conf = r->conf,
                                      .tables = &r->tables,
                                      .checkpoint = r->study.checkpoint,
                                      .trials = r->history.trials,
                                      .n_trials = r->history.n_trials};
    mark_front(r, &scope);
    r->n_choices = final_choose(&scope, r->choices);
}

enum err report_load(const char *dir, const char *name, struct report **out,
                     struct errinfo *why)
{
    struct store *s = NULL;
    struct report *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    enum err e = file_path(r->dir, sizeof(r->dir), why, "%s", dir);
    if (!e) {
        e = store_open_readonly(dir, &s, why);
    }
    if (!e) {
        e = find_study(s, dir, name, &r->study, why);
    }
    if (!e) {
        e = load_rows(r, s, why);
    }
    store_close(s);
    if (e) {
        report_destroy(r);
        return e;
    }
    load_conf(r);
    load_tables(r);
    choose(r);
    *out = r;
    return ERR_OK;
}

enum err report_peek(const char *dir, const char *name, struct study_row *out,
                     struct errinfo *why)
{
    struct store *s = NULL;
    enum err e = store_open_readonly(dir, &s, why);
    if (!e) {
        e = find_study(s, dir, name, out, why);
    }
    store_close(s);
    return e;
}

void report_destroy(struct report *r)
{
    if (!r) {
        return;
    }
    history_fini(&r->history);
    for (int i = 0; i < r->tables.n; i++) {
        latency_table_destroy((struct latency_table *)r->tables.devices[i].table);
    }
    free(r->is_on_front);
    free(r->conf);
    free(r);
}

// ---- asking

size_t report_n_failures_known(const struct report *r)
{
    return r->n_failures < REPORT_FAILURES ? r->n_failures : REPORT_FAILURES;
}

double report_best_eer(const struct report *r)
{
    double best = -1;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->is_measured && (best < 0 || t->result.eer_percent < best)) {
            best = t->result.eer_percent;
        }
    }
    return best;
}

struct ranked {
    double eer_percent;
    uint64_t macs;
    size_t index;
};

static int by_eer(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->eer_percent != y->eer_percent) {
        return x->eer_percent < y->eer_percent ? -1 : 1;
    }
    if (x->macs != y->macs) {
        return x->macs < y->macs ? -1 : 1;
    }
    return x->index < y->index ? -1 : 1;
}

size_t *report_by_eer(const struct report *r, size_t *n)
{
    struct ranked *ranked = calloc(r->history.n_trials + 1, sizeof(*ranked));
    size_t *order = calloc(r->history.n_trials + 1, sizeof(*order));
    BUG_ON(!ranked || !order);
    *n = 0;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->is_measured) {
            ranked[(*n)++] =
                (struct ranked){t->result.eer_percent, t->complexity.macs, i};
        }
    }
    qsort(ranked, *n, sizeof(*ranked), by_eer);
    for (size_t i = 0; i < *n; i++) {
        order[i] = ranked[i].index;
    }
    free(ranked);
    return order;
}

const char *report_stage_name(const struct report *r, uint32_t stage)
{
    bool is_known = r->conf && stage < (uint32_t)r->conf->train.n_stages;
    return is_known ? stage_name(r->conf->train.stages[stage].kind) : "";
}

struct report_stage report_stage(const struct report *r, uint32_t stage)
{
    struct report_stage s = {.best_eer = -1};
    for (size_t i = 0; i < r->history.n_losses; i++) {
        const struct loss_row *row = &r->history.losses[i];
        if (row->stage != stage) {
            continue;
        }
        if (s.n_rounds == 0) {
            s.first_loss = row->loss;
        }
        s.n_rounds = row->round + 1 > s.n_rounds ? row->round + 1 : s.n_rounds;
        s.last_loss = row->loss;
        s.last_accuracy = row->accuracy;
        s.seconds += row->seconds;
    }
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->is_measured && t->stage == stage && t->origin == TRIAL_STAGE &&
            (s.best_eer < 0 || t->result.eer_percent < s.best_eer)) {
            s.best_eer = t->result.eer_percent;
        }
    }
    return s;
}

bool report_results_dir(const struct report *r, char out[static FILE_PATH_MAX])
{
    return file_path(out, FILE_PATH_MAX, NULL, "%s/results/%s", r->dir,
                     r->study.name) == ERR_OK &&
           file_exists(out);
}

bool report_networks_dir(const struct report *r, char out[static FILE_PATH_MAX])
{
    return file_path(out, FILE_PATH_MAX, NULL, "%s/results/%s/networks", r->dir,
                     r->study.name) == ERR_OK &&
           file_exists(out);
}
