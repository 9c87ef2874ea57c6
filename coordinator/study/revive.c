// SPDX-License-Identifier: Apache-2.0
// revive.c - see revive.h.
#include "coordinator/study/revive.h"

#include "common/base/log.h"
#include "common/conf/stage_batches.h"
#include "coordinator/store/device_row.h"
#include "coordinator/store/trial.h"
#include "coordinator/study/apply.h"
#include "coordinator/study/candidates.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- a study goes on

static void forget_job(struct driver *d, uint64_t study_id)
{
    for (struct tracked *t = d->studies; t; t = t->next) {
        if (t->id == study_id && t->slot.state != PLAN_JOB_RUNNING) {
            tracked_reset_slot(t);
        }
    }
}

struct shard_list {
    struct task_row *rows;
    size_t n, cap;
};

static bool add_if_lost(void *arg, const struct task_row *row)
{
    struct shard_list *l = arg;
    enum task_state next;
    if (!task_next(row->state, TASK_EVENT_REVIVE, &next)) {
        return true;
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 8;
        l->rows = realloc(l->rows, l->cap * sizeof(*l->rows));
        BUG_ON(!l->rows);
    }
    l->rows[l->n++] = *row;
    return true;
}

static enum err revive_shards(struct driver *d, const struct study_row *row,
                              struct errinfo *why)
{
    struct shard_list lost = {0};
    enum err e = task_each_of_round(d->store, row->id, row->stage, row->round,
                                    add_if_lost, &lost, why);
    for (size_t i = 0; i < lost.n && e == ERR_OK; i++) {
        e = task_revive(d->store, lost.rows[i].id, why);
        if (e == ERR_OK) {
            d->hooks.task_added(d->hooks.arg, &lost.rows[i]);
        }
    }
    free(lost.rows);
    return e;
}

static bool is_training_due(const struct study_conf *conf, const struct study_row *row)
{
    return row->pack[0] != '\0' &&
           row->position < study_stage_batches(conf, row->stage, row->n_train_utts);
}

static enum study_state state_to_go_on(const struct study_conf *conf,
                                       const struct study_row *row)
{
    if (row->pack[0] == '\0') {
        return row->predictor[0] ? STUDY_SEARCHING : STUDY_PACKING;
    }
    if (is_training_due(conf, row)) {
        return STUDY_TRAINING;
    }
    bool is_due = conf->search.predictor.labels > 0 && row->fit[0] == '\0';
    return is_due ? STUDY_LABELLING : STUDY_SEARCHING;
}

enum err revive_study(struct driver *d, const struct study_conf *conf,
                      struct study_row *row, enum revive_round how, struct errinfo *why)
{
    enum err e = ERR_OK;
    row->state = state_to_go_on(conf, row);
    row->error[0] = '\0';
    forget_job(d, row->id);
    if (row->state == STUDY_TRAINING && how == REVIVE_NEW_ROUND) {
        row->round++;
    } else if (row->state == STUDY_TRAINING) {
        e = revive_shards(d, row, why);
    }
    log_info("study.revived", "study=%s state=%s", row->name,
             study_state_name(row->state));
    if (e == ERR_OK) {
        e = candidates_again(d, conf, row, why);
    }
    if (e == ERR_OK) {
        e = devices_again(d, conf, row, why);
    }
    return e == ERR_OK ? study_row_update(d->store, row, why) : e;
}

// ---- a buried task that is kicked

static enum err wants_shard(const struct study_row *study, const struct task_row *row,
                            struct errinfo *why)
{
    bool is_current = row->stage == study->stage && row->round == study->round;
    return is_current
               ? ERR_OK
               : err_set(why, ERR_STALE,
                         "task %" PRIu64 " is of a round that was done otherwise",
                         row->id);
}

static enum err wants_trial(struct driver *d, const struct task_row *row,
                            struct errinfo *why)
{
    struct trial_row trial;
    enum err e = trial_get(d->store, row->trial_id, &trial);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read the trial of task %" PRIu64, row->id);
    }
    return trial.has_failed
               ? ERR_OK
               : err_set(why, ERR_STALE,
                         "the network of task %" PRIu64 " %s by another task", row->id,
                         trial.is_measured ? "was evaluated" : "is being evaluated");
}

struct device_wanted {
    const char *name;
    bool is_done;
};

static bool note_device(void *arg, const struct device_row *row)
{
    struct device_wanted *w = arg;
    bool is_it = strcmp(row->name, w->name) == 0;
    w->is_done |= is_it && row->state == DEVICE_DONE;
    return !is_it;
}

static enum err wants_measurement(struct driver *d, const struct task_row *row,
                                  struct errinfo *why)
{
    struct device_wanted w = {.name = row->spec.measure.device};
    enum err e = device_row_each(d->store, row->study_id, note_device, &w, why);
    return e == ERR_OK && w.is_done ? err_set(why, ERR_STALE,
                                              "the table of %s, which task %" PRIu64
                                              " was for, is complete without it",
                                              w.name, row->id)
                                    : e;
}

enum err driver_wants_task(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    struct study_row study;
    enum err e = study_row_get(d->store, row->study_id, &study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read the study of task %" PRIu64, row->id);
    }
    if (tracked_is_over(study.state) && study.state != STUDY_FAILED) {
        return err_set(why, ERR_STALE, "task %" PRIu64 ": study %s is %s", row->id,
                       study.name, study_state_name(study.state));
    }
    switch (row->spec.kind) {
    case TASK_TRAIN: return wants_shard(&study, row, why);
    case TASK_MEASURE: return wants_measurement(d, row, why);
    default: return wants_trial(d, row, why);
    }
}

static void note_back(struct driver *d, const struct task_row *row)
{
    for (struct tracked *t = d->studies; t; t = t->next) {
        if (t->id == row->study_id && row->spec.kind == TASK_MEASURE) {
            devices_task_ended(t);
        }
    }
}

enum err driver_task_back(struct driver *d, const struct task_row *row,
                          struct errinfo *why)
{
    note_back(d, row);
    return row->trial_id ? trial_reopened(d->store, row->trial_id, why) : ERR_OK;
}

enum err driver_go_on(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    struct study_row study;
    struct tracked *t = NULL;
    enum err e = study_row_get(d->store, study_id, &study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %" PRIu64, study_id);
    }
    if (study.state != STUDY_FAILED && study.state != STUDY_CANCELLED) {
        return ERR_OK;
    }
    e = tracked_open(d, study_id, &t, why);
    return e == ERR_OK ? revive_study(d, t->conf, &study, REVIVE_SAME_ROUND, why) : e;
}

// ---- a study that is ended

static void stop_packer(const struct driver *d, uint64_t study_id)
{
    for (const struct tracked *t = d->studies; t; t = t->next) {
        if (t->id == study_id && t->slot.packer) {
            pack_job_kill(t->slot.packer);
        }
    }
}

enum err driver_cancel_study(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    struct study_row study;
    enum err e = study_row_get(d->store, study_id, &study);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read study %" PRIu64, study_id);
    }
    if (tracked_is_over(study.state)) {
        return err_set(why, ERR_STALE, "study %s is %s already", study.name,
                       study_state_name(study.state));
    }
    stop_packer(d, study_id);
    study.state = STUDY_CANCELLED;
    snprintf(study.error, sizeof(study.error), "cancelled by an operator");
    log_info("study.cancelled", "study=%s", study.name);
    e = apply_cancel_tasks(d, study_id, why);
    return e == ERR_OK ? study_row_update(d->store, &study, why) : e;
}
