// SPDX-License-Identifier: Apache-2.0
// apply.c - see apply.h. One function per kind of decision, chosen by table.
#include "coordinator/study/apply.h"

#include "common/base/log.h"
#include "coordinator/study/beside.h"
#include "coordinator/study/candidates.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
    struct driver *driver;
    struct tracked *tracked;
    struct gathering *g;
    const struct plan_decision *decision;
};

static enum err update(struct driver *d, const struct study_row *study,
                       struct errinfo *why)
{
    return study_row_update(d->store, study, why);
}

static enum err apply_pack(const struct step *s, struct errinfo *why)
{
    (void)why;
    if (study_is_surrogate(s->tracked->conf)) {
        beside_take_predictor(s->driver, s->tracked, s->g);
    } else {
        beside_pack(s->driver, s->tracked, s->g);
    }
    return ERR_OK;
}

// A study that guesses has nothing to train: its predictor is what evaluates.
static enum err start_guessing(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    const struct job_slot *slot = &s->tracked->slot;
    memcpy(study->predictor, slot->artifact, sizeof(study->predictor));
    memcpy(study->checkpoint, slot->artifact, sizeof(study->checkpoint));
    study->state = STUDY_SEARCHING;
    log_info("study.guessing", "study=%s predictor=%s", study->name, study->predictor);
    return update(s->driver, study, why);
}

static enum err apply_start(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    const struct job_slot *slot = &s->tracked->slot;
    if (study_is_surrogate(s->tracked->conf)) {
        return start_guessing(s, why);
    }
    memcpy(study->pack, slot->artifact, sizeof(study->pack));
    study->n_train_utts = slot->counts.n_train_utts;
    study->n_speakers = slot->counts.n_speakers;
    study->n_trials = slot->counts.n_trials;
    study->state = STUDY_TRAINING;
    study->stage = 0;
    study->round = 0;
    study->position = 0;
    log_info("study.packed",
             "study=%s pack=%s utterances=%" PRIu64 " speakers=%u trials=%" PRIu64,
             study->name, study->pack, study->n_train_utts, study->n_speakers,
             study->n_trials);
    return update(s->driver, study, why);
}

static enum err add_shard(const struct step *s, const struct train_round *round,
                          uint32_t shard, struct errinfo *why)
{
    const struct study_row *study = &s->g->study;
    struct task_row row = {
        .study_id = study->id,
        .stage = round->stage,
        .round = round->round,
        .shard = shard,
        .spec = {.kind = TASK_TRAIN, .train = train_round_task(round, shard)},
    };
    memcpy(row.spec.study, study->conf, sizeof(row.spec.study));
    memcpy(row.spec.pack, study->pack, sizeof(row.spec.pack));
    memcpy(row.spec.checkpoint, study->checkpoint, sizeof(row.spec.checkpoint));
    tracked_limit(s->tracked->conf, &row.spec);
    enum err e = task_insert(s->driver->store, &row, why);
    if (e == ERR_OK) {
        s->driver->hooks.task_added(s->driver->hooks.arg, &row);
    }
    return e;
}

static enum err apply_round(const struct step *s, struct errinfo *why)
{
    const struct train_round *round = &s->decision->round;
    log_info("round.added",
             "study=%s stage=%u round=%u position=%" PRIu64 " of=%" PRIu64
             " shards=%u steps=%u",
             s->g->study.name, round->stage, round->round, round->position,
             round->n_batches, round->n_shards, round->n_steps);
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < round->n_shards && e == ERR_OK; i++) {
        e = add_shard(s, round, i, why);
    }
    return e;
}

static enum err apply_merge(const struct step *s, struct errinfo *why)
{
    (void)why;
    beside_merge(s->driver, s->tracked, s->g);
    return ERR_OK;
}

static enum err apply_adopt(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    BUG_ON(strlen(s->decision->checkpoint) >= sizeof(study->checkpoint));
    snprintf(study->checkpoint, sizeof(study->checkpoint), "%s",
             s->decision->checkpoint);
    study->position = s->decision->position;
    study->round++;
    return update(s->driver, study, why);
}

static enum err apply_end_stage(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    enum err e = candidates_of_stage(s->driver, s->tracked, study, why);
    if (e != ERR_OK) {
        return e;
    }
    log_info("stage.ended", "study=%s stage=%u checkpoint=%s", study->name,
             study->stage, study->checkpoint);
    if (study->stage + 1 == (uint32_t)s->tracked->conf->train.n_stages) {
        bool has_labels = s->tracked->conf->search.predictor.labels > 0;
        study->state = has_labels ? STUDY_LABELLING : STUDY_SEARCHING;
    } else {
        study->stage++;
        study->position = 0;
        // 0, but for a stage that was begun before and gone back from (mend.h).
        e = task_count_rounds(s->driver->store, study->id, study->stage, &study->round,
                              why);
    }
    return e == ERR_OK ? update(s->driver, study, why) : e;
}

static enum err apply_label(const struct step *s, struct errinfo *why)
{
    s->tracked->has_paused = s->decision->n_proposals == PLAN_ADDED_MAX;
    return candidates_label(s->driver, s->tracked, s->g, s->decision->n_proposals, why);
}

static enum err apply_end_labels(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    study->state = STUDY_FITTING;
    log_info("labels.ended", "study=%s labels=%u measured=%u", study->name,
             s->g->view.trials.n_labels, s->g->view.trials.n_measured_labels);
    return update(s->driver, study, why);
}

static enum err apply_fit(const struct step *s, struct errinfo *why)
{
    (void)why;
    beside_fit(s->driver, s->tracked, s->g);
    return ERR_OK;
}

static enum err apply_adopt_fit(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    const struct fit_job *job = s->tracked->slot.fit;
    size_t n_left = 0;
    enum err e =
        candidates_of_fit(s->driver, s->tracked, s->g, &job->fit, &n_left, why);
    if (e != ERR_OK || n_left > 0) {
        s->tracked->has_paused = true;
        return e;
    }
    memcpy(study->predictor, job->fit.predictor, sizeof(study->predictor));
    memcpy(study->fit, job->record, sizeof(study->fit));
    study->state = STUDY_SEARCHING;
    log_info("study.fitted", "study=%s kind=%s predictor=%s picks=%zu", study->name,
             job->fit.kind, study->predictor, job->fit.n_picks);
    return update(s->driver, study, why);
}

static enum err apply_propose(const struct step *s, struct errinfo *why)
{
    (void)why;
    beside_propose(s->driver, s->tracked, s->g, s->decision->n_proposals);
    return ERR_OK;
}

static enum err apply_adopt_proposals(const struct step *s, struct errinfo *why)
{
    return candidates_proposed(s->driver, s->tracked, s->g, s->tracked->slot.proposals,
                               why);
}

static enum err apply_end_search(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    bool is_tuned = study_finetunes(s->tracked->conf);
    study->state = is_tuned ? STUDY_TUNING : STUDY_EXPORTING;
    log_info("search.ended", "study=%s proposals=%u", study->name,
             s->g->view.trials.n_proposed);
    return update(s->driver, study, why);
}

static enum err apply_tune(const struct step *s, struct errinfo *why)
{
    return candidates_finetune(s->driver, s->tracked, s->g, why);
}

static enum err apply_end_tuning(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    study->state = STUDY_EXPORTING;
    log_info("tuning.ended", "study=%s", study->name);
    return update(s->driver, study, why);
}

static enum err apply_export(const struct step *s, struct errinfo *why)
{
    return candidates_export(s->driver, s->tracked, s->g, why);
}

static enum err apply_write(const struct step *s, struct errinfo *why)
{
    (void)why;
    beside_write(s->driver, s->tracked, s->g);
    return ERR_OK;
}

static enum err apply_finish(const struct step *s, struct errinfo *why)
{
    struct study_row *study = &s->g->study;
    study->state = STUDY_DONE;
    log_info("study.done", "study=%s", study->name);
    return update(s->driver, study, why);
}

static enum err apply_fail(const struct step *s, struct errinfo *why)
{
    const struct plan_decision *decision = s->decision;
    char error[LIMIT_TEXT] = "";
    if (decision->task_id == 0) {
        snprintf(error, sizeof(error), "%s", decision->error);
    } else {
        char last[LIMIT_TEXT] = "";
        enum err e = task_last_error(s->driver->store, decision->task_id, last);
        if (e != ERR_OK) {
            return err_set(why, e, "cannot read the error of task %" PRIu64,
                           decision->task_id);
        }
        snprintf(error, sizeof(error), "training task %" PRIu64 " was given up: %s",
                 decision->task_id, last);
    }
    s->tracked->is_refresh_due = true;
    return apply_failure(s->driver, &s->g->study, error, why);
}

enum err apply_decision(struct driver *d, struct tracked *t, struct gathering *g,
                        const struct plan_decision *decision, struct errinfo *why)
{
    static enum err (*const by_kind[PLAN_KINDS])(const struct step *,
                                                 struct errinfo *) = {
        [PLAN_PACK] = apply_pack,
        [PLAN_START] = apply_start,
        [PLAN_ADD_ROUND] = apply_round,
        [PLAN_MERGE] = apply_merge,
        [PLAN_ADOPT] = apply_adopt,
        [PLAN_END_STAGE] = apply_end_stage,
        [PLAN_LABEL] = apply_label,
        [PLAN_END_LABELS] = apply_end_labels,
        [PLAN_FIT] = apply_fit,
        [PLAN_ADOPT_FIT] = apply_adopt_fit,
        [PLAN_PROPOSE] = apply_propose,
        [PLAN_ADOPT_PROPOSALS] = apply_adopt_proposals,
        [PLAN_END_SEARCH] = apply_end_search,
        [PLAN_TUNE] = apply_tune,
        [PLAN_END_TUNING] = apply_end_tuning,
        [PLAN_EXPORT] = apply_export,
        [PLAN_WRITE] = apply_write,
        [PLAN_FINISH] = apply_finish,
        [PLAN_FAIL] = apply_fail,
    };
    BUG_ON(decision->kind >= PLAN_KINDS || !by_kind[decision->kind]);
    const struct step s = {d, t, g, decision};
    return by_kind[decision->kind](&s, why);
}

// ---- failure

struct id_list {
    uint64_t *ids;
    size_t n, cap;
};

static bool add_if_open(void *arg, const struct task_row *row)
{
    struct id_list *l = arg;
    if (!task_may_move(row->state, TASK_CANCELLED)) {
        return true;
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->ids = realloc(l->ids, l->cap * sizeof(*l->ids));
        BUG_ON(!l->ids);
    }
    l->ids[l->n++] = row->id;
    return true;
}

enum err apply_cancel_tasks(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    struct id_list open = {0};
    enum err e = task_each(d->store, study_id, 0, add_if_open, &open, why);
    for (size_t i = 0; i < open.n && e == ERR_OK; i++) {
        e = task_cancel(d->store, open.ids[i], why);
    }
    free(open.ids);
    return e;
}

enum err apply_failure(struct driver *d, struct study_row *study, const char *error,
                       struct errinfo *why)
{
    study->state = STUDY_FAILED;
    snprintf(study->error, sizeof(study->error), "%s", error);
    log_error("study.failed", "study=%s error=\"%s\"", study->name, error);
    enum err e = apply_cancel_tasks(d, study->id, why);
    return e == ERR_OK ? update(d, study, why) : e;
}
