// SPDX-License-Identifier: Apache-2.0
// works.c - see works.h.
#include "worker/agent/works.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/wire.h"
#include "worker/agent/cache.h"
#include "worker/exec/patience.h"
#include "worker/exec/spawn.h"
#include "worker/exec/strays.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_MAX 3

enum work_phase { WORK_NONE, WORK_FETCHING, WORK_COMPUTING, WORK_STORING };

struct work {
    struct works *works;
    uint32_t slot;
    enum work_phase phase;
    uint64_t task_id, token; // for the log, also after the slot was given up
    struct spawn *spawn;     // while a runner is there
    struct spawn_end *end;   // how it ended
};

struct works {
    struct works_conf conf;
    bool may_have_strays; // a runner ended since all were known
    struct work items[LIMIT_HELD_TASKS];
};

struct works *works_create(const struct works_conf *conf)
{
    struct works *w = calloc(1, sizeof(*w));
    BUG_ON(!w);
    w->conf = *conf;
    for (uint32_t i = 0; i < LIMIT_HELD_TASKS; i++) {
        w->items[i].works = w;
        w->items[i].slot = i;
    }
    return w;
}

void works_destroy(struct works *w)
{
    if (!w) {
        return;
    }
    for (uint32_t i = 0; i < LIMIT_HELD_TASKS; i++) {
        BUG_ON(w->items[i].spawn);
        free(w->items[i].end);
    }
    free(w);
}

static uint64_t worker_id(const struct works *w)
{
    uint32_t welcomes = 0;
    return session_welcome(w->conf.session, &welcomes)->worker_id;
}

#define WORK_LOG_FORMAT "task=%" PRIu64 " token=%" PRIu64 " worker=%" PRIu64
#define WORK_LOG(k)     (k)->task_id, (k)->token, worker_id((k)->works)

static void reset(struct work *k)
{
    free(k->end);
    k->end = NULL;
    k->phase = WORK_NONE;
}

static const struct slot *slot_of(const struct work *k)
{
    return session_slot(k->works->conf.session, k->slot);
}

// ---- artifacts in use

static size_t inputs_of(const struct task_spec *spec, const char *out[INPUTS_MAX])
{
    size_t n = 0;
    out[n++] = spec->study;
    if (spec->pack[0]) { // a MEASURE has none
        out[n++] = spec->pack;
    }
    if (spec->checkpoint[0]) {
        out[n++] = spec->checkpoint;
    }
    return n;
}

// The artifact that a result refers to; "" when there is none.
static const char *output_of(const struct task_result *r)
{
    switch (r->kind) {
    case TASK_TRAIN: return r->train.checkpoint;
    case TASK_EVALUATE: return r->evaluate.network;
    case TASK_FINETUNE: return r->finetune.evaluation.network;
    default: return "";
    }
}

static bool is_in_use(void *arg, const char *hash)
{
    const struct works *w = arg;
    for (uint32_t i = 0; i < session_n_slots(w->conf.session); i++) {
        const struct slot *slot = session_slot(w->conf.session, i);
        const struct work *k = &w->items[i];
        const char *inputs[INPUTS_MAX];
        size_t n = slot->state == SLOT_FREE ? 0 : inputs_of(&slot->spec, inputs);
        for (size_t j = 0; j < n; j++) {
            if (strcmp(inputs[j], hash) == 0) {
                return true;
            }
        }
        if (k->end && strcmp(output_of(&k->end->result), hash) == 0) {
            return true;
        }
    }
    return false;
}

static void touch_inputs(const struct work *k)
{
    const char *inputs[INPUTS_MAX];
    size_t n = inputs_of(&slot_of(k)->spec, inputs);
    for (size_t i = 0; i < n; i++) {
        cache_touch(k->works->conf.store, inputs[i]);
    }
}

// ---- the end of a task

static void finish(struct work *k, int64_t now_ms, const struct spawn_end *end)
{
    struct works *w = k->works;
    struct msg_result r = {.outcome = end->outcome};
    if (end->outcome == OUTCOME_OK) {
        r.result = end->result;
        log_info("task.computed", WORK_LOG_FORMAT, WORK_LOG(k));
    } else {
        snprintf(r.error, sizeof(r.error), "%s", end->error);
        snprintf(r.log_tail, sizeof(r.log_tail), "%s", end->log_tail);
        log_warn("task.failed", WORK_LOG_FORMAT " outcome=%s error=\"%s\"", WORK_LOG(k),
                 outcome_name(end->outcome), end->error);
    }
    session_finish(w->conf.session, k->slot, now_ms, &r);
    reset(k);
    cache_trim(w->conf.store, is_in_use, w);
}

static void fail(struct work *k, int64_t now_ms, const struct errinfo *why)
{
    struct spawn_end *end = calloc(1, sizeof(*end));
    BUG_ON(!end);
    end->outcome = OUTCOME_ERROR;
    snprintf(end->error, sizeof(end->error), "%s", why->text);
    finish(k, now_ms, end);
    free(end);
}

// ---- the runner's word

static void on_progress(void *arg, const struct task_progress *p)
{
    struct work *k = arg;
    if (slot_of(k)->state == SLOT_HELD) {
        session_progress(k->works->conf.session, k->slot, p);
    }
}

// Its own lines as they are; what libraries and the system say becomes one of ours.
static void on_said(void *arg, const char *line)
{
    struct work *k = arg;
    if (!log_relay(line)) {
        log_info("runner.said", WORK_LOG_FORMAT " line=\"%s\"", WORK_LOG(k), line);
    }
}

static void on_end(void *arg, const struct spawn_end *end)
{
    struct work *k = arg;
    k->spawn = NULL;
    k->works->may_have_strays = true;
    k->end = malloc(sizeof(*k->end));
    BUG_ON(!k->end);
    *k->end = *end;
    k->works->conf.wake(k->works->conf.arg);
}

// ---- phases

// What the task states, within what this worker gives.
static uint64_t memory_for(const struct works *w, const struct task_spec *spec)
{
    uint64_t own = w->conf.memory_bytes;
    uint64_t stated = spec->memory_bytes;
    bool is_less = stated > 0 && (own == 0 || stated < own);
    return is_less ? stated : own;
}

static void start_runner(struct work *k, int64_t now_ms)
{
    struct works *w = k->works;
    const struct slot *slot = slot_of(k);
    const struct spawn_hooks hooks = {on_progress, on_said, on_end, k};
    const struct spawn_limits limits = {.run_ms = patience_run_ms(&slot->spec),
                                        .silence_ms = w->conf.silence_ms};
    struct errinfo why = {0};
    touch_inputs(k);
    w->conf.job.spec = slot->spec;
    w->conf.job.memory_bytes = memory_for(w, &slot->spec);
    enum err e = spawn_start(w->conf.loop, w->conf.program, &w->conf.job, &limits,
                             &hooks, &k->spawn, &why);
    if (e != ERR_OK) { // this machine's trouble: no attempt began
        log_error("runner.unstarted", WORK_LOG_FORMAT " error=\"%s\"", WORK_LOG(k),
                  why.text);
        reset(k);
        session_release(w->conf.session, k->slot, now_ms);
        return;
    }
    k->phase = WORK_COMPUTING;
    session_started(w->conf.session, k->slot);
    log_info("task.started", WORK_LOG_FORMAT " kind=%s runner=%d", WORK_LOG(k),
             task_kind_name(slot->spec.kind), spawn_pid(k->spawn));
}

static void step_none(struct work *k, int64_t now_ms)
{
    (void)now_ms;
    k->task_id = slot_of(k)->task_id;
    k->token = slot_of(k)->token;
    k->phase = WORK_FETCHING;
    log_info("task.leased", WORK_LOG_FORMAT " kind=%s", WORK_LOG(k),
             task_kind_name(slot_of(k)->spec.kind));
}

static void step_fetching(struct work *k, int64_t now_ms)
{
    const char *inputs[INPUTS_MAX];
    size_t n = inputs_of(&slot_of(k)->spec, inputs);
    bool has_all = true;
    for (size_t i = 0; i < n; i++) {
        struct errinfo why = {0};
        switch (fetcher_want(k->works->conf.fetcher, now_ms, inputs[i], &why)) {
        case FETCH_HAVE: break;
        case FETCH_COMING: has_all = false; break;
        case FETCH_FAILED: fail(k, now_ms, &why); return;
        }
    }
    if (has_all) {
        start_runner(k, now_ms);
    }
}

static void step_computing(struct work *k, int64_t now_ms)
{
    if (!k->end) {
        return;
    }
    if (k->end->outcome == OUTCOME_OK && output_of(&k->end->result)[0]) {
        k->phase = WORK_STORING;
    } else {
        struct spawn_end *end = k->end;
        k->end = NULL;
        finish(k, now_ms, end);
        free(end);
    }
}

static void step_storing(struct work *k, int64_t now_ms)
{
    struct errinfo why = {0};
    const char *hash = output_of(&k->end->result);
    switch (deliverer_want(k->works->conf.deliverer, now_ms, hash, &why)) {
    case DELIVER_GOING: return;
    case DELIVER_FAILED: fail(k, now_ms, &why); return;
    case DELIVER_STORED: break;
    }
    cache_touch(k->works->conf.store, hash);
    struct spawn_end *end = k->end;
    k->end = NULL;
    finish(k, now_ms, end);
    free(end);
}

static void (*const phases[])(struct work *, int64_t) = {
    [WORK_NONE] = step_none,
    [WORK_FETCHING] = step_fetching,
    [WORK_COMPUTING] = step_computing,
    [WORK_STORING] = step_storing,
};

// The task is not ours any more: true when nothing is done for it here either.
static bool stop(struct work *k)
{
    if (k->spawn) {
        spawn_kill(k->spawn);
        return false;
    }
    if (k->phase != WORK_NONE) {
        log_info("task.stopped", WORK_LOG_FORMAT, WORK_LOG(k));
        reset(k);
    }
    return true;
}

static void step_one(struct work *k, int64_t now_ms)
{
    struct session *session = k->works->conf.session;
    enum work_phase before = WORK_NONE;
    switch (slot_of(k)->state) {
    case SLOT_HELD:
        do { // as far as it goes without waiting
            before = k->phase;
            phases[k->phase](k, now_ms);
        } while (k->phase != before && k->phase != WORK_NONE);
        break;
    case SLOT_STOPPING:
        if (stop(k)) {
            session_forget(session, k->slot, now_ms);
        }
        break;
    case SLOT_FREE: stop(k); break;
    case SLOT_REPORTING: break;
    }
}

static bool is_runner(void *arg, int pid)
{
    const struct works *w = arg;
    bool is = false;
    for (uint32_t i = 0; i < LIMIT_HELD_TASKS && !is; i++) {
        is = w->items[i].spawn && spawn_pid(w->items[i].spawn) == pid;
    }
    return is;
}

void works_step(struct works *w, int64_t now_ms)
{
    if (w->may_have_strays) {
        w->may_have_strays = strays_end(is_runner, w) > 0;
    }
    for (uint32_t i = 0; i < session_n_slots(w->conf.session); i++) {
        step_one(&w->items[i], now_ms);
    }
}

void works_kill(struct works *w)
{
    for (uint32_t i = 0; i < LIMIT_HELD_TASKS; i++) {
        if (w->items[i].spawn) {
            spawn_kill(w->items[i].spawn);
        }
    }
}
