// SPDX-License-Identifier: Apache-2.0
// turn_effect.c - the part of a turn after its commit: effects become memory.
#include "common/base/log.h"
#include "coordinator/turn_inside.h"

#include <string.h>

typedef unsigned long long llu;

static void apply_leased(struct turn *t, const struct effect *f)
{
    const struct lease *l = &f->lease;
    BUG_ON(lease_grant(t->leases, l) != ERR_OK); // the store said it was READY
    avoid_forget(t->avoid, l->task_id);
    log_info("task.leased", "task=%llu token=%llu worker=%llu", (llu)l->task_id,
             (llu)l->token, (llu)l->worker_id);
}

static void apply_ended(struct turn *t, const struct effect *f)
{
    const struct lease *l = lease_find(t->leases, f->lease.task_id);
    if (l && l->token == f->lease.token) {
        queue_ended(t->queue, l->study_id, l->kind, l->charged_ms,
                    t->now.mono_ms - l->granted_ms, f->kind == EFFECT_ACCEPTED);
    }
    enum err e = lease_settle(t->leases, f->lease.task_id, f->lease.token);
    (void)e; // may have ended twice in one turn
}

static void apply_accepted(struct turn *t, const struct effect *f)
{
    const struct lease *l = lease_find(t->leases, f->lease.task_id);
    log_info("task.done", "task=%llu token=%llu worker=%llu", (llu)f->lease.task_id,
             (llu)f->lease.token, l ? (llu)l->worker_id : 0);
    t->counters.accepted++;
    apply_ended(t, f);
}

static void apply_ready(struct turn *t, const struct effect *f)
{
    queue_add(t->queue, &f->task, t->now.mono_ms);
    if (f->failed_by != 0) {
        avoid_note(t->avoid, f->task.id, f->failed_by, f->task.ready_ms + AVOID_MS);
    }
}

static void apply_joined(struct turn *t, const struct effect *f)
{
    if (!session_has_room(t->sessions, f->session)) {
        return; // several came in one turn; it will hear so when it repeats its HELLO
    }
    bool is_new = !session_find(t->sessions, f->session);
    session_put(t->sessions, f->session, &f->route, &f->worker, t->now.mono_ms);
    log_event(is_new ? LOG_INFO : LOG_DEBUG, "worker.joined",
              "worker=%llu name=\"%s\" slots=%u threads=%u device=\"%s\"",
              (llu)f->worker.id, f->worker.name, f->worker.slots, f->worker.threads,
              f->worker.device);
}

static void apply_left(struct turn *t, const struct effect *f)
{
    const struct session *s = session_find(t->sessions, f->session);
    if (s) {
        log_info("worker.left", "worker=%llu name=\"%s\"", (llu)s->worker.id,
                 s->worker.name);
        session_forget(t->sessions, f->session);
    }
}

static void apply_replaced(struct turn *t, const struct effect *f)
{
    struct session *s = session_find(t->sessions, f->session);
    if (s && !s->is_replaced) {
        log_info("worker.replaced", "worker=%llu name=\"%s\"", (llu)s->worker.id,
                 s->worker.name);
        session_replaced(s);
    }
}

static void apply_study(struct turn *t, const struct effect *f)
{
    queue_set_study(t->queue, f->study.id, f->study.weight, f->study.is_paused);
}

typedef void apply_fn(struct turn *t, const struct effect *f);

static apply_fn *const appliers[] = {
    [EFFECT_READY] = apply_ready,
    [EFFECT_LEASED] = apply_leased,
    [EFFECT_ENDED] = apply_ended,
    [EFFECT_ACCEPTED] = apply_accepted,
    [EFFECT_JOINED] = apply_joined,
    [EFFECT_LEFT] = apply_left,
    [EFFECT_REPLACED] = apply_replaced,
    [EFFECT_REPORTED] = turn_apply_report,
    [EFFECT_STANDING] = turn_apply_standing,
    [EFFECT_STUDY] = apply_study,
};

void turn_apply_effects(struct turn *t)
{
    for (size_t i = 0; i < t->effects.len; i++) {
        const struct effect *f = &t->effects.items[i];
        appliers[f->kind](t, f);
    }
    t->effects.len = 0;
}

// Grants are the only decisions that changed memory before the commit.
void turn_forget_effects(struct turn *t)
{
    for (size_t i = 0; i < t->effects.len; i++) {
        const struct effect *f = &t->effects.items[i];
        if (f->kind != EFFECT_LEASED) {
            continue;
        }
        struct queue_task task = {.id = f->lease.task_id,
                                  .study_id = f->lease.study_id,
                                  .charged_ms = f->lease.charged_ms,
                                  .kind = f->lease.kind,
                                  .memory_bytes = f->lease.memory_bytes};
        memcpy(task.device, f->lease.device, sizeof(task.device));
        queue_put_back(t->queue, &task, t->now.mono_ms);
        struct session *s = session_find(t->sessions, f->session);
        if (s) {
            s->credit = f->lease.kind == TASK_MEASURE ? s->worker.slots : s->credit + 1;
            s->has_fetched = true;
        }
    }
    t->effects.len = 0;
    outbox_cut(&t->after_commit, 0);
}
