// SPDX-License-Identifier: Apache-2.0
// turn_task.c - the part of a turn about tasks: attempts that end, and new grants.
#include "common/base/log.h"
#include "coordinator/sched/retry.h"
#include "coordinator/store/worker_row.h"
#include "coordinator/turn_inside.h"
#include "proto/wire.h"

#include <stdio.h>

// Tasks passed over in search of one that this worker did not fail last.
#define ASIDE_MAX 16

typedef unsigned long long llu;

static void note_over(struct turn *t, enum effect_kind kind, uint64_t task_id,
                      uint64_t token)
{
    struct effect *f = turn_add_effect(t, kind);
    f->lease = (struct lease){.task_id = task_id, .token = token};
}

void turn_attempt_over(struct turn *t, uint64_t task_id, uint64_t token)
{
    note_over(t, EFFECT_ENDED, task_id, token);
}

// The study hears of a task that is done or buried for good.
static enum err tell_driver(struct turn *t, uint64_t task_id, struct errinfo *why)
{
    struct task_row row;
    enum err e = task_get(t->store, task_id, &row);
    if (e != ERR_OK) {
        return err_set(why, ERR_IO, "cannot read back task %llu", (llu)task_id);
    }
    turn_mark_dirty(t, row.study_id);
    struct errinfo inner = {0};
    if (driver_task_ended(t->driver, &row, &inner) != ERR_OK) {
        return err_set(why, ERR_IO, "study %llu: %s", (llu)row.study_id, inner.text);
    }
    return ERR_OK;
}

enum err turn_attempt_succeeded(struct turn *t, uint64_t task_id, uint64_t token,
                                const struct task_result *result, struct errinfo *why)
{
    enum err e = task_settle(t->store, task_id, token, result, why);
    if (e != ERR_OK) {
        return e;
    }
    note_over(t, EFFECT_ACCEPTED, task_id, token);
    return tell_driver(t, task_id, why);
}

// The worker's name, hashed; 0 when nothing is known of it.
static uint64_t who_failed(struct turn *t, uint64_t worker_id)
{
    struct worker_row row;
    return worker_row_get(t->store, worker_id, &row) == ERR_OK ? avoid_who(row.name)
                                                               : 0;
}

static void requeue(struct turn *t, const struct task_row *row, int64_t delay_ms,
                    bool was_charged)
{
    struct effect *f = turn_add_effect(t, EFFECT_READY);
    f->task = turn_queue_task(row, t->now.mono_ms + delay_ms);
    f->failed_by = was_charged ? who_failed(t, row->worker_id) : 0;
}

enum err turn_kick_task(struct turn *t, const struct task_row *row, struct errinfo *why)
{
    enum err e = row->state == TASK_BURIED
                     ? driver_wants_task(t->driver, row, why)
                     : err_set(why, ERR_STALE, "task %llu is %s, not buried",
                               (llu)row->id, task_state_name(row->state));
    if (e == ERR_OK) {
        e = task_kick(t->store, row->id, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    log_info("task.kicked", "task=%llu", (llu)row->id);
    requeue(t, row, 0, false);
    turn_mark_kicked(t, row->study_id);
    return driver_task_back(t->driver, row, why);
}

enum err turn_studies_go_on(struct turn *t, struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < t->kicked.len && e == ERR_OK; i++) {
        e = driver_go_on(t->driver, t->kicked.ids[i], why);
    }
    t->kicked.len = 0;
    return e;
}

enum err turn_attempt_failed(struct turn *t, uint64_t task_id, uint64_t token,
                             const struct turn_failure *how, struct errinfo *why)
{
    struct task_row row;
    enum err e = task_get(t->store, task_id, &row);
    if (e != ERR_OK) {
        return e == ERR_NOTFOUND ? err_set(why, ERR_STALE, "no such task") : e;
    }
    bool charge = retry_is_charged(how->outcome, how->has_started);
    int64_t delay_ms = charge ? retry_delay_ms(task_id, token, row.n_charged + 1) : 0;
    enum task_state now;
    const struct queue_task task = turn_queue_task(&row, 0);
    const struct task_failure failure = {
        .outcome = how->outcome,
        .error = how->error,
        .log_tail = how->log_tail,
        .is_charged = charge,
        .bury_at = RETRY_BURY_AT,
        .bury_workers = retry_bury_workers(turn_capable_names(t, &task)),
        .not_before_ms = t->now.wall_ms + delay_ms};
    e = task_fail(t->store, task_id, token, &failure, &now, why);
    if (e != ERR_OK) {
        return e;
    }
    log_event(charge ? LOG_WARN : LOG_INFO, "task.ended",
              "task=%llu token=%llu worker=%llu outcome=%s charged=%d now=%s "
              "retry_ms=%lld error=\"%s\"",
              (llu)task_id, (llu)token, (llu)row.worker_id,
              how->outcome ? outcome_name(how->outcome) : "released", charge,
              task_state_name(now), (long long)delay_ms, how->error);
    turn_attempt_over(t, task_id, token);
    if (now == TASK_BURIED) {
        return tell_driver(t, task_id, why);
    }
    requeue(t, &row, delay_ms, charge);
    return ERR_OK;
}

static void expire_one(struct turn *t, const struct lease *lease)
{
    struct errinfo why = {0};
    struct part part;
    enum err e = turn_part_begin(t, &part, &why);
    if (e != ERR_OK) {
        return;
    }
    const struct turn_failure lost = {.outcome = OUTCOME_LOST,
                                      .has_started = lease->has_started,
                                      .error =
                                          "the lease expired: its worker fell silent"};
    e = turn_attempt_failed(t, lease->task_id, lease->token, &lost, &why);
    if (e == ERR_STALE || e == ERR_BUSY) {
        // It ended otherwise (in this turn, or cancelled by its study).
        turn_attempt_over(t, lease->task_id, lease->token);
        e = ERR_OK;
    }
    e = turn_part_end(t, &part, e, &why);
    (void)e; // counted by turn_part_end; the lease is still there for the next turn
}

void turn_expire(struct turn *t)
{
    for (size_t i = 0; i < lease_count(t->leases); i++) {
        const struct lease *lease = lease_at(t->leases, i);
        if (lease->deadline_ms <= t->now.mono_ms) {
            expire_one(t, lease);
        }
    }
}

void turn_drop_cancelled(struct turn *t, uint64_t study_id)
{
    struct study_row study;
    bool is_over = study_row_get(t->store, study_id, &study) == ERR_OK &&
                   study_state_is_over(study.state);
    if (!is_over && !t->has_cancelled) {
        return;
    }
    t->has_cancelled = false;
    for (size_t i = 0; i < lease_count(t->leases); i++) {
        const struct lease *lease = lease_at(t->leases, i);
        struct task_row row;
        if (lease->study_id == study_id &&
            task_get(t->store, lease->task_id, &row) == ERR_OK &&
            row.state != TASK_LEASED) {
            turn_attempt_over(t, lease->task_id, lease->token);
        }
    }
}

static void note_lease(struct turn *t, const struct session *s,
                       const struct task_row *row, const struct queue_task *task,
                       uint64_t token)
{
    struct effect *f = turn_add_effect(t, EFFECT_LEASED);
    f->session = s->number;
    f->lease = turn_lease(row, token, s->worker.id, t->now.mono_ms + LEASE_MS);
    f->lease.granted_ms = t->now.mono_ms;
    f->lease.charged_ms = task->charged_ms;
    t->out.kind = MSG_LEASE;
    t->out.lease = (struct msg_lease){
        .task_id = row->id, .token = token, .lease_ms = LEASE_MS, .spec = row->spec};
    outbox_add(&t->after_commit, &s->route, &t->out);
}

static enum err grant(struct turn *t, const struct session *s,
                      const struct queue_task *task)
{
    struct errinfo why = {0};
    struct part part;
    enum err e = turn_part_begin(t, &part, &why);
    if (e != ERR_OK) {
        return e;
    }
    struct task_row row;
    uint64_t token = 0;
    e = task_get(t->store, task->id, &row);
    if (e == ERR_OK) {
        e = task_grant(t->store, task->id, s->worker.id, &token, &why);
    }
    if (e == ERR_OK) {
        note_lease(t, s, &row, task, token);
    }
    return turn_part_end(t, &part, e, &why);
}

// It failed the task last, and there are others.
static bool is_for_others(const struct turn *t, const struct session *s,
                          const struct queue_task *task)
{
    return avoid_count(t->avoid) > 0 &&
           avoid_says(t->avoid, task->id, avoid_who(s->worker.name), t->now.mono_ms) &&
           turn_capable_names(t, task) > 1;
}

enum granted { GRANTED, GRANT_NOTHING, GRANT_GONE };

static enum granted try_grant(struct turn *t, struct session *s,
                              const struct queue_task *task)
{
    enum err e = grant(t, s, task);
    if (e == ERR_OK) {
        s->credit = task->kind == TASK_MEASURE ? 0 : s->credit - 1;
        s->has_fetched = false;
        return GRANTED;
    }
    if (e == ERR_STALE || e == ERR_NOTFOUND) {
        avoid_forget(t->avoid, task->id);
        queue_ended(t->queue, task->study_id, task->kind, task->charged_ms, 0, false);
        return GRANT_GONE; // cancelled meanwhile: the store knows better than the queue
    }
    queue_put_back(t->queue, task, t->now.mono_ms);
    return GRANT_NOTHING;
}

// False when there is nothing to grant, or granting does not work now.
static bool grant_one(struct turn *t, struct session *s)
{
    const struct place_offer offer = turn_offer(s);
    struct queue_task task;
    struct queue_task aside[ASIDE_MAX];
    size_t n_aside = 0;
    enum granted end = GRANT_GONE;
    while (end == GRANT_GONE && n_aside < ASIDE_MAX &&
           queue_take(t->queue, &offer, t->now.mono_ms, &task)) {
        if (is_for_others(t, s, &task)) {
            aside[n_aside++] = task;
        } else {
            end = try_grant(t, s, &task);
        }
    }
    for (size_t i = 0; i < n_aside; i++) {
        queue_put_back(t->queue, &aside[i], t->now.mono_ms);
    }
    return end == GRANTED;
}

static bool is_sent_away(const struct turn *t, const struct session *s)
{
    return t->is_draining ||
           quarantine_standing(t->quarantine, s->worker.name) == STANDING_DRAINED;
}

static void answer_empty_handed(struct turn *t)
{
    t->out.kind = MSG_NO_TASK;
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        struct session *s = session_at(t->sessions, i);
        if (s->has_fetched) {
            t->out.no_task = (struct msg_no_task){.retry_ms = FETCH_POLL_MS,
                                                  .is_draining = is_sent_away(t, s)};
            outbox_add(&t->any_case, &s->route, &t->out);
            s->has_fetched = false;
        }
    }
}

// One task a worker and pass, so that few tasks spread over many workers.
static void grant_in_passes(struct turn *t)
{
    size_t n = session_count(t->sessions);
    int n_granted = 0;
    bool goes_on = n > 0;
    while (goes_on && !t->has_failed) {
        goes_on = false;
        for (size_t i = 0; i < n; i++) {
            struct session *s = session_at(t->sessions, (t->first_session + i) % n);
            if (n_granted == TURN_GRANTS_MAX) {
                t->first_session = (t->first_session + i) % n;
                t->ports.wake(t->ports.arg);
                return;
            }
            if (s->credit > 0 && turn_may_be_given(t, s) && grant_one(t, s)) {
                n_granted++;
                goes_on = true;
            }
        }
    }
}

void turn_grant(struct turn *t)
{
    bool is_resting = t->is_sick && t->now.mono_ms < t->retry_ms;
    bool may_begin = !t->is_draining && !t->is_settling && !is_resting;
    if (may_begin && queue_count(t->queue) > 0) {
        grant_in_passes(t);
    }
    answer_empty_handed(t);
}
