// SPDX-License-Identifier: Apache-2.0
// turn_fleet.c - the part of a turn about workers' names: who is given tasks, who is a
// black hole, and what its failures no longer count for.
#include "common/base/log.h"
#include "coordinator/sched/retry.h"
#include "coordinator/store/attempt.h"
#include "coordinator/store/worker_row.h"
#include "coordinator/turn_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Attempts that the records are rebuilt from at a start: a few milliseconds.
#define REBUILD_ATTEMPTS 4096

typedef unsigned long long llu;

// ---- who may be given what

bool turn_may_be_given(const struct turn *t, const struct session *s)
{
    return !s->is_lost &&
           quarantine_standing(t->quarantine, s->worker.name) == STANDING_GOOD;
}

struct place_offer turn_offer(const struct session *s)
{
    return (struct place_offer){.capabilities = s->worker.capabilities,
                                .device = s->worker.device,
                                .is_idle = s->credit == s->worker.slots,
                                .memory_bytes = s->worker.memory_bytes};
}

bool turn_can_run(const struct session *s, const struct queue_task *task)
{
    const struct place_offer offer = turn_offer(s);
    bool is_its_device =
        task->kind != TASK_MEASURE || strcmp(task->device, offer.device) == 0;
    return is_its_device && place_fits(&offer, task->kind, task->memory_bytes);
}

uint32_t turn_count_capable(const struct turn *t, const struct queue_task *task)
{
    uint32_t n = 0;
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        const struct session *s = session_at(t->sessions, i);
        n += turn_may_be_given(t, s) && turn_can_run(s, task);
    }
    return n;
}

// Up to two: what burying and avoiding need to know, without comparing all with all.
uint32_t turn_capable_names(const struct turn *t, const struct queue_task *task)
{
    const char *first = NULL;
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        const struct session *s = session_at(t->sessions, i);
        if (!turn_may_be_given(t, s) || !turn_can_run(s, task)) {
            continue;
        }
        if (first && strcmp(first, s->worker.name) != 0) {
            return 2;
        }
        first = s->worker.name;
    }
    return first ? 1 : 0;
}

// ---- the start

struct rebuilding {
    struct turn *t;
    uint64_t after; // attempts of everybody
    size_t n_forgiven;
    struct standing_row *forgiven; // names whose record begins later
};

static bool take_standing(void *arg, const struct standing_row *row)
{
    struct rebuilding *r = arg;
    if (row->state != STANDING_GOOD) {
        quarantine_set(r->t->quarantine, row->name, row->state, row->reason);
    }
    r->forgiven = realloc(r->forgiven, (r->n_forgiven + 1) * sizeof(*r->forgiven));
    BUG_ON(!r->forgiven);
    r->forgiven[r->n_forgiven++] = *row;
    return true;
}

static bool is_forgiven(const struct rebuilding *r, const struct attempt_row *row)
{
    for (size_t i = 0; i < r->n_forgiven; i++) {
        if (strcmp(r->forgiven[i].name, row->worker) == 0) {
            return row->token < r->forgiven[i].from_token;
        }
    }
    return false;
}

static bool take_attempt(void *arg, const struct attempt_row *row)
{
    const struct rebuilding *r = arg;
    if (row->outcome == OUTCOME_OK) {
        quarantine_succeeded(r->t->quarantine, row->worker, row->task_id);
    } else if (row->is_charged && !is_forgiven(r, row)) {
        quarantine_failed(r->t->quarantine, row->worker, row->task_id, row->token);
    }
    return true;
}

enum err turn_fleet_rebuild(struct turn *t, struct errinfo *why)
{
    struct rebuilding r = {.t = t};
    uint64_t last = 0;
    enum err e = attempt_last_token(t->store, &last);
    r.after = last > REBUILD_ATTEMPTS ? last - REBUILD_ATTEMPTS : 0;
    if (e == ERR_OK) {
        e = standing_row_each(t->store, take_standing, &r, why);
    }
    if (e == ERR_OK) {
        e = attempt_each_reported(t->store, r.after, take_attempt, &r, why);
    }
    free(r.forgiven);
    return e;
}

// ---- what workers reported

void turn_note_report(struct turn *t, const struct session *s, uint64_t task_id,
                      uint64_t token, bool is_ok)
{
    struct effect *f = turn_add_effect(t, EFFECT_REPORTED);
    f->session = s->number;
    f->report.task_id = task_id;
    f->report.token = token;
    f->report.is_ok = is_ok;
    memcpy(f->report.name, s->worker.name, sizeof(f->report.name));
}

void turn_apply_report(struct turn *t, const struct effect *f)
{
    if (f->report.is_ok) {
        quarantine_succeeded(t->quarantine, f->report.name, f->report.task_id);
    } else {
        quarantine_failed(t->quarantine, f->report.name, f->report.task_id,
                          f->report.token);
    }
    struct quarantine_case found;
    if (quarantine_next(t->quarantine, &found)) {
        t->ports.wake(t->ports.arg);
    }
}

// ---- a change of standing

static enum err put_standing(struct turn *t, const char *name, enum standing standing,
                             const char *reason, struct errinfo *why)
{
    struct standing_row row = {.state = standing, .since_ms = t->now.wall_ms};
    snprintf(row.name, sizeof(row.name), "%s", name);
    snprintf(row.reason, sizeof(row.reason), "%s", reason);
    enum err e = attempt_last_token(t->store, &row.from_token);
    row.from_token++;
    if (e == ERR_OK) {
        e = standing_row_put(t->store, &row, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    struct effect *f = turn_add_effect(t, EFFECT_STANDING);
    f->standing.standing = standing;
    memcpy(f->standing.name, row.name, sizeof(f->standing.name));
    memcpy(f->standing.reason, row.reason, sizeof(f->standing.reason));
    return ERR_OK;
}

// Who waits for a task hears at once that there will be none.
void turn_apply_standing(struct turn *t, const struct effect *f)
{
    quarantine_set(t->quarantine, f->standing.name, f->standing.standing,
                   f->standing.reason);
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        struct session *s = session_at(t->sessions, i);
        if (strcmp(s->worker.name, f->standing.name) == 0) {
            s->has_fetched = true;
        }
    }
    t->ports.wake(t->ports.arg);
}

// ---- quarantine

struct refunding {
    struct turn *t;
    struct errinfo *why;
    size_t n_back; // tasks that were buried
    size_t n, cap;
    struct {
        uint64_t task_id, token;
    } * charges;
};

static bool note_charge(void *arg, const struct attempt_row *row)
{
    struct refunding *r = arg;
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->charges = realloc(r->charges, r->cap * sizeof(*r->charges));
        BUG_ON(!r->charges);
    }
    r->charges[r->n].task_id = row->task_id;
    r->charges[r->n++].token = row->token;
    return true;
}

// A task that was buried with the help of such charges gets another chance.
static enum err unbury(struct refunding *r, uint64_t task_id)
{
    struct task_row row;
    enum err e = task_get(r->t->store, task_id, &row);
    if (e != ERR_OK || row.state != TASK_BURIED || row.n_charged >= RETRY_BURY_AT) {
        return e;
    }
    e = turn_kick_task(r->t, &row, r->why);
    r->n_back += e == ERR_OK;
    return e == ERR_STALE ? ERR_OK : e; // nobody needs it any more
}

static enum err refund_all(struct refunding *r)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < r->n && e == ERR_OK; i++) {
        e = task_refund(r->t->store, r->charges[i].task_id, r->charges[i].token,
                        r->why);
    }
    for (size_t i = 0; i < r->n && e == ERR_OK; i++) {
        e = unbury(r, r->charges[i].task_id);
    }
    return e == ERR_OK ? turn_studies_go_on(r->t, r->why) : e;
}

static enum err convict(struct turn *t, const struct quarantine_case *c,
                        struct errinfo *why)
{
    char reason[STANDING_REASON_MAX];
    snprintf(reason, sizeof(reason),
             "its last %u tries failed, of tasks that others did (%llu, %llu, %llu)",
             c->n_failed, (llu)c->examples[0], (llu)c->examples[1],
             (llu)c->examples[2]);
    struct refunding r = {.t = t, .why = why};
    enum err e = put_standing(t, c->name, STANDING_QUARANTINED, reason, why);
    if (e == ERR_OK) {
        e = attempt_each_charged_to(t->store, c->name, c->from_token, note_charge, &r,
                                    why);
    }
    if (e == ERR_OK) {
        e = refund_all(&r);
    }
    free(r.charges);
    if (e == ERR_OK) {
        log_warn("worker.quarantined",
                 "name=\"%s\" failed=%u refunded=%zu unburied=%zu why=\"%s\"", c->name,
                 c->n_failed, r.n, r.n_back, reason);
    }
    return e;
}

void turn_quarantine(struct turn *t)
{
    struct quarantine_case c;
    if (t->is_settling || !quarantine_next(t->quarantine, &c)) {
        return;
    }
    struct errinfo why = {0};
    struct part part;
    enum err e = turn_part_begin(t, &part, &why);
    if (e == ERR_OK) {
        e = turn_part_end(t, &part, convict(t, &c, &why), &why);
    }
    if (e != ERR_OK) {
        log_error("quarantine.failed", "name=\"%s\" code=%s why=\"%s\"", c.name,
                  err_name(e), why.text);
    }
}

// ---- what people say about a worker

static bool is_worker_known(struct turn *t, const char *name)
{
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        if (strcmp(session_at(t->sessions, i)->worker.name, name) == 0) {
            return true;
        }
    }
    return worker_row_has_name(t->store, name);
}

enum err turn_drain_worker(struct turn *t, const char *name, struct errinfo *why)
{
    if (!is_worker_known(t, name)) {
        return err_set(why, ERR_NOTFOUND, "no worker is, or was, called %s", name);
    }
    log_info("worker.draining", "name=\"%s\"", name);
    return put_standing(t, name, STANDING_DRAINED, "drained by an operator", why);
}

enum err turn_release_worker(struct turn *t, const char *name, struct errinfo *why)
{
    if (quarantine_standing(t->quarantine, name) == STANDING_GOOD &&
        !is_worker_known(t, name)) {
        return err_set(why, ERR_NOTFOUND, "no worker is, or was, called %s", name);
    }
    log_info("worker.released", "name=\"%s\"", name);
    return put_standing(t, name, STANDING_GOOD, "", why);
}
