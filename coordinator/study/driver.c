// SPDX-License-Identifier: Apache-2.0
// driver.c - see driver.h: gather, plan, apply, until there is nothing to do but wait.
#include "coordinator/study/driver.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/conf/stage_batches.h"
#include "coordinator/study/apply.h"
#include "coordinator/study/beside.h"
#include "coordinator/study/candidates.h"
#include "coordinator/study/ended.h"
#include "coordinator/study/gather.h"
#include "coordinator/study/mend.h"
#include "coordinator/study/progress.h"
#include "coordinator/study/revive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Between two waits a study takes a handful of decisions: end a round, end a stage, add
// trials, add a round. More than this is a plan that goes round in circles.
#define DECISIONS_MAX 64

// ---- the tick: what must happen although no message comes

static bool announce_open(void *arg, const struct study_row *row)
{
    const struct driver *d = arg;
    if (!tracked_is_over(row->state)) {
        d->hooks.study_changed(d->hooks.arg, row->id);
    }
    return true;
}

// Studies that an earlier process left unfinished.
static void announce_left(struct driver *d)
{
    struct errinfo why = {0};
    if (study_row_each(d->store, announce_open, d, &why) != ERR_OK) {
        log_error("study.unread", "error=\"%s\"", why.text);
        return; // the next tick tries again
    }
    d->is_started = true;
}

static void tick_study(struct driver *d, struct tracked *t)
{
    struct job_slot *s = &t->slot;
    if (s->retry_at_ms != 0 && clock_mono_ms() >= s->retry_at_ms) {
        s->retry_at_ms = 0;
        d->hooks.study_changed(d->hooks.arg, t->id);
    }
    struct errinfo why = {0};
    enum err e = beside_refresh(d, t, &why);
    if (e != ERR_OK) {
        log_warn("study.tick", "study=%s error=\"%s\"", t->conf->name, why.text);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct driver *d = timer->data;
    if (store_in_transaction(d->store)) {
        return; // what is not committed must not be seen here
    }
    if (!d->is_started) {
        announce_left(d);
    }
    for (struct tracked *t = d->studies; t; t = t->next) {
        tick_study(d, t);
    }
}

// ---- create, destroy

enum err driver_create(const struct driver_setup *setup, struct driver **out,
                       struct errinfo *why)
{
    struct driver *d = calloc(1, sizeof(*d));
    BUG_ON(!d);
    d->loop = setup->loop;
    d->store = setup->store;
    d->blobs = setup->blobs;
    d->hooks = setup->hooks;
    d->report = setup->report;
    enum err e = file_path(d->dir, sizeof(d->dir), why, "%s", setup->dir);
    if (e == ERR_OK) {
        e = file_path(d->worker_program, sizeof(d->worker_program), why, "%s",
                      setup->worker_program);
    }
    if (e != ERR_OK) {
        free(d);
        return e;
    }
    BUG_ON(uv_timer_init(d->loop, &d->timer) != 0);
    d->timer.data = d;
    BUG_ON(uv_timer_start(&d->timer, on_tick, DRIVER_TICK_MS, DRIVER_TICK_MS) != 0);
    uv_unref((uv_handle_t *)&d->timer); // does not keep a loop alive by itself
    *out = d;
    return ERR_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    ((struct driver *)handle->data)->is_timer_closed = true;
}

static void ignore_change(void *arg, uint64_t study_id)
{
    (void)arg;
    (void)study_id;
}

// Jobs end through the loop, so it is turned here until the last one did.
void driver_destroy(struct driver *d)
{
    if (!d) {
        return;
    }
    d->hooks.study_changed = ignore_change; // its owner is going away
    for (struct tracked *t = d->studies; t; t = t->next) {
        if (t->slot.packer) {
            pack_job_kill(t->slot.packer);
        }
    }
    uv_ref((uv_handle_t *)&d->timer);
    uv_close((uv_handle_t *)&d->timer, on_timer_closed);
    while (d->n_jobs > 0 || !d->is_timer_closed) {
        uv_run(d->loop, UV_RUN_ONCE);
    }
    while (d->studies) {
        struct tracked *t = d->studies;
        d->studies = t->next;
        tracked_destroy(t);
    }
    free(d);
}

// ---- adding a study

static enum err write_conf(struct driver *d, const char *name, const struct buf *yaml,
                           struct errinfo *why)
{
    char dir[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    enum err e = tracked_results_dir(d, name, dir, why);
    if (e == ERR_OK) {
        e = file_make_dirs(dir, why);
    }
    if (e == ERR_OK) {
        e = file_path(path, sizeof(path), why, "%s/study.yaml", dir);
    }
    return e == ERR_OK ? file_write(path, yaml->data, yaml->len, why) : e;
}

static enum err insert_study(struct driver *d, const struct study_conf *conf,
                             const char *hash, const struct buf *yaml, uint64_t *id,
                             struct errinfo *why)
{
    enum err e = write_conf(d, conf->name, yaml, why);
    if (e != ERR_OK) {
        return e;
    }
    struct study_row row = {.state = STUDY_PACKING, .weight = conf->weight};
    snprintf(row.name, sizeof(row.name), "%s", conf->name);
    snprintf(row.conf, sizeof(row.conf), "%s", hash);
    row.created_ms = row.updated_ms = clock_wall_ms();
    e = study_row_insert(d->store, &row, why);
    *id = row.id;
    if (e == ERR_OK) {
        log_info("study.added", "study=%s id=%" PRIu64 " conf=%s", row.name, row.id,
                 row.conf);
    }
    return e;
}

// A study that an earlier version resolved lacks the keys that came later: resolved
// again it is the same, or it is another one.
static bool is_the_same(const struct driver *d, const struct study_row *row,
                        const struct buf *yaml)
{
    char path[FILE_PATH_MAX];
    struct study_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    struct buf stored = BUF_INIT;
    bool is_same = blob_path(d->blobs, row->conf, path, NULL, NULL) == ERR_OK &&
                   study_load(path, NULL, 0, conf, NULL) == ERR_OK;
    if (is_same) {
        study_print(conf, &stored);
        is_same =
            stored.len == yaml->len && memcmp(stored.data, yaml->data, yaml->len) == 0;
    }
    buf_fini(&stored);
    free(conf);
    return is_same;
}

static enum err find_or_insert(struct driver *d, const struct study_conf *conf,
                               const struct buf *yaml, uint64_t *study_id,
                               struct errinfo *why)
{
    char hash[HASH_HEX_MAX];
    enum err e = blob_put_bytes(d->blobs, yaml->data, yaml->len, hash, why);
    if (e != ERR_OK) {
        return e;
    }
    struct study_row row;
    e = study_row_by_name(d->store, conf->name, &row);
    if (e == ERR_NOTFOUND) {
        return insert_study(d, conf, hash, yaml, study_id, why);
    }
    if (e != ERR_OK) {
        return err_set(why, e, "cannot look for study %s", conf->name);
    }
    *study_id = row.id;
    if (strcmp(row.conf, hash) != 0 && !is_the_same(d, &row, yaml)) {
        return err_set(why, ERR_INPUT,
                       "%s already holds a study named %s with other settings: give "
                       "this one another name, or use another directory",
                       d->dir, conf->name);
    }
    e = write_conf(d, conf->name, yaml, why); // results may have been removed
    // A failed study that is asked for again gets another try: its recordings may have
    // been put right, its workers may have been sick.
    return e == ERR_OK && row.state == STUDY_FAILED
               ? revive_study(d, conf, &row, REVIVE_NEW_ROUND, why)
               : e;
}

enum err driver_add_study(struct driver *d, const struct study_conf *conf,
                          uint64_t *study_id, struct errinfo *why)
{
    bool is_inside = store_in_transaction(d->store);
    enum err e = store_begin(d->store, why);
    if (e != ERR_OK) {
        return e;
    }
    struct buf yaml = BUF_INIT;
    study_print(conf, &yaml);
    e = find_or_insert(d, conf, &yaml, study_id, why);
    buf_fini(&yaml);
    if (!is_inside && e == ERR_OK) {
        e = store_commit(d->store, why);
    }
    if (!is_inside && e != ERR_OK) {
        store_rollback(d->store);
    }
    if (e == ERR_OK) {
        d->hooks.study_changed(d->hooks.arg, *study_id);
    }
    return e;
}

// ---- ends of tasks

enum err driver_task_ended(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    if (row->state != TASK_DONE && row->state != TASK_BURIED) {
        return ERR_OK;
    }
    for (struct tracked *t = d->studies; t; t = t->next) {
        t->is_refresh_due |= t->id == row->study_id;
        if (t->id == row->study_id && row->spec.kind == TASK_MEASURE) {
            devices_task_ended(t);
        }
    }
    return ended_record(d->store, row, why);
}

// ---- going on

// One decision. *is_waiting: there was none to take.
static enum err step(struct driver *d, struct tracked *t, bool *is_waiting,
                     struct errinfo *why)
{
    struct gathering g;
    enum err e = gather(d, t, &g, why);
    if (e != ERR_OK) {
        return e;
    }
    struct plan_decision decision = plan_next(&g.view);
    *is_waiting = decision.kind == PLAN_WAIT;
    if (!*is_waiting) {
        log_debug("study.decided", "study=%s decision=%s", g.study.name,
                  plan_kind_name(decision.kind));
        e = apply_decision(d, t, &g, &decision, why);
    }
    if (t->has_paused) {
        t->has_paused = false;
        *is_waiting = true;
        d->hooks.study_changed(d->hooks.arg, t->id);
    }
    gather_fini(&g);
    return e;
}

// Latency tables go on beside everything else.
static enum err step_devices(struct driver *d, struct tracked *t, struct errinfo *why)
{
    struct study_row study;
    char error[LIMIT_TEXT];
    enum err e = study_row_get(d->store, t->id, &study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %llu", (unsigned long long)t->id);
    }
    e = devices_advance(d, t, &study, error, why);
    return e == ERR_OK && error[0] ? apply_failure(d, &study, error, why) : e;
}

// A configuration that cannot be read any more: the study is lost, the others are not.
static enum err give_up(struct driver *d, uint64_t study_id, const char *error,
                        struct errinfo *why)
{
    struct study_row row;
    enum err e = study_row_get(d->store, study_id, &row);
    if (e != ERR_OK || tracked_is_over(row.state)) {
        return e;
    }
    return apply_failure(d, &row, error, why);
}

// A study whose pack is being read again has nothing else to do.
static enum err step_mending(struct driver *d, struct tracked *t, bool *is_waiting,
                             struct errinfo *why)
{
    char error[LIMIT_TEXT] = "";
    enum err e = t->is_suspect ? mend_study(d, t, error, why) : ERR_OK;
    if (e == ERR_OK && error[0]) {
        *is_waiting = true;
        return give_up(d, t->id, error, why);
    }
    *is_waiting = t->slot.state == PLAN_JOB_RUNNING && t->slot.inputs[0] == '\0';
    return e;
}

enum err driver_advance(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    BUG_ON(!store_in_transaction(d->store));
    struct tracked *t = NULL;
    struct errinfo unreadable = {0};
    enum err e = tracked_open(d, study_id, &t, &unreadable);
    if (e == ERR_IO || e == ERR_FULL) {
        return err_set(why, e, "%s", unreadable.text);
    }
    if (e != ERR_OK) {
        return give_up(d, study_id, unreadable.text, why);
    }
    e = step_devices(d, t, why);
    bool is_waiting = false;
    for (int i = 0; e == ERR_OK && !is_waiting; i++) {
        BUG_ON(i >= DECISIONS_MAX);
        e = step_mending(d, t, &is_waiting, why);
        if (e == ERR_OK && !is_waiting) {
            e = step(d, t, &is_waiting, why);
        }
    }
    return e;
}

void driver_settle_only(struct driver *d, bool is_settling)
{
    d->is_settling = is_settling;
}

// ---- looking

static bool slot_names(const struct job_slot *s, const char *hash)
{
    return strcmp(s->artifact, hash) == 0 ||
           (s->fit && (strcmp(s->fit->record, hash) == 0 ||
                       strcmp(s->fit->fit.predictor, hash) == 0));
}

void driver_artifact_lost(struct driver *d)
{
    for (struct tracked *t = d->studies; t; t = t->next) {
        t->is_suspect = true;
        d->hooks.study_changed(d->hooks.arg, t->id);
    }
}

bool driver_is_mending(const struct driver *d)
{
    for (const struct tracked *t = d->studies; t; t = t->next) {
        if (mend_is_due(d, t)) {
            return true;
        }
    }
    return false;
}

bool driver_uses(const struct driver *d, const char *hash)
{
    for (const struct tracked *t = d->studies; t; t = t->next) {
        if (slot_names(&t->slot, hash)) {
            return true;
        }
    }
    return false;
}

static enum err fill_status(struct driver *d, struct tracked *t,
                            const struct study_row *study, struct status_study *out)
{
    struct history history = {0};
    struct progress_facts facts = {
        .conf = t->conf,
        .study = study,
        .history = &history,
        .n_workers = d->hooks.train_workers(d->hooks.arg),
        .is_exhausted = t->exhausted_at != TRACKED_NOT_EXHAUSTED,
    };
    struct task_row *shards = NULL;
    enum err e = history_load_trials(&history, d->store, t->id, NULL);
    if (e == ERR_OK) {
        e = history_load_losses(&history, d->store, t->id, NULL);
    }
    if (e == ERR_OK) {
        e = task_count(d->store, t->id, &facts.tasks);
    }
    if (e == ERR_OK) {
        e = gather_shards(d, study, &shards, &facts.n_shards, NULL);
    }
    if (e == ERR_OK) {
        facts.shards = shards;
        progress_fill(&facts, out);
    }
    free(shards);
    history_fini(&history);
    return e;
}

enum err driver_status(struct driver *d, uint64_t study_id, struct status_study *out)
{
    struct study_row study;
    enum err e = study_row_get(d->store, study_id, &study);
    if (e != ERR_OK) {
        return e;
    }
    struct tracked *t = NULL;
    if (tracked_open(d, study_id, &t, NULL) != ERR_OK) {
        *out = (struct status_study){.id = study.id, .seconds_left = -1};
        snprintf(out->name, sizeof(out->name), "%s", study.name);
        snprintf(out->state, sizeof(out->state), "%s", study_state_name(study.state));
        snprintf(out->detail, sizeof(out->detail), "%s", study.error);
        return ERR_OK;
    }
    e = fill_status(d, t, &study, out);
    if (e == ERR_OK && out->detail[0] == '\0') {
        snprintf(out->detail, sizeof(out->detail), "%s", t->devices.detail);
    }
    if (e == ERR_OK && t->slot.packer) {
        snprintf(out->detail, sizeof(out->detail), "%s", t->slot.packer->progress);
    }
    if (e == ERR_OK && t->slot.retry_at_ms != 0) {
        snprintf(out->detail, sizeof(out->detail), "will try again: %s", t->slot.error);
    }
    return e;
}

static bool count_open(void *arg, const struct study_row *row)
{
    *(unsigned *)arg += !tracked_is_over(row->state);
    return true;
}

bool driver_is_idle(const struct driver *d)
{
    unsigned n_open = 0;
    if (d->n_jobs > 0 ||
        study_row_each(d->store, count_open, &n_open, NULL) != ERR_OK) {
        return false;
    }
    for (const struct tracked *t = d->studies; t; t = t->next) {
        if (t->is_refresh_due) {
            return false;
        }
    }
    return n_open == 0;
}
