// SPDX-License-Identifier: Apache-2.0
// work.c - see work.h.
#include "worker/agent/work.h"

#include "common/base/clock.h"
#include "proto/wire.h"
#include "worker/agent/cache.h"
#include "worker/exec/spawn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_MAX 3 // study, pack, checkpoint

enum work_state {
    WORK_NONE,
    WORK_FETCHING,
    WORK_COMPUTING,
    WORK_SENDING,
    WORK_KILLED, // told to stop: its runner's end is awaited
};

struct work {
    struct works *all;
    uint32_t slot;
    enum work_state state;
    uint64_t task_id, token; // of the attempt this is about
    enum task_kind kind;
    struct spawn *spawn;      // COMPUTING, KILLED
    struct msg_result result; // SENDING: what is reported once the artifact is there
};

struct works {
    struct works_conf conf;
    uint32_t n;
    struct work items[LIMIT_HELD_TASKS];
};

struct works *works_create(const struct works_conf *conf)
{
    struct works *w = calloc(1, sizeof(*w));
    BUG_ON(!w);
    w->conf = *conf;
    w->n = session_n_slots(conf->session);
    for (uint32_t i = 0; i < w->n; i++) {
        w->items[i].all = w;
        w->items[i].slot = i;
    }
    return w;
}

void works_destroy(struct works *w)
{
    BUG_ON(w && !works_is_idle(w));
    free(w);
}

bool works_is_idle(const struct works *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->items[i].spawn) {
            return false;
        }
    }
    return true;
}

// ---- reporting

static const struct slot *slot_of(const struct work *k)
{
    return session_slot(k->all->conf.session, k->slot);
}

// The slot still holds the attempt this work is about.
static bool is_wanted(const struct work *k)
{
    const struct slot *slot = slot_of(k);
    return slot->state == SLOT_HELD && slot->task_id == k->task_id &&
           slot->token == k->token;
}

static void note(const struct work *k, const char *event, const char *detail)
{
    log_info(event, "task=%" PRIu64 " token=%" PRIu64 " kind=%s slot=%" PRIu32 "%s%s",
             k->task_id, k->token, task_kind_name(k->kind), k->slot, *detail ? " " : "",
             detail);
}

static void finish(struct work *k, const struct msg_result *r)
{
    char detail[LIMIT_TEXT + 64];
    snprintf(detail, sizeof(detail), "outcome=%s%s%s%s", outcome_name(r->outcome),
             r->outcome == OUTCOME_OK ? "" : " error=\"",
             r->outcome == OUTCOME_OK ? "" : r->error,
             r->outcome == OUTCOME_OK ? "" : "\"");
    note(k, "task.finished", detail);
    k->state = WORK_NONE;
    session_finish(k->all->conf.session, k->slot, clock_mono_ms(), r);
    k->all->conf.changed(k->all->conf.arg);
}

static void fail(struct work *k, const char *what, const char *hash, const char *text)
{
    struct msg_result r = {.outcome = OUTCOME_ERROR};
    snprintf(r.error, sizeof(r.error), "artifact %.12s cannot be %s: %s", hash, what,
             text);
    finish(k, &r);
}

// ---- fetching

static size_t inputs_of(const struct task_spec *spec,
                        const char *out[static INPUTS_MAX])
{
    size_t n = 0;
    out[n++] = spec->study;
    out[n++] = spec->pack;
    if (spec->checkpoint[0]) {
        out[n++] = spec->checkpoint;
    }
    return n;
}

static bool names_input(const struct task_spec *spec, const char *hash)
{
    const char *inputs[INPUTS_MAX];
    size_t n = inputs_of(spec, inputs);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(inputs[i], hash) == 0) {
            return true;
        }
    }
    return false;
}

static bool fetch_missing(const struct work *k)
{
    const char *inputs[INPUTS_MAX];
    size_t n = inputs_of(&slot_of(k)->spec, inputs);
    bool is_missing = false;
    for (size_t i = 0; i < n; i++) {
        if (!blob_has(k->all->conf.blobs, inputs[i])) {
            bulk_fetch(k->all->conf.bulk, inputs[i]);
            is_missing = true;
        }
    }
    return is_missing;
}

static void trim(struct works *w)
{
    const char *pinned[LIMIT_HELD_TASKS * INPUTS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        const struct slot *slot = session_slot(w->conf.session, i);
        if (slot->state != SLOT_FREE) {
            n += inputs_of(&slot->spec, &pinned[n]);
        }
        if (slot->state == SLOT_REPORTING || w->items[i].state == WORK_SENDING) {
            return; // what it made is not delivered yet
        }
    }
    if (n > 0) {
        cache_trim(w->conf.blobs, pinned, n);
    }
}

// ---- computing

// What the attempt made and the coordinator must have before it hears of it; "" = none.
static const char *product_of(const struct task_result *r)
{
    return r->kind == TASK_TRAIN ? r->train.checkpoint : r->evaluate.network;
}

static void on_progress(void *arg, const struct task_progress *p)
{
    struct work *k = arg;
    if (k->state == WORK_COMPUTING && is_wanted(k)) {
        session_progress(k->all->conf.session, k->slot, p);
    }
}

static void take_end(struct work *k, const struct spawn_end *end)
{
    struct msg_result *r = &k->result;
    *r = (struct msg_result){.outcome = end->outcome, .result = end->result};
    if (end->outcome != OUTCOME_OK) {
        memcpy(r->error, end->error, sizeof(r->error));
        memcpy(r->log_tail, end->log_tail, sizeof(r->log_tail));
        finish(k, r);
    } else if (product_of(&r->result)[0]) {
        k->state = WORK_SENDING;
        bulk_send(k->all->conf.bulk, product_of(&r->result));
    } else {
        finish(k, r);
    }
}

static void on_end(void *arg, const struct spawn_end *end)
{
    struct work *k = arg;
    k->spawn = NULL;
    if (k->state == WORK_COMPUTING && is_wanted(k)) {
        take_end(k, end);
    } else {
        note(k, "task.dropped", "reason=\"no longer ours\"");
        k->state = WORK_NONE;
    }
    k->all->conf.changed(k->all->conf.arg);
}

static void compute(struct work *k)
{
    const struct works_conf *c = &k->all->conf;
    trim(k->all);
    struct job job = {
        .spec = slot_of(k)->spec, .n_threads = c->n_threads, .log_level = c->log_level};
    snprintf(job.blob_dir, sizeof(job.blob_dir), "%s", c->blob_dir);
    snprintf(job.also_read, sizeof(job.also_read), "%s", c->also_read);
    snprintf(job.backend, sizeof(job.backend), "%s", c->backend);
    const struct spawn_hooks hooks = {.progress = on_progress, .end = on_end, .arg = k};
    struct errinfo why = {0};
    enum err e =
        spawn_start(c->loop, c->program, &job, c->timeout_ms, &hooks, &k->spawn, &why);
    if (e != ERR_OK) {
        struct msg_result r = {.outcome = OUTCOME_CRASH};
        snprintf(r.error, sizeof(r.error), "no runner could be started: %s", why.text);
        finish(k, &r);
        return;
    }
    char detail[32];
    snprintf(detail, sizeof(detail), "runner=%d", spawn_pid(k->spawn));
    k->state = WORK_COMPUTING;
    session_started(c->session, k->slot);
    note(k, "task.started", detail);
}

// ---- what a slot asks for

static void begin(struct work *k)
{
    k->task_id = slot_of(k)->task_id;
    k->token = slot_of(k)->token;
    k->kind = slot_of(k)->spec.kind;
    k->state = WORK_FETCHING;
    note(k, "task.taken", "");
}

static void stop(struct work *k)
{
    if (k->spawn && k->state != WORK_KILLED) {
        k->state = WORK_KILLED;
        spawn_kill(k->spawn);
    } else if (!k->spawn) {
        k->state = WORK_NONE;
    }
}

static void look(struct work *k)
{
    if (k->state != WORK_NONE && !is_wanted(k)) {
        stop(k);
    }
    const struct slot *slot = slot_of(k);
    if (k->state == WORK_NONE && slot->state == SLOT_STOPPING) {
        session_forget(k->all->conf.session, k->slot, clock_mono_ms());
    }
    if (k->state == WORK_NONE && slot->state == SLOT_HELD) {
        begin(k);
    }
    if (k->state == WORK_FETCHING && !fetch_missing(k)) {
        compute(k);
    }
}

void works_look(struct works *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        look(&w->items[i]);
    }
}

void works_kill(struct works *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        stop(&w->items[i]);
    }
}

// ---- transfers

static void moved(struct work *k, const char *hash, enum err code, const char *text)
{
    bool is_sent =
        k->state == WORK_SENDING && strcmp(product_of(&k->result.result), hash) == 0;
    bool is_fetched = k->state == WORK_FETCHING && names_input(&slot_of(k)->spec, hash);
    if (!is_wanted(k) || (!is_sent && !is_fetched)) {
        return;
    }
    if (code != ERR_OK) {
        fail(k, is_sent ? "delivered" : "fetched", hash, text);
    } else if (is_sent) {
        finish(k, &k->result);
    }
}

void works_moved(struct works *w, const char *hash, enum err code, const char *text)
{
    for (uint32_t i = 0; i < w->n; i++) {
        moved(&w->items[i], hash, code, text);
    }
    w->conf.changed(w->conf.arg);
}
