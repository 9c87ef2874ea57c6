// SPDX-License-Identifier: Apache-2.0
// turn.c - see turn.h. The frame of a turn: parts, effects, commit, replies.
#include "coordinator/turn.h"

#include "common/base/log.h"
#include "coordinator/sched/retry.h"
#include "coordinator/turn_inside.h"
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned long long llu;

// ---- lists that keep their memory from turn to turn

struct effect *turn_add_effect(struct turn *t, enum effect_kind kind)
{
    struct effects *list = &t->effects;
    if (list->len == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 256;
        struct effect *items = realloc(list->items, cap * sizeof(*items));
        BUG_ON(!items);
        list->items = items;
        list->cap = cap;
    }
    struct effect *f = &list->items[list->len++];
    *f = (struct effect){.kind = kind};
    return f;
}

static void add_once(struct id_list *list, uint64_t id)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->ids[i] == id) {
            return;
        }
    }
    if (list->len == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        uint64_t *ids = realloc(list->ids, cap * sizeof(*ids));
        BUG_ON(!ids);
        list->ids = ids;
        list->cap = cap;
    }
    list->ids[list->len++] = id;
}

void turn_mark_dirty(struct turn *t, uint64_t study_id)
{
    add_once(&t->dirty, study_id);
}

void turn_mark_kicked(struct turn *t, uint64_t study_id)
{
    turn_mark_dirty(t, study_id);
    add_once(&t->kicked, study_id);
}

// ---- what memory holds of a task

struct queue_task turn_queue_task(const struct task_row *row, int64_t ready_ms)
{
    struct queue_task task = {.id = row->id,
                              .study_id = row->study_id,
                              .kind = row->spec.kind,
                              .ready_ms = ready_ms,
                              .memory_bytes = row->spec.memory_bytes};
    if (row->spec.kind == TASK_MEASURE) {
        memcpy(task.device, row->spec.measure.device, sizeof(task.device));
    }
    return task;
}

struct lease turn_lease(const struct task_row *row, uint64_t token, uint64_t worker_id,
                        int64_t deadline_ms)
{
    struct lease lease = {.task_id = row->id,
                          .token = token,
                          .worker_id = worker_id,
                          .study_id = row->study_id,
                          .kind = row->spec.kind,
                          .memory_bytes = row->spec.memory_bytes,
                          .deadline_ms = deadline_ms};
    if (row->spec.kind == TASK_MEASURE) {
        memcpy(lease.device, row->spec.measure.device, sizeof(lease.device));
    }
    return lease;
}

// ---- parts of the transaction

// The machine's trouble, as opposed to one message's or one study's.
static bool is_environment(enum err e)
{
    return e == ERR_IO || e == ERR_BUSY || e == ERR_NOMEM || e == ERR_FULL;
}

static void note_failure(struct turn *t, enum err e, const char *text)
{
    if (!is_environment(e)) {
        return;
    }
    if (!t->is_sick && !t->has_failed) { // said once, until it works again
        log_error("store.failing", "code=%s why=\"%s\"", err_name(e), text);
    }
    t->has_failed = true;
    if (e == ERR_FULL) {
        turn_found_disk_full(t);
    }
}

void turn_found_disk_full(struct turn *t)
{
    if (t->ports.disk_full) {
        t->ports.disk_full(t->ports.arg);
    }
}

enum err turn_part_begin(struct turn *t, struct part *p, struct errinfo *why)
{
    *p = (struct part){t->effects.len, outbox_mark(&t->after_commit)};
    enum err e = store_part_begin(t->store, why);
    if (e != ERR_OK) {
        note_failure(t, e, why->text);
    }
    return e;
}

enum err turn_part_end(struct turn *t, const struct part *p, enum err e,
                       struct errinfo *why)
{
    if (e == ERR_OK) {
        e = store_part_keep(t->store, why);
        t->has_kept |= e == ERR_OK;
    } else {
        store_part_undo(t->store);
    }
    if (e != ERR_OK) {
        t->effects.len = p->n_effects;
        outbox_cut(&t->after_commit, p->outbox);
        note_failure(t, e, why->text);
    }
    return e;
}

// ---- making and ending

static int64_t clamp_ms(int64_t ms, int64_t most)
{
    return ms < 0 ? 0 : ms < most ? ms : most;
}

static bool rebuild_ready(void *arg, const struct task_row *row)
{
    struct turn *t = arg;
    // Bounded, so that a wall clock that stepped does not strand a task.
    int64_t delay_ms = clamp_ms(row->not_before_ms - t->now.wall_ms, RETRY_CAP_MS);
    struct queue_task task = turn_queue_task(row, t->now.mono_ms + delay_ms);
    queue_add(t->queue, &task, t->now.mono_ms);
    return true;
}

static bool rebuild_lease(void *arg, const struct task_row *row)
{
    struct turn *t = arg;
    struct lease lease =
        turn_lease(row, row->token, row->worker_id, t->now.mono_ms + LEASE_MS);
    lease.granted_ms = t->now.mono_ms;
    lease.charged_ms = queue_charge(t->queue, lease.study_id, lease.kind);
    BUG_ON(lease_grant(t->leases, &lease) != ERR_OK); // ids are unique
    return true;
}

static bool rebuild_study(void *arg, const struct study_row *row)
{
    struct turn *t = arg;
    turn_mark_dirty(t, row->id);
    queue_set_study(t->queue, row->id, row->weight, row->is_paused);
    return true;
}

static enum err rebuild(struct turn *t, struct errinfo *why)
{
    enum err e = task_each(t->store, 0, TASK_READY, rebuild_ready, t, why);
    if (e == ERR_OK) {
        e = task_each(t->store, 0, TASK_LEASED, rebuild_lease, t, why);
    }
    if (e == ERR_OK) {
        e = study_row_each(t->store, rebuild_study, t, why);
    }
    return e == ERR_OK ? turn_fleet_rebuild(t, why) : e;
}

enum err turn_create(struct store *s, struct blob_store *blobs,
                     const struct turn_ports *ports, struct turn_now now,
                     struct turn **out, struct errinfo *why)
{
    struct turn *t = calloc(1, sizeof(*t));
    BUG_ON(!t);
    t->store = s;
    t->blobs = blobs;
    t->ports = *ports;
    t->now = now;
    t->ended_ms = now.mono_ms;
    t->queue = queue_create();
    t->leases = lease_table_create();
    t->sessions = session_table_create();
    t->quarantine = quarantine_create();
    t->avoid = avoid_create();
    enum err e = rebuild(t, why);
    if (e != ERR_OK) {
        turn_destroy(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void turn_destroy(struct turn *t)
{
    if (!t) {
        return;
    }
    queue_destroy(t->queue);
    lease_table_destroy(t->leases);
    session_table_destroy(t->sessions);
    quarantine_destroy(t->quarantine);
    avoid_destroy(t->avoid);
    outbox_fini(&t->after_commit);
    outbox_fini(&t->any_case);
    free(t->effects.items);
    free(t->dirty.ids);
    free(t->kicked.ids);
    free(t);
}

// ---- the driver's side

static void hook_task_added(void *arg, const struct task_row *row)
{
    struct turn *t = arg;
    struct effect *f = turn_add_effect(t, EFFECT_READY);
    f->task = turn_queue_task(row, 0);
}

static void hook_study_changed(void *arg, uint64_t study_id)
{
    struct turn *t = arg;
    turn_mark_dirty(t, study_id);
    t->ports.wake(t->ports.arg);
}

static void hook_tasks_cancelled(void *arg)
{
    ((struct turn *)arg)->has_cancelled = true;
}

static void hook_disk_full(void *arg)
{
    turn_found_disk_full(arg);
}

static uint32_t hook_train_workers(void *arg)
{
    return turn_count_capable(arg, &(struct queue_task){.kind = TASK_TRAIN});
}

struct driver_hooks turn_driver_hooks(struct turn *t)
{
    return (struct driver_hooks){.arg = t,
                                 .task_added = hook_task_added,
                                 .study_changed = hook_study_changed,
                                 .train_workers = hook_train_workers,
                                 .tasks_cancelled = hook_tasks_cancelled,
                                 .disk_full = hook_disk_full};
}

void turn_set_driver(struct turn *t, struct driver *d)
{
    t->driver = d;
    driver_settle_only(d, t->is_settling);
}

void turn_set_bulk_port(struct turn *t, uint16_t port)
{
    t->bulk_port = port;
}

static enum err advance(struct turn *t, uint64_t study_id)
{
    struct errinfo why = {0};
    struct part part;
    enum err e = turn_part_begin(t, &part, &why);
    if (e != ERR_OK) {
        return e;
    }
    e = turn_part_end(t, &part, driver_advance(t->driver, study_id, &why), &why);
    if (e == ERR_OK) {
        turn_drop_cancelled(t, study_id);
    } else if (!is_environment(e)) {
        log_error("study.stuck", "study=%llu code=%s why=\"%s\"", (llu)study_id,
                  err_name(e), why.text);
    }
    return e;
}

// What cannot be moved on for the machine's sake stays marked; a study that is stuck by
// itself waits for its next change.
static void advance_studies(struct turn *t)
{
    if (t->is_settling || (t->is_sick && t->now.mono_ms < t->retry_ms)) {
        return;
    }
    size_t n = t->dirty.len; // the driver may mark more meanwhile: for the next turn
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t id = t->dirty.ids[i];
        if (t->has_failed || is_environment(advance(t, id))) {
            t->dirty.ids[n_left++] = id;
        }
    }
    for (size_t i = n; i < t->dirty.len; i++) {
        t->dirty.ids[n_left++] = t->dirty.ids[i];
    }
    t->dirty.len = n_left;
}

// ---- commit

static void send_reply(void *arg, const struct route *to, const void *bytes, size_t n)
{
    struct turn *t = arg;
    if (!t->ports.send(t->ports.arg, to, bytes, n)) {
        log_debug("reply.lost", "bytes=%zu", n); // peers repeat what is unanswered
    }
}

static void note_health(struct turn *t)
{
    if (t->has_failed) {
        t->is_sick = true;
        t->retry_ms = t->now.mono_ms + TURN_RETRY_MS;
    } else if (t->is_sick && t->has_kept) {
        t->is_sick = false;
        log_info("store.recovered", "works=again");
    }
    t->has_failed = false;
    t->has_kept = false;
}

static void commit(struct turn *t)
{
    struct errinfo why = {0};
    enum err e = store_commit(t->store, &why);
    t->committed = e;
    if (e == ERR_OK) {
        turn_apply_effects(t);
    } else {
        note_failure(t, is_environment(e) ? e : ERR_IO, why.text);
        store_rollback(t->store);
        turn_forget_effects(t);
        // What the driver decided is gone: it must decide again.
        enum err again = study_row_each(t->store, rebuild_study, t, NULL);
        (void)again; // the next failure says what is wrong
    }
    note_health(t);
    outbox_flush(&t->any_case, send_reply, t);
    outbox_flush(&t->after_commit, send_reply, t);
}

// ---- the turn

void turn_note_study(struct turn *t, const struct study_row *row)
{
    struct effect *f = turn_add_effect(t, EFFECT_STUDY);
    f->study.id = row->id;
    f->study.weight = row->weight;
    f->study.is_paused = row->is_paused;
    turn_mark_dirty(t, row->id);
}

enum err turn_take_study(struct turn *t, const struct study_conf *conf, uint64_t *id,
                         struct errinfo *why)
{
    struct study_row row;
    enum err e = driver_add_study(t->driver, conf, id, why);
    if (e == ERR_OK) {
        e = study_row_get(t->store, *id, &row);
    }
    if (e == ERR_OK) {
        turn_note_study(t, &row);
    }
    return e;
}

enum err turn_add_study(struct turn *t, const struct study_conf *conf,
                        struct turn_now now, struct errinfo *why)
{
    t->now = now;
    struct part part;
    uint64_t id = 0;
    enum err e = turn_part_begin(t, &part, why);
    if (e == ERR_OK) {
        e = turn_part_end(t, &part, turn_take_study(t, conf, &id, why), why);
    }
    turn_end(t, now);
    return e;
}

void turn_message(struct turn *t, const struct route *from, const void *bytes, size_t n,
                  struct turn_now now)
{
    t->now = now;
    struct errinfo why = {0};
    enum err e = ERR_LIMIT;
    if (n > (size_t)LIMIT_MESSAGE_BYTES) {
        err_set(&why, e, "a message of %zu bytes", n);
    } else {
        e = wire_decode(bytes, n, &t->in, &why);
    }
    if (e != ERR_OK) {
        turn_refuse(t, from, REFUSAL_MALFORMED, e, why.text);
        return;
    }
    turn_decide(t, from);
}

void turn_misframed(struct turn *t)
{
    refusals_note(&t->refusals, REFUSAL_MALFORMED, t->now.mono_ms,
                  "a message that is not one frame");
}

void turn_denied(struct turn *t, const struct route *from, const char *text,
                 struct turn_now now)
{
    t->now = now;
    turn_refuse(t, from, REFUSAL_RIGHTS, ERR_AUTH, text);
}

// We were stopped, or waited for a disk: what workers said meanwhile is still to be
// read, so nobody is silent and no lease is over on that account.
static void excuse_standstill(struct turn *t)
{
    int64_t deaf_ms = t->now.mono_ms - t->ended_ms;
    t->ended_ms = t->now.mono_ms;
    if (deaf_ms < TURN_DEAF_MS) {
        return;
    }
    log_warn("coordinator.stood_still", "ms=%lld leased=%zu", (long long)deaf_ms,
             lease_count(t->leases));
    lease_extend_all(t->leases, t->now.mono_ms + LEASE_MS);
    session_excuse_all(t->sessions, deaf_ms, t->now.mono_ms);
}

void turn_end(struct turn *t, struct turn_now now)
{
    t->now = now;
    excuse_standstill(t);
    size_t n_lost = session_sweep(t->sessions, now.mono_ms);
    if (n_lost > 0) {
        log_warn("worker.lost", "n=%zu silent_ms=%d", n_lost, (int)SESSION_LOST_MS);
    }
    turn_expire(t);
    turn_quarantine(t);
    advance_studies(t);
    turn_grant(t);
    commit(t);
}

void turn_drain(struct turn *t)
{
    if (t->is_draining) {
        return;
    }
    t->is_draining = true;
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        session_at(t->sessions, i)->has_fetched = true; // tell them now
    }
    log_info("coordinator.draining", "leased=%zu", lease_count(t->leases));
    t->ports.wake(t->ports.arg);
}

void turn_settle_only(struct turn *t, bool is_settling)
{
    t->is_settling = is_settling;
    if (t->driver) {
        driver_settle_only(t->driver, is_settling);
    }
    t->ports.wake(t->ports.arg);
}

bool turn_is_draining(const struct turn *t)
{
    return t->is_draining;
}

bool turn_is_quiet(const struct turn *t)
{
    return lease_count(t->leases) == 0;
}

// ---- what a key's workers hold

typedef bool lease_fits_fn(const struct turn *t, const struct lease *l,
                           const char *hash);

static bool any_fits(const struct turn *t, const struct lease *l, const char *hash)
{
    (void)t;
    (void)l;
    (void)hash;
    return true;
}

static bool names_artifact(const struct turn *t, const struct lease *l,
                           const char *hash)
{
    struct task_row row;
    return task_get(t->store, l->task_id, &row) == ERR_OK &&
           (strcmp(row.spec.study, hash) == 0 || strcmp(row.spec.pack, hash) == 0 ||
            strcmp(row.spec.checkpoint, hash) == 0);
}

static bool holds(const struct turn *t, const struct curve_public *key,
                  lease_fits_fn *fits, const char *hash)
{
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        const struct session *s = session_at(t->sessions, i);
        if (!curve_public_equal(&s->route.key, key)) {
            continue;
        }
        for (size_t j = 0; j < lease_count(t->leases); j++) {
            const struct lease *l = lease_at(t->leases, j);
            if (l->worker_id == s->worker.id && fits(t, l, hash)) {
                return true;
            }
        }
    }
    return false;
}

bool turn_holds_task(const struct turn *t, const struct curve_public *key)
{
    return holds(t, key, any_fits, NULL);
}

bool turn_is_mending(const struct turn *t)
{
    return t->driver && driver_is_mending(t->driver);
}

bool turn_may_store(const struct turn *t, const struct curve_public *key,
                    uint64_t size_bytes)
{
    return !t->is_settling || (turn_holds_task(t, key) && t->ports.has_room &&
                               t->ports.has_room(t->ports.arg, size_bytes));
}

bool turn_holds_artifact(const struct turn *t, const struct curve_public *key,
                         const char *hash)
{
    return holds(t, key, names_artifact, hash);
}
