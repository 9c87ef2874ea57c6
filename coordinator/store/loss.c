// SPDX-License-Identifier: Apache-2.0
// loss.c - see loss.h.
#include "coordinator/store/loss.h"

#include "coordinator/store/db.h"

enum err loss_insert(struct store *s, const struct loss_row *row, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_LOSS_INSERT);
    db_bind_u64(st, 1, row->study_id);
    db_bind_int(st, 2, row->stage);
    db_bind_int(st, 3, row->round);
    db_bind_int(st, 4, row->shard);
    db_bind_u64(st, 5, row->position);
    db_bind_real(st, 6, row->loss);
    db_bind_real(st, 7, row->accuracy);
    db_bind_real(st, 8, row->seconds);
    db_bind_u64(st, 9, row->n_utterances);
    db_bind_int(st, 10, row->at_ms);
    return db_write(s, st, why);
}

static void read_row(sqlite3_stmt *st, struct loss_row *row)
{
    row->study_id = db_column_u64(st, 0);
    row->stage = db_column_u32(st, 1);
    row->round = db_column_u32(st, 2);
    row->shard = db_column_u32(st, 3);
    row->position = db_column_u64(st, 4);
    row->loss = sqlite3_column_double(st, 5);
    row->accuracy = sqlite3_column_double(st, 6);
    row->seconds = sqlite3_column_double(st, 7);
    row->n_utterances = db_column_u64(st, 8);
    row->at_ms = sqlite3_column_int64(st, 9);
}

enum err loss_each(struct store *s, uint64_t study_id, loss_visit_fn *fn, void *arg,
                   struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_LOSS_EACH);
    db_bind_u64(st, 1, study_id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct loss_row row;
        read_row(st, &row);
        if (!fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}
