// SPDX-License-Identifier: Apache-2.0
// attempt.c - see attempt.h.
#include "coordinator/store/attempt.h"

#include "coordinator/store/db.h"

static void read_row(sqlite3_stmt *st, struct attempt_row *row)
{
    row->token = db_column_u64(st, 0);
    row->task_id = db_column_u64(st, 1);
    row->worker_id = db_column_u64(st, 2);
    db_column_text(st, 3, row->worker, sizeof(row->worker));
    row->outcome = (enum outcome)db_column_u32(st, 4);
    row->is_charged = db_column_u32(st, 5) != 0;
    row->ended_ms = sqlite3_column_int64(st, 6);
    db_column_text(st, 7, row->error, sizeof(row->error));
    db_column_text(st, 8, row->log_tail, sizeof(row->log_tail));
}

static enum err visit(struct store *s, sqlite3_stmt *st, attempt_visit_fn *fn,
                      void *arg, struct errinfo *why)
{
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct attempt_row row;
        read_row(st, &row);
        if (!fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}

enum err attempt_each_failed(struct store *s, uint64_t study_id, attempt_visit_fn *fn,
                             void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_EACH_FAILED);
    db_bind_u64(st, 1, study_id);
    db_bind_int(st, 2, OUTCOMES);
    return visit(s, st, fn, arg, why);
}

enum err attempt_each_reported(struct store *s, uint64_t after, attempt_visit_fn *fn,
                               void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_EACH_REPORTED);
    db_bind_u64(st, 1, after);
    db_bind_int(st, 2, OUTCOME_LOST);
    return visit(s, st, fn, arg, why);
}

enum err attempt_each_charged_to(struct store *s, const char *worker, uint64_t from,
                                 attempt_visit_fn *fn, void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_EACH_CHARGED_TO);
    db_bind_text(st, 1, worker);
    db_bind_u64(st, 2, from);
    return visit(s, st, fn, arg, why);
}

enum err attempt_last_failed(struct store *s, uint64_t task_id, struct attempt_row *out)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_LAST_FAILED);
    db_bind_u64(st, 1, task_id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    if (has_row) {
        read_row(st, out);
    }
    db_done(st);
    return e == ERR_OK && !has_row ? ERR_NOTFOUND : e;
}

enum err attempt_last_token(struct store *s, uint64_t *out)
{
    sqlite3_stmt *st = db_use(s, SQL_ATTEMPT_LAST_TOKEN);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    *out = has_row ? db_column_u64(st, 0) : 0;
    db_done(st);
    return e;
}
