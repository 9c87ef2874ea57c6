// SPDX-License-Identifier: Apache-2.0
// fit_job.c - see fit_job.h.
#include "coordinator/study/fit_job.h"

#include "coordinator/predict/crossval.h"
#include "coordinator/predict/predictor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {"mlp", "ridge", "gp"}; // of "auto"
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct labels labels_of(const struct fit_job *f)
{
    return (struct labels){.n = f->n_labels, .archs = f->archs, .values = f->values};
}

// ---- choosing a kind

static void keep_held_out(struct fit_job *f, const struct fit_kind *kind,
                          const double *held_out)
{
    snprintf(f->fit.kind, sizeof(f->fit.kind), "%s", kind->kind);
    for (size_t i = 0; i < f->n_labels; i++) {
        f->fit.labels[i] = (struct fit_label){f->archs[i], f->values[i], held_out[i]};
    }
}

// A kind's place in the comparison; the held-out predictions of the best are kept.
static enum err judge(struct fit_job *f, const char *name, double *best_tau,
                      struct errinfo *why)
{
    const struct labels labels = labels_of(f);
    double *held_out = calloc(f->n_labels, sizeof(*held_out));
    BUG_ON(!held_out);
    struct crossval result = {.held_out = held_out};
    enum err e = crossval_run(name, &f->conf->space, &labels, f->fit.n_folds,
                              f->conf->seed, &result, why);
    if (e == ERR_OK) {
        struct fit_kind *kind = &f->fit.kinds[f->fit.n_kinds++];
        *kind =
            (struct fit_kind){.kendall_tau = result.kendall_tau, .rmse = result.rmse};
        snprintf(kind->kind, sizeof(kind->kind), "%s", name);
        if (f->fit.n_kinds == 1 || kind->kendall_tau > *best_tau) {
            *best_tau = kind->kendall_tau;
            keep_held_out(f, kind, held_out);
        }
    }
    free(held_out);
    return e;
}

static enum err choose_kind(struct fit_job *f, struct errinfo *why)
{
    const char *wanted = f->conf->search.predictor.kind;
    bool is_open = strcmp(wanted, "auto") == 0;
    double best_tau = -INFINITY;
    f->fit.labels = calloc(f->n_labels + 1, sizeof(*f->fit.labels));
    BUG_ON(!f->fit.labels);
    f->fit.n_labels = f->n_labels;
    enum err e = ERR_OK;
    for (size_t i = 0; i < N_KINDS && e == ERR_OK; i++) {
        if (is_open || strcmp(wanted, kinds[i]) == 0) {
            e = judge(f, kinds[i], &best_tau, why);
        }
        if (is_open && (e == ERR_INPUT || e == ERR_NUMERIC)) {
            e = ERR_OK; // not for these labels: another kind may be
        }
    }
    return e == ERR_OK && f->fit.n_kinds == 0 ? why->code : e;
}

// ---- the predictor and what it finds

static enum err keep_predictor(struct fit_job *f, struct blob_store *blobs,
                               const struct predictor *p, struct errinfo *why)
{
    char scratch[FILE_PATH_MAX];
    enum err e = blob_scratch_path(blobs, scratch, why);
    if (e == ERR_OK) {
        e = predictor_save(p, scratch, why);
    }
    return e == ERR_OK ? blob_take_file(blobs, scratch, f->fit.predictor, NULL, why)
                       : e;
}

static enum err search(struct fit_job *f, struct predictor *p, struct errinfo *why)
{
    const struct explore_setup setup = {
        .conf = f->conf,
        .tables = f->tables,
        .predictor = p,
        .avoid = f->avoid,
        .n = (size_t)f->conf->search.candidates,
    };
    f->fit.picks = calloc(setup.n + 1, sizeof(*f->fit.picks));
    BUG_ON(!f->fit.picks);
    return explore(&setup, f->fit.picks, &f->fit.n_picks, why);
}

static enum err keep_record(struct fit_job *f, struct blob_store *blobs,
                            struct errinfo *why)
{
    struct buf json = BUF_INIT;
    fit_print(&f->fit, &json);
    enum err e = blob_put_bytes(blobs, json.data, json.len, f->record, why);
    buf_fini(&json);
    return e;
}

static enum err fit_and_search(struct fit_job *f, struct blob_store *blobs,
                               struct errinfo *why)
{
    const struct labels labels = labels_of(f);
    struct predictor *p = NULL;
    enum err e = choose_kind(f, why);
    if (e == ERR_OK) {
        e = predictor_fit(f->fit.kind, &f->conf->space, &labels, f->conf->seed, &p,
                          why);
    }
    if (e == ERR_OK) {
        e = keep_predictor(f, blobs, p, why);
    }
    if (e == ERR_OK) {
        e = search(f, p, why);
    }
    predictor_destroy(p);
    return e == ERR_OK ? keep_record(f, blobs, why) : e;
}

static enum err fit_job_run(struct job *j, struct errinfo *why)
{
    struct fit_job *f = (struct fit_job *)j;
    struct blob_store *blobs = NULL;
    enum err e = blob_store_open(f->blob_dir, NULL, &blobs, why);
    if (e == ERR_OK) {
        e = fit_and_search(f, blobs, why);
    }
    blob_store_close(blobs);
    return e;
}

// ---- create, destroy

static void take_trials(struct fit_job *f, const struct final_scope *scope)
{
    f->avoid = seen_create();
    f->archs = calloc(scope->n_trials + 1, sizeof(*f->archs));
    f->values = calloc(scope->n_trials + 1, sizeof(*f->values));
    BUG_ON(!f->archs || !f->values);
    for (size_t i = 0; i < scope->n_trials; i++) {
        const struct trial_row *t = &scope->trials[i];
        if (t->origin == TRIAL_LABEL && t->is_measured) {
            f->archs[f->n_labels] = t->arch;
            f->values[f->n_labels++] = t->result.eer_percent;
        }
        if (final_is_candidate(scope, t)) {
            seen_add(f->avoid, &t->arch);
        }
    }
}

enum err fit_job_create(const struct blob_store *blobs, const struct final_scope *scope,
                        struct fit_job **out, struct errinfo *why)
{
    struct fit_job *f = calloc(1, sizeof(*f));
    BUG_ON(!f);
    f->job.run = fit_job_run;
    f->conf = scope->conf;
    f->tables = scope->tables;
    f->fit.n_folds = scope->conf->search.predictor.folds;
    take_trials(f, scope);
    enum err e =
        file_path(f->blob_dir, sizeof(f->blob_dir), why, "%s", blob_store_dir(blobs));
    if (e != ERR_OK) {
        fit_job_destroy(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

void fit_job_destroy(struct fit_job *f)
{
    if (!f) {
        return;
    }
    fit_fini(&f->fit);
    seen_destroy(f->avoid);
    free(f->archs);
    free(f->values);
    free(f);
}
