// SPDX-License-Identifier: Apache-2.0
// task.c - see task.h. Every change of state goes through move().
#include "coordinator/store/task.h"

#include "common/base/clock.h"
#include "coordinator/store/db.h"
#include "proto/wire.h"

#include <string.h>

// Zero: that event cannot happen in that state.
static const enum task_state transitions[TASK_STATES][TASK_EVENTS] = {
    [TASK_READY] =
        {[TASK_EVENT_GRANT] = TASK_LEASED, [TASK_EVENT_CANCEL] = TASK_CANCELLED},
    [TASK_LEASED] = {[TASK_EVENT_ACCEPT] = TASK_DONE,
                     [TASK_EVENT_RETRY] = TASK_READY,
                     [TASK_EVENT_BURY] = TASK_BURIED,
                     [TASK_EVENT_CANCEL] = TASK_CANCELLED},
    [TASK_BURIED] = {[TASK_EVENT_KICK] = TASK_READY, [TASK_EVENT_REVIVE] = TASK_READY},
    [TASK_CANCELLED] = {[TASK_EVENT_REVIVE] = TASK_READY},
};

static const char *const event_names[TASK_EVENTS] = {
    [TASK_EVENT_GRANT] = "grant",   [TASK_EVENT_ACCEPT] = "accept",
    [TASK_EVENT_RETRY] = "retry",   [TASK_EVENT_BURY] = "bury",
    [TASK_EVENT_CANCEL] = "cancel", [TASK_EVENT_KICK] = "kick",
    [TASK_EVENT_REVIVE] = "revive",
};

static const char *const state_names[] = {
    [TASK_READY] = "ready",   [TASK_LEASED] = "leased",       [TASK_DONE] = "done",
    [TASK_BURIED] = "buried", [TASK_CANCELLED] = "cancelled",
};

static bool is_state(enum task_state s)
{
    return s >= TASK_READY && s <= TASK_CANCELLED;
}

const char *task_state_name(enum task_state s)
{
    BUG_ON(!is_state(s));
    return state_names[s];
}

enum err task_state_parse(const char *name, enum task_state *out)
{
    for (int s = TASK_READY; s < TASK_STATES; s++) {
        if (strcmp(state_names[s], name) == 0) {
            *out = (enum task_state)s;
            return ERR_OK;
        }
    }
    return ERR_NOTFOUND;
}

const char *task_event_name(enum task_event e)
{
    BUG_ON(e >= TASK_EVENTS);
    return event_names[e];
}

bool task_next(enum task_state from, enum task_event e, enum task_state *to)
{
    BUG_ON(!is_state(from) || e >= TASK_EVENTS);
    *to = transitions[from][e];
    return *to != 0;
}

bool task_may_move(enum task_state from, enum task_state to)
{
    BUG_ON(!is_state(from) || !is_state(to));
    for (int e = 0; e < TASK_EVENTS; e++) {
        if (transitions[from][e] == to) {
            return true;
        }
    }
    return false;
}

// Columns 11 and 12. A blob that does not decode is damage, not a peer's mistake.
static enum err read_blobs(sqlite3_stmt *st, struct task_row *row, struct errinfo *why)
{
    enum err e =
        wire_decode_spec(sqlite3_column_blob(st, 11),
                         (size_t)sqlite3_column_bytes(st, 11), &row->spec, why);
    row->has_result = sqlite3_column_type(st, 12) != SQLITE_NULL;
    if (e == ERR_OK && row->has_result) {
        e = wire_decode_result(sqlite3_column_blob(st, 12),
                               (size_t)sqlite3_column_bytes(st, 12), &row->result, why);
    }
    if (e != ERR_OK) {
        return err_prefix(why, ERR_CORRUPT, "task %llu", (unsigned long long)row->id);
    }
    return ERR_OK;
}

static enum err read_row(sqlite3_stmt *st, struct task_row *row, struct errinfo *why)
{
    *row = (struct task_row){0};
    row->id = db_column_u64(st, 0);
    row->study_id = db_column_u64(st, 1);
    row->state = (enum task_state)db_column_u32(st, 2);
    row->token = db_column_u64(st, 3);
    row->worker_id = db_column_u64(st, 4);
    row->n_charged = db_column_u32(st, 5);
    row->not_before_ms = sqlite3_column_int64(st, 6);
    row->trial_id = db_column_u64(st, 7);
    row->stage = db_column_u32(st, 8);
    row->round = db_column_u32(st, 9);
    row->shard = db_column_u32(st, 10);
    return read_blobs(st, row, why);
}

enum err task_insert(struct store *s, struct task_row *row, struct errinfo *why)
{
    BUG_ON(!store_in_transaction(s));
    struct buf spec = BUF_INIT;
    wire_encode_spec(&row->spec, &spec);
    sqlite3_stmt *st = db_use(s, SQL_TASK_INSERT);
    db_bind_u64(st, 1, row->study_id);
    db_bind_int(st, 2, row->not_before_ms);
    db_bind_u64(st, 3, row->trial_id);
    db_bind_int(st, 4, row->stage);
    db_bind_int(st, 5, row->round);
    db_bind_int(st, 6, row->shard);
    db_bind_blob(st, 7, spec.data, spec.len);
    enum err e = db_write(s, st, why);
    buf_fini(&spec);
    if (e == ERR_OK) {
        row->id = (uint64_t)sqlite3_last_insert_rowid(s->db);
        row->state = TASK_READY;
        row->token = row->worker_id = row->n_charged = 0;
        row->has_result = false;
    }
    return e;
}

static void remember(struct store *s, const struct task_row *row)
{
    if (s->is_begun) {
        *s->last_task = *row;
    }
}

static enum err get(struct store *s, uint64_t id, struct task_row *out,
                    struct errinfo *why)
{
    if (s->is_begun && s->last_task->id == id && id != 0) {
        *out = *s->last_task;
        return ERR_OK;
    }
    *out = (struct task_row){0};
    sqlite3_stmt *st = db_use(s, SQL_TASK_GET);
    db_bind_u64(st, 1, id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    if (has_row) {
        e = read_row(st, out, why);
    } else if (e == ERR_OK) {
        e = err_set(why, ERR_NOTFOUND, "no task %llu", (unsigned long long)id);
    }
    db_done(st);
    if (e == ERR_OK) {
        remember(s, out);
    }
    return e;
}

enum err task_get(struct store *s, uint64_t id, struct task_row *out)
{
    return get(s, id, out, NULL);
}

// Writes *to over the row that is in state and token of *from, in the state that the
// event leads to: the one place where a task changes state.
static enum err move(struct store *s, const struct task_row *from, enum task_event by,
                     struct task_row *to, struct errinfo *why)
{
    BUG_ON(!store_in_transaction(s));
    BUG_ON(from->id != to->id || !task_next(from->state, by, &to->state));
    struct buf result = BUF_INIT;
    sqlite3_stmt *st = db_use(s, SQL_TASK_MOVE);
    db_bind_u64(st, 1, from->id);
    db_bind_int(st, 2, from->state);
    db_bind_u64(st, 3, from->token);
    db_bind_int(st, 4, to->state);
    db_bind_u64(st, 5, to->token);
    db_bind_u64(st, 6, to->worker_id);
    db_bind_int(st, 7, to->n_charged);
    db_bind_int(st, 8, to->not_before_ms);
    if (to->has_result) {
        wire_encode_result(&to->result, &result);
        db_bind_blob(st, 9, result.data, result.len);
    }
    enum err e = db_write(s, st, why);
    buf_fini(&result);
    BUG_ON(e == ERR_OK && sqlite3_changes(s->db) != 1); // read in this transaction
    if (e == ERR_OK) {
        remember(s, to);
    }
    return e;
}

static enum err stale(const struct task_row *row, uint64_t token, struct errinfo *why)
{
    return err_set(why, ERR_STALE, "task %llu is %s under token %llu, not %llu",
                   (unsigned long long)row->id, task_state_name(row->state),
                   (unsigned long long)row->token, (unsigned long long)token);
}

// Did this very attempt end by its own worker's word (not by expiry or release)?
static enum err was_reported(struct store *s, uint64_t id, uint64_t token,
                             bool *reported, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_OUTCOME);
    db_bind_u64(st, 1, token);
    db_bind_u64(st, 2, id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    int64_t outcome = has_row ? sqlite3_column_int64(st, 0) : 0;
    *reported = outcome >= OUTCOME_OK && outcome < OUTCOME_LOST;
    db_done(st);
    return e;
}

// The row, when it is LEASED under this very token. ERR_BUSY when that attempt was
// reported before, ERR_STALE otherwise.
static enum err get_leased(struct store *s, uint64_t id, uint64_t token,
                           struct task_row *out, struct errinfo *why)
{
    enum err e = get(s, id, out, why);
    if (e == ERR_NOTFOUND) {
        return err_set(why, ERR_STALE, "no task %llu", (unsigned long long)id);
    }
    if (e != ERR_OK || (out->state == TASK_LEASED && out->token == token)) {
        return e;
    }
    bool reported = false;
    e = was_reported(s, id, token, &reported, why);
    if (e == ERR_OK && reported) {
        return err_set(why, ERR_BUSY, "token %llu of task %llu has ended already",
                       (unsigned long long)token, (unsigned long long)id);
    }
    return e == ERR_OK ? stale(out, token, why) : e;
}

static enum err attempt_start(struct store *s, uint64_t task_id, uint64_t worker_id,
                              uint64_t *token, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_START);
    db_bind_u64(st, 1, task_id);
    db_bind_u64(st, 2, worker_id);
    db_bind_int(st, 3, clock_wall_ms());
    enum err e = db_write(s, st, why);
    if (e == ERR_OK) {
        *token = (uint64_t)sqlite3_last_insert_rowid(s->db);
    }
    return e;
}

// outcome 0: given back without one.
static enum err attempt_end(struct store *s, uint64_t token,
                            const struct task_failure *end, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_END);
    db_bind_u64(st, 1, token);
    db_bind_int(st, 2, clock_wall_ms());
    if (end->outcome != 0) {
        db_bind_int(st, 3, end->outcome);
    }
    db_bind_int(st, 4, end->is_charged);
    db_bind_text(st, 5, end->error);
    db_bind_text(st, 6, end->log_tail ? end->log_tail : "");
    return db_write(s, st, why);
}

enum err task_grant(struct store *s, uint64_t id, uint64_t worker_id, uint64_t *token,
                    struct errinfo *why)
{
    struct task_row from;
    enum err e = get(s, id, &from, why);
    if (e == ERR_OK && from.state != TASK_READY) {
        return stale(&from, 0, why);
    }
    struct task_row to = from;
    if (e == ERR_OK) {
        e = attempt_start(s, id, worker_id, &to.token, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    to.worker_id = worker_id;
    *token = to.token;
    return move(s, &from, TASK_EVENT_GRANT, &to, why);
}

enum err task_settle(struct store *s, uint64_t id, uint64_t token,
                     const struct task_result *result, struct errinfo *why)
{
    struct task_row from;
    enum err e = get_leased(s, id, token, &from, why);
    if (e != ERR_OK) {
        return e;
    }
    struct task_row to = from;
    to.has_result = true;
    to.result = *result;
    const struct task_failure none = {.outcome = OUTCOME_OK, .error = ""};
    e = move(s, &from, TASK_EVENT_ACCEPT, &to, why);
    return e == ERR_OK ? attempt_end(s, token, &none, why) : e;
}

// Workers of how many names have a charge at the task.
static enum err count_charged_workers(struct store *s, uint64_t id, uint32_t *n,
                                      struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_CHARGED_WORKERS);
    db_bind_u64(st, 1, id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    *n = has_row ? db_column_u32(st, 0) : 0;
    db_done(st);
    return e;
}

// After the attempt was ended.
static enum err is_last(struct store *s, const struct task_row *to,
                        const struct task_failure *failure, bool *out,
                        struct errinfo *why)
{
    *out = failure->is_charged && to->n_charged >= failure->bury_at;
    if (!*out || failure->bury_workers <= 1) {
        return ERR_OK;
    }
    uint32_t n_workers = 0;
    enum err e = count_charged_workers(s, to->id, &n_workers, why);
    *out = n_workers >= failure->bury_workers;
    return e;
}

enum err task_fail(struct store *s, uint64_t id, uint64_t token,
                   const struct task_failure *failure, enum task_state *now,
                   struct errinfo *why)
{
    struct task_row from;
    enum err e = get_leased(s, id, token, &from, why);
    if (e != ERR_OK) {
        return e;
    }
    struct task_row to = from;
    to.n_charged += failure->is_charged;
    to.worker_id = 0;
    to.not_before_ms = failure->not_before_ms;
    bool must_bury = false;
    e = attempt_end(s, token, failure, why);
    if (e == ERR_OK) {
        e = is_last(s, &to, failure, &must_bury, why);
    }
    if (e == ERR_OK) {
        e = move(s, &from, must_bury ? TASK_EVENT_BURY : TASK_EVENT_RETRY, &to, why);
    }
    *now = to.state;
    return e;
}

enum err task_cancel(struct store *s, uint64_t id, struct errinfo *why)
{
    struct task_row from;
    enum err e = get(s, id, &from, why);
    if (e != ERR_OK) {
        return e;
    }
    if (!task_may_move(from.state, TASK_CANCELLED)) {
        return stale(&from, from.token, why);
    }
    struct task_row to = from;
    e = move(s, &from, TASK_EVENT_CANCEL, &to, why);
    if (e == ERR_OK && from.state == TASK_LEASED) {
        e = attempt_end(s, from.token, &(struct task_failure){.error = "cancelled"},
                        why);
    }
    return e;
}

// ---- another chance

static enum err forget_charges(struct store *s, uint64_t id, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_FORGIVE_ALL);
    db_bind_u64(st, 1, id);
    return db_write(s, st, why);
}

static enum err bring_back(struct store *s, uint64_t id, enum task_event by,
                           struct errinfo *why)
{
    struct task_row from;
    enum task_state next;
    enum err e = get(s, id, &from, why);
    if (e != ERR_OK) {
        return e;
    }
    if (!task_next(from.state, by, &next)) {
        return err_set(why, ERR_STALE, "task %llu is %s", (unsigned long long)id,
                       task_state_name(from.state));
    }
    struct task_row to = from;
    to.n_charged = 0;
    to.not_before_ms = 0;
    e = move(s, &from, by, &to, why);
    return e == ERR_OK ? forget_charges(s, id, why) : e;
}

enum err task_kick(struct store *s, uint64_t id, struct errinfo *why)
{
    return bring_back(s, id, TASK_EVENT_KICK, why);
}

enum err task_revive(struct store *s, uint64_t id, struct errinfo *why)
{
    return bring_back(s, id, TASK_EVENT_REVIVE, why);
}

enum err task_refund(struct store *s, uint64_t id, uint64_t token, struct errinfo *why)
{
    BUG_ON(!store_in_transaction(s));
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_FORGIVE);
    db_bind_u64(st, 1, token);
    db_bind_u64(st, 2, id);
    enum err e = db_write(s, st, why);
    if (e != ERR_OK || sqlite3_changes(s->db) == 0) {
        return e; // refunded before
    }
    if (s->is_begun) {
        s->last_task->id = 0; // what is remembered of it is no longer so
    }
    st = db_use(s, SQL_TASK_REFUND);
    db_bind_u64(st, 1, id);
    return db_write(s, st, why);
}

// ---- looking at many

static enum err visit(struct store *s, sqlite3_stmt *st, task_visit_fn *fn, void *arg,
                      struct errinfo *why)
{
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct task_row row;
        e = read_row(st, &row, why);
        if (e != ERR_OK || !fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}

enum err task_each(struct store *s, uint64_t study_id, enum task_state state,
                   task_visit_fn *fn, void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TASK_EACH);
    db_bind_u64(st, 1, study_id);
    db_bind_int(st, 2, state);
    return visit(s, st, fn, arg, why);
}

enum err task_each_in(struct store *s, const struct task_range *in, task_visit_fn *fn,
                      void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TASK_EACH_BETWEEN);
    db_bind_u64(st, 1, in->study_id);
    db_bind_int(st, 2, in->state);
    db_bind_u64(st, 3, in->after);
    db_bind_u64(st, 4, in->last);
    return visit(s, st, fn, arg, why);
}

enum err task_last_id(struct store *s, uint64_t *out)
{
    sqlite3_stmt *st = db_use(s, SQL_TASK_LAST_ID);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    *out = has_row ? db_column_u64(st, 0) : 0;
    db_done(st);
    return e;
}

enum err task_each_of_round(struct store *s, uint64_t study_id, uint32_t stage,
                            uint32_t round, task_visit_fn *fn, void *arg,
                            struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TASK_EACH_OF_ROUND);
    db_bind_u64(st, 1, study_id);
    db_bind_int(st, 2, stage);
    db_bind_int(st, 3, round);
    return visit(s, st, fn, arg, why);
}

enum err task_count_rounds(struct store *s, uint64_t study_id, uint32_t stage,
                           uint32_t *out, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TASK_COUNT_ROUNDS);
    db_bind_u64(st, 1, study_id);
    db_bind_int(st, 2, stage);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    *out = has_row ? db_column_u32(st, 0) : 0;
    db_done(st);
    return e;
}

enum err task_count(struct store *s, uint64_t study_id, struct task_counts *out)
{
    uint32_t n[TASK_CANCELLED + 1] = {0};
    sqlite3_stmt *st = db_use(s, SQL_TASK_COUNT);
    db_bind_u64(st, 1, study_id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    while (e == ERR_OK && has_row) {
        uint32_t state = db_column_u32(st, 0); // in range: the schema checks it
        n[state] = db_column_u32(st, 1);
        e = db_row(s, st, &has_row, NULL);
    }
    db_done(st);
    *out = (struct task_counts){.ready = n[TASK_READY],
                                .leased = n[TASK_LEASED],
                                .done = n[TASK_DONE],
                                .buried = n[TASK_BURIED],
                                .cancelled = n[TASK_CANCELLED]};
    return e;
}

enum err task_last_error(struct store *s, uint64_t id, char out[static LIMIT_TEXT])
{
    out[0] = '\0';
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_LAST_ERROR);
    db_bind_u64(st, 1, id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    if (has_row) {
        db_column_text(st, 0, out, LIMIT_TEXT);
    }
    db_done(st);
    return e;
}
