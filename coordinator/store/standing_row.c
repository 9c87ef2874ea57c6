// SPDX-License-Identifier: Apache-2.0
// standing_row.c - see standing_row.h.
#include "coordinator/store/standing_row.h"

#include "coordinator/store/db.h"

enum err standing_row_put(struct store *s, const struct standing_row *row,
                          struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_STANDING_PUT);
    db_bind_text(st, 1, row->name);
    db_bind_int(st, 2, row->state);
    db_bind_int(st, 3, row->since_ms);
    db_bind_u64(st, 4, row->from_token);
    db_bind_text(st, 5, row->reason);
    return db_write(s, st, why);
}

static void read_row(sqlite3_stmt *st, struct standing_row *row)
{
    db_column_text(st, 0, row->name, sizeof(row->name));
    row->state = (enum standing)db_column_u32(st, 1);
    row->since_ms = sqlite3_column_int64(st, 2);
    row->from_token = db_column_u64(st, 3);
    db_column_text(st, 4, row->reason, sizeof(row->reason));
}

enum err standing_row_each(struct store *s, standing_visit_fn *fn, void *arg,
                           struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_STANDING_EACH);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct standing_row row;
        read_row(st, &row);
        if (!fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}
