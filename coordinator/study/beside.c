// SPDX-License-Identifier: Apache-2.0
// beside.c - see beside.h.
#include "coordinator/study/beside.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "coordinator/predict/predictor.h"
#include "coordinator/study/merge_job.h"
#include "coordinator/study/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREDICTOR_MAX_BYTES (1u << 30) // the paper's is 2 MB
#define KILLS_MAX           3 // packers in a row: then it is no accident (memory, a limit)

// ---- the slot

static void slot_start(struct tracked *t, const char *inputs)
{
    struct job_slot *s = &t->slot;
    BUG_ON(s->state == PLAN_JOB_RUNNING);
    unsigned n_kills = s->n_kills;
    tracked_reset_slot(t);
    s->state = PLAN_JOB_RUNNING;
    s->n_kills = n_kills;
    snprintf(s->inputs, sizeof(s->inputs), "%s", inputs);
    t->driver->n_jobs++;
}

static bool is_passing(enum err e)
{
    return e == ERR_IO || e == ERR_FULL || e == ERR_NOMEM || e == ERR_CANCELLED;
}

static void slot_end(struct tracked *t, const char *what, enum err e,
                     const struct errinfo *why)
{
    struct driver *d = t->driver;
    struct job_slot *s = &t->slot;
    s->state = PLAN_JOB_DONE;
    if (e != ERR_OK) {
        bool is_retried = is_passing(e) && s->n_kills < KILLS_MAX;
        s->state = is_retried ? PLAN_JOB_NONE : PLAN_JOB_FAILED;
        s->retry_at_ms = is_retried ? clock_mono_ms() + DRIVER_RETRY_MS : 0;
        snprintf(s->error, sizeof(s->error), "%s", why->text);
        log_warn("job.failed", "study=%s job=%s again=%d error=\"%s\"", t->conf->name,
                 what, is_retried, why->text);
    }
    t->is_suspect |= e == ERR_CORRUPT || e == ERR_NOTFOUND;
    if (e == ERR_FULL && d->hooks.disk_full) {
        d->hooks.disk_full(d->hooks.arg);
    }
    d->n_jobs--;
    d->hooks.study_changed(d->hooks.arg, t->id);
}

// ---- packing

static void on_packed(struct job *j)
{
    struct pack_job *p = (struct pack_job *)j;
    struct tracked *t = p->arg;
    struct job_slot *s = &t->slot;
    s->packer = NULL;
    s->n_kills = p->was_killed ? s->n_kills + 1 : 0;
    s->counts = p->counts;
    memcpy(s->artifact, p->pack, sizeof(s->artifact));
    slot_end(t, "pack", j->code, &j->why);
    pack_job_destroy(p);
}

// The same recordings give the same bytes; others are another study's.
static void on_packed_again(struct job *j)
{
    struct pack_job *p = (struct pack_job *)j;
    struct tracked *t = p->arg;
    if (j->code == ERR_OK && strcmp(p->pack, t->pack_wanted) != 0) {
        snprintf(t->pack_again, sizeof(t->pack_again),
                 "the recordings give another one now, %.12s", p->pack);
    } else if (j->code != ERR_OK && !is_passing(j->code)) {
        snprintf(t->pack_again, sizeof(t->pack_again), "%s", j->why.text);
    } else if (j->code == ERR_OK) {
        log_warn("study.mended", "study=%s what=pack", t->conf->name);
    }
    t->is_suspect = true;
    on_packed(j);
}

static void start_packing(struct driver *d, struct tracked *t, const char *conf,
                          void (*done)(struct job *j))
{
    struct errinfo why = {0};
    char path[FILE_PATH_MAX];
    enum err e = blob_path(d->blobs, conf, path, NULL, &why);
    if (e == ERR_OK) {
        const struct pack_setup setup = {
            .loop = d->loop,
            .blobs = d->blobs,
            .worker_program = d->worker_program,
            .study_path = path,
            .done = done,
            .arg = t,
        };
        e = pack_job_start(&setup, &t->slot.packer, &why);
    }
    if (e != ERR_OK) {
        snprintf(t->pack_again, sizeof(t->pack_again), "%s", why.text);
        slot_end(t, "pack", ERR_INPUT, &why); // no program: trying again will not help
        return;
    }
    log_info("study.packing", "study=%s", t->conf->name);
}

void beside_pack(struct driver *d, struct tracked *t, const struct gathering *g)
{
    slot_start(t, g->inputs);
    start_packing(d, t, g->study.conf, on_packed);
}

void beside_pack_again(struct driver *d, struct tracked *t,
                       const struct study_row *study)
{
    memcpy(t->pack_wanted, study->pack, sizeof(t->pack_wanted));
    slot_start(t, ""); // of no state: the study goes on as if it had not been
    start_packing(d, t, study->conf, on_packed_again);
}

// ---- a predictor's file

struct take_job {
    struct job job; // first
    struct tracked *study;
    char hash[HASH_HEX_MAX];
    char blob_dir[FILE_PATH_MAX];
};

static enum err check_predictor(const struct study_conf *conf, struct errinfo *why)
{
    struct predictor *p = NULL;
    enum err e = predictor_load(conf->evaluate.surrogate.predictor, &p, why);
    if (e == ERR_OK) {
        e = predictor_covers(p, &conf->space, why);
        predictor_destroy(p);
    }
    return e;
}

static enum err take_file(struct take_job *t, const char *path, struct errinfo *why)
{
    struct blob_store *blobs = NULL;
    struct buf bytes = BUF_INIT;
    enum err e = file_read(path, PREDICTOR_MAX_BYTES, &bytes, why);
    if (e == ERR_OK) {
        e = blob_store_open(t->blob_dir, NULL, &blobs, why);
    }
    if (e == ERR_OK) {
        e = blob_put_bytes(blobs, bytes.data, bytes.len, t->hash, why);
    }
    blob_store_close(blobs);
    buf_fini(&bytes);
    return e;
}

static enum err take_run(struct job *j, struct errinfo *why)
{
    struct take_job *t = (struct take_job *)j;
    const struct study_conf *conf = t->study->conf; // stays while a job runs
    enum err e = check_predictor(conf, why);
    return e == ERR_OK ? take_file(t, conf->evaluate.surrogate.predictor, why) : e;
}

static void on_taken(struct job *j)
{
    struct take_job *t = (struct take_job *)j;
    memcpy(t->study->slot.artifact, t->hash, sizeof(t->hash));
    slot_end(t->study, "predictor", j->code, &j->why);
    free(t);
}

void beside_take_predictor(struct driver *d, struct tracked *t,
                           const struct gathering *g)
{
    slot_start(t, g->inputs);
    struct take_job *take = calloc(1, sizeof(*take));
    BUG_ON(!take);
    take->job.run = take_run;
    take->job.done = on_taken;
    take->study = t;
    snprintf(take->blob_dir, sizeof(take->blob_dir), "%s", blob_store_dir(d->blobs));
    job_start(&take->job, d->loop);
}

// ---- merging

// A shard that is damaged, or gone, is made again, and then merged: see mend.h.
static void merge_end(struct tracked *t, enum err e, const struct errinfo *why)
{
    slot_end(t, "merge", e, why);
    if (e == ERR_CORRUPT || e == ERR_NOTFOUND) {
        tracked_reset_slot(t);
    }
}

static void on_merged(struct job *j)
{
    struct merge_job *m = (struct merge_job *)j;
    struct tracked *t = m->arg;
    memcpy(t->slot.artifact, m->checkpoint, sizeof(t->slot.artifact));
    merge_end(t, j->code, &j->why);
    merge_job_destroy(m);
}

void beside_merge(struct driver *d, struct tracked *t, const struct gathering *g)
{
    slot_start(t, g->inputs);
    struct errinfo why = {0};
    struct merge_job *m = NULL;
    enum err e = merge_job_create(d->blobs, g->shards, g->n_shards, &m, &why);
    if (e != ERR_OK) {
        merge_end(t, e, &why);
        return;
    }
    m->arg = t;
    m->job.done = on_merged;
    job_start(&m->job, d->loop);
}

// ---- fitting and searching predictors

static void on_fitted(struct job *j)
{
    struct fit_job *f = (struct fit_job *)j;
    struct tracked *t = f->arg;
    t->slot.fit = f;
    slot_end(t, "fit", j->code, &j->why);
}

void beside_fit(struct driver *d, struct tracked *t, const struct gathering *g)
{
    slot_start(t, g->inputs);
    struct errinfo why = {0};
    struct fit_job *f = NULL;
    enum err e = fit_job_create(d->blobs, &g->scope, &f, &why);
    if (e != ERR_OK) {
        slot_end(t, "fit", e, &why);
        return;
    }
    f->arg = t;
    f->job.done = on_fitted;
    log_info("study.fitting", "study=%s labels=%zu", t->conf->name, f->n_labels);
    job_start(&f->job, d->loop);
}

// ---- proposing

static void on_proposed(struct job *j)
{
    struct propose_job *p = (struct propose_job *)j;
    struct tracked *t = p->arg;
    t->slot.proposals = p;
    slot_end(t, "propose", j->code, &j->why);
}

void beside_propose(struct driver *d, struct tracked *t, const struct gathering *g,
                    uint32_t n)
{
    slot_start(t, g->inputs);
    struct errinfo why = {0};
    char path[FILE_PATH_MAX];
    bool is_guessing = study_is_surrogate(t->conf);
    enum err e = is_guessing ? blob_path(d->blobs, g->study.predictor, path, NULL, &why)
                             : ERR_OK;
    if (e != ERR_OK) {
        slot_end(t, "propose", e, &why);
        return;
    }
    struct propose_job *p = propose_job_create(&g->scope, is_guessing ? path : NULL, n);
    p->arg = t;
    p->job.done = on_proposed;
    job_start(&p->job, d->loop);
}

// ---- writing

struct write_job {
    struct job job; // first
    struct tracked *study;
    struct results *results;
    driver_report_fn *report;
};

static enum err write_run(struct job *j, struct errinfo *why)
{
    struct write_job *w = (struct write_job *)j;
    enum err e = results_write(w->results, why);
    return e == ERR_OK && w->report ? w->report(w->results, why) : e;
}

static void write_end(struct write_job *w)
{
    w->study->is_writing = false;
    w->study->refreshed_ms = clock_mono_ms();
    results_destroy(w->results);
    free(w);
}

static void on_written(struct job *j)
{
    struct write_job *w = (struct write_job *)j;
    struct tracked *t = w->study;
    if (j->code == ERR_OK) {
        t->is_refresh_due = false;
    }
    slot_end(t, "write", j->code, &j->why);
    write_end(w);
}

static void on_refreshed(struct job *j)
{
    struct write_job *w = (struct write_job *)j;
    struct tracked *t = w->study;
    struct driver *d = t->driver;
    if (j->code != ERR_OK) {
        // Once more, but a study that is over does not wait for a full disk.
        t->is_refresh_due = !tracked_is_over(w->results->study.state);
        log_warn("results.failed", "study=%s error=\"%s\"", t->conf->name, j->why.text);
    }
    d->n_jobs--;
    write_end(w);
    d->hooks.study_changed(d->hooks.arg, t->id); // the final writing may be waiting
}

static void write_start(struct tracked *t, struct results *r,
                        void (*done)(struct job *j))
{
    struct write_job *w = calloc(1, sizeof(*w));
    BUG_ON(!w);
    r->now_ms = clock_wall_ms();
    w->job.run = write_run;
    w->job.done = done;
    w->study = t;
    w->results = r;
    w->report = t->driver->report;
    t->is_writing = true;
    job_start(&w->job, t->driver->loop);
}

static enum err snapshot(struct driver *d, struct tracked *t,
                         const struct study_row *study, struct results **out,
                         struct errinfo *why)
{
    char dir[FILE_PATH_MAX];
    enum err e = tracked_results_dir(d, study->name, dir, why);
    if (e != ERR_OK) {
        return e;
    }
    struct results *r = results_create(dir, t->conf, study);
    r->tables = t->tables;
    if (study->fit[0]) {
        e = blob_path(d->blobs, study->fit, r->fit_path, NULL, why);
    }
    if (e == ERR_OK) {
        e = history_load_trials(&r->history, d->store, t->id, why);
    }
    if (e == ERR_OK) {
        e = history_load_losses(&r->history, d->store, t->id, why);
    }
    if (e == ERR_OK) {
        e = results_devices_load(&r->devices, d->store, d->blobs, t->id, why);
    }
    if (e != ERR_OK) {
        results_destroy(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

static enum err add_networks(const struct driver *d, struct results *r,
                             struct errinfo *why)
{
    struct final_scope scope = results_scope(r);
    struct final_choice choices[STUDY_TARGETS_MAX];
    size_t n = final_choose(&scope, choices);
    enum err e = ERR_OK;
    if (study_is_surrogate(&r->conf)) {
        return ERR_OK; // guessed: there are no weights
    }
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        if (!choices[i].winner) {
            continue;
        }
        BUG_ON(!choices[i].exported || !choices[i].exported->is_measured);
        struct results_network *network = &r->networks[r->n_networks++];
        memcpy(network->target, choices[i].target.name, sizeof(network->target));
        e = blob_path(d->blobs, choices[i].exported->result.network, network->blob_path,
                      NULL, why);
    }
    return e;
}

void beside_write(struct driver *d, struct tracked *t, const struct gathering *g)
{
    BUG_ON(t->is_writing); // the view says that a job is running then
    slot_start(t, g->inputs);
    struct errinfo why = {0};
    struct results *r = NULL;
    enum err e = snapshot(d, t, &g->study, &r, &why);
    if (e == ERR_OK) {
        r->is_finished = true;
        e = add_networks(d, r, &why);
    }
    if (e != ERR_OK) {
        results_destroy(r);
        slot_end(t, "write", e, &why);
        return;
    }
    write_start(t, r, on_written);
}

enum err beside_refresh(struct driver *d, struct tracked *t, struct errinfo *why)
{
    if (!t->is_refresh_due || t->is_writing || d->is_settling) {
        return ERR_OK;
    }
    struct study_row study;
    enum err e = study_row_get(d->store, t->id, &study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %llu", (unsigned long long)t->id);
    }
    bool is_early = clock_mono_ms() - t->refreshed_ms < DRIVER_REFRESH_MS;
    if (is_early && !tracked_is_over(study.state)) {
        return ERR_OK;
    }
    struct results *r = NULL;
    e = snapshot(d, t, &study, &r, why);
    if (e != ERR_OK) {
        return e;
    }
    t->is_refresh_due = false;
    d->n_jobs++;
    write_start(t, r, on_refreshed);
    return ERR_OK;
}
