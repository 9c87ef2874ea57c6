// SPDX-License-Identifier: Apache-2.0
// worker_row.c - see worker_row.h.
#include "coordinator/store/worker_row.h"

#include "common/base/clock.h"
#include "coordinator/store/db.h"

static void read_row(sqlite3_stmt *st, struct worker_row *row)
{
    row->id = db_column_u64(st, 0);
    row->session = db_column_u64(st, 1);
    db_column_text(st, 2, row->name, sizeof(row->name));
    row->capabilities = db_column_u32(st, 3);
    row->slots = db_column_u32(st, 4);
    row->threads = db_column_u32(st, 5);
    row->memory_bytes = db_column_u64(st, 6);
    row->first_seen_ms = sqlite3_column_int64(st, 7);
    row->last_seen_ms = sqlite3_column_int64(st, 8);
    db_column_text(st, 9, row->device, sizeof(row->device));
}

static enum err read_one(struct store *s, enum sql which, uint64_t key,
                         struct worker_row *out, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, which);
    db_bind_u64(st, 1, key);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    if (has_row) {
        read_row(st, out);
    }
    db_done(st);
    if (e == ERR_OK && !has_row) {
        return err_set(why, ERR_NOTFOUND, "no such worker");
    }
    return e;
}

enum err worker_row_put(struct store *s, struct worker_row *row, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_WORKER_UPSERT);
    db_bind_u64(st, 1, row->session);
    db_bind_text(st, 2, row->name);
    db_bind_int(st, 3, row->capabilities);
    db_bind_int(st, 4, row->slots);
    db_bind_int(st, 5, row->threads);
    db_bind_u64(st, 6, row->memory_bytes);
    db_bind_int(st, 7, clock_wall_ms());
    db_bind_text(st, 8, row->device);
    enum err e = db_write(s, st, why);
    return e == ERR_OK ? read_one(s, SQL_WORKER_BY_SESSION, row->session, row, why) : e;
}

enum err worker_row_of_session(struct store *s, uint64_t session,
                               struct worker_row *out, struct errinfo *why)
{
    return read_one(s, SQL_WORKER_BY_SESSION, session, out, why);
}

enum err worker_row_get(struct store *s, uint64_t id, struct worker_row *out)
{
    return read_one(s, SQL_WORKER_GET, id, out, NULL);
}

enum err worker_row_each_before(struct store *s, const struct worker_row *row,
                                worker_visit_fn *fn, void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_WORKER_EACH_BEFORE);
    db_bind_text(st, 1, row->name);
    db_bind_u64(st, 2, row->id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct worker_row earlier;
        read_row(st, &earlier);
        if (!fn(arg, &earlier)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}

bool worker_row_has_name(struct store *s, const char *name)
{
    sqlite3_stmt *st = db_use(s, SQL_WORKER_HAS_NAME);
    db_bind_text(st, 1, name);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    db_done(st);
    return e == ERR_OK && has_row;
}
