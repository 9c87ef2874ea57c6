// SPDX-License-Identifier: Apache-2.0
// sim_oracle.c - see sim_oracle.h. Notes by task and by token: both are counted from 1.
#include "tests/sim/sim_oracle.h"

#include "coordinator/sched/retry.h"
#include "coordinator/store/loss.h"
#include "coordinator/store/task.h"
#include "tests/sim/sim_agent.h"

#include <stdlib.h>

#define GRACE_MS 5000 // ticks, the pause after a failed turn

typedef unsigned long long llu;

struct grant {
    uint64_t task;
    uint32_t agent;
    int64_t renewed_ms;
    bool may_be_charged; // it started or was reported, as far as the coordinator heard
    bool has_failed;     // reported so; a repeated LEASE may have had it computed twice
};

struct fate {
    uint64_t token;        // the largest seen in its row
    uint64_t acknowledged; // under which token; 0 = not
    double mark;
    uint32_t n_chargeable;
    uint32_t n_losses;
};

struct list {
    void *items;
    size_t len, size;
};

struct sim_oracle {
    struct list grants, fates;
    uint64_t last_token;
    int64_t excused_ms;
};

static void *at(struct list *l, uint64_t i)
{
    BUG_ON(i >= 1u << 24);
    if (i >= l->len) {
        size_t len = 2 * (size_t)i + 64;
        char *items = realloc(l->items, len * l->size);
        BUG_ON(!items);
        for (size_t b = l->len * l->size; b < len * l->size; b++) {
            items[b] = 0;
        }
        l->items = items;
        l->len = len;
    }
    return (char *)l->items + i * l->size;
}

static struct grant *grant_of(struct sim_world *w, uint64_t token)
{
    return at(&w->oracle->grants, token);
}

static struct fate *fate_of(struct sim_world *w, uint64_t task)
{
    return at(&w->oracle->fates, task);
}

void sim_oracle_create(struct sim_world *w)
{
    w->oracle = calloc(1, sizeof(*w->oracle));
    BUG_ON(!w->oracle);
    w->oracle->grants.size = sizeof(struct grant);
    w->oracle->fates.size = sizeof(struct fate);
}

void sim_oracle_destroy(struct sim_world *w)
{
    free(w->oracle->grants.items);
    free(w->oracle->fates.items);
    free(w->oracle);
}

double sim_oracle_mark(uint64_t token, uint32_t agent)
{
    return (double)token + (double)agent / SIM_AGENTS_MAX;
}

// ---- what is said

void sim_oracle_granted(struct sim_world *w, uint64_t task, uint64_t token,
                        uint32_t agent)
{
    if (token <= w->oracle->last_token) {
        sim_world_fail(w, "task %llu is leased under token %llu after token %llu",
                       (llu)task, (llu)token, (llu)w->oracle->last_token);
        return;
    }
    w->oracle->last_token = token;
    *grant_of(w, token) =
        (struct grant){.task = task, .agent = agent, .renewed_ms = w->now_ms};
}

static void note_chargeable(struct sim_world *w, struct grant *g)
{
    if (!g->may_be_charged) {
        g->may_be_charged = true;
        fate_of(w, g->task)->n_chargeable++;
    }
}

void sim_oracle_renewed(struct sim_world *w, uint64_t token, uint32_t agent,
                        bool has_started)
{
    struct grant *g = grant_of(w, token);
    if (g->task == 0 || g->agent != agent) {
        return; // it did not get that lease
    }
    g->renewed_ms = w->now_ms;
    if (has_started) {
        note_chargeable(w, g);
    }
}

void sim_oracle_failed(struct sim_world *w, uint64_t token)
{
    struct grant *g = grant_of(w, token);
    if (g->task != 0) {
        g->has_failed = true;
        note_chargeable(w, g);
    }
}

void sim_oracle_acknowledged(struct sim_world *w, uint64_t task, uint64_t token,
                             double mark)
{
    struct fate *f = fate_of(w, task);
    if (grant_of(w, token)->has_failed) {
        return; // the verdict may be on that report
    }
    if (f->acknowledged != 0 && (f->acknowledged != token || f->mark != mark)) {
        sim_world_fail(w, "task %llu: results of tokens %llu and %llu both count",
                       (llu)task, (llu)f->acknowledged, (llu)token);
    }
    f->acknowledged = token;
    f->mark = mark;
}

void sim_oracle_excuse(struct sim_world *w)
{
    w->oracle->excused_ms = w->now_ms;
}

// ---- what is stored

static double mark_of(const struct task_row *row)
{
    switch (row->result.kind) {
    case TASK_TRAIN: return row->result.train.seconds;
    case TASK_EVALUATE: return row->result.evaluate.seconds;
    case TASK_FINETUNE: return row->result.finetune.evaluation.seconds;
    default: return row->result.measure.seconds;
    }
}

static void check_acknowledged(struct sim_world *w, const struct task_row *row,
                               const struct fate *f)
{
    if (row->state != TASK_DONE || !row->has_result) {
        sim_world_fail(w, "task %llu: its result was acknowledged, and it is %s",
                       (llu)row->id, task_state_name(row->state));
    } else if (row->token != f->acknowledged || mark_of(row) != f->mark) {
        sim_world_fail(w,
                       "task %llu: the result of token %llu was acknowledged, another "
                       "one is stored (token %llu)",
                       (llu)row->id, (llu)f->acknowledged, (llu)row->token);
    }
}

static void check_lease(struct sim_world *w, const struct task_row *row)
{
    const struct grant *g = grant_of(w, row->token);
    int64_t since_ms =
        g->renewed_ms > w->oracle->excused_ms ? g->renewed_ms : w->oracle->excused_ms;
    if (w->now_ms - since_ms > LEASE_MS + GRACE_MS) {
        sim_world_fail(
            w, "task %llu is leased under token %llu, unheard of for %lld ms",
            (llu)row->id, (llu)row->token, (long long)(w->now_ms - since_ms));
    }
}

// A task that one worker alone fails is not buried while there are others; but it does
// not stay with that one for ever.
#define CHARGES_MAX (4 * RETRY_BURY_AT)

static void check_charges(struct sim_world *w, const struct task_row *row,
                          const struct fate *f)
{
    if (row->n_charged > f->n_chargeable) {
        sim_world_fail(w, "task %llu has %u charged attempts, %u started or failed",
                       (llu)row->id, row->n_charged, f->n_chargeable);
    }
    if (row->n_charged > CHARGES_MAX ||
        (row->state == TASK_BURIED && row->n_charged < RETRY_BURY_AT)) {
        sim_world_fail(w, "task %llu is %s with %u charged attempts", (llu)row->id,
                       task_state_name(row->state), row->n_charged);
    }
}

static bool check_row(void *arg, const struct task_row *row)
{
    struct sim_world *w = arg;
    struct fate *f = fate_of(w, row->id);
    if (row->token < f->token) {
        sim_world_fail(w, "task %llu: token %llu after token %llu", (llu)row->id,
                       (llu)row->token, (llu)f->token);
    }
    f->token = row->token;
    if (row->has_result != (row->state == TASK_DONE)) {
        sim_world_fail(w, "task %llu is %s, has_result=%d", (llu)row->id,
                       task_state_name(row->state), row->has_result);
    }
    if (f->acknowledged != 0) {
        check_acknowledged(w, row, f);
    }
    if (row->state == TASK_LEASED) {
        check_lease(w, row);
    }
    check_charges(w, row, f);
    return !w->failure[0];
}

void sim_oracle_check(struct sim_world *w, struct store *s)
{
    struct errinfo why = {0};
    if (task_each(s, 0, 0, check_row, w, &why) != ERR_OK) {
        sim_world_fail(w, "the store cannot be read: %s", why.text);
    }
}

// ---- the end

static bool count_loss(void *arg, const struct loss_row *row)
{
    struct sim_world *w = arg;
    fate_of(w, row->position)->n_losses++; // the driver writes the task's id there
    return true;
}

static bool check_ended(void *arg, const struct task_row *row)
{
    struct sim_world *w = arg;
    const struct fate *f = fate_of(w, row->id);
    if (row->state == TASK_READY || row->state == TASK_LEASED) {
        sim_world_fail(w, "task %llu is %s at the end", (llu)row->id,
                       task_state_name(row->state));
    }
    if (f->n_losses != (row->state == TASK_DONE)) {
        sim_world_fail(w, "task %llu is %s; its study heard %u times that it is done",
                       (llu)row->id, task_state_name(row->state), f->n_losses);
    }
    return !w->failure[0];
}

void sim_oracle_check_end(struct sim_world *w, struct store *s)
{
    struct errinfo why = {0};
    enum err e = ERR_OK;
    for (uint32_t study = 1; study <= w->plan.n_studies && e == ERR_OK; study++) {
        e = loss_each(s, study, count_loss, w, &why);
    }
    if (e == ERR_OK) {
        e = task_each(s, 0, 0, check_ended, w, &why);
    }
    if (e != ERR_OK) {
        sim_world_fail(w, "the store cannot be read: %s", why.text);
    }
}
