// SPDX-License-Identifier: Apache-2.0
// study_row.c - see study_row.h.
#include "coordinator/store/study_row.h"

#include "common/base/clock.h"
#include "coordinator/store/db.h"

static const char *const state_names[] = {
    [STUDY_PACKING] = "packing",     [STUDY_TRAINING] = "training",
    [STUDY_LABELLING] = "labelling", [STUDY_FITTING] = "fitting",
    [STUDY_SEARCHING] = "searching", [STUDY_TUNING] = "tuning",
    [STUDY_EXPORTING] = "exporting", [STUDY_DONE] = "done",
    [STUDY_FAILED] = "failed",       [STUDY_CANCELLED] = "cancelled",
};

const char *study_state_name(enum study_state s)
{
    BUG_ON(s < STUDY_PACKING || s > STUDY_CANCELLED);
    return state_names[s];
}

bool study_state_is_over(enum study_state s)
{
    return s == STUDY_DONE || s == STUDY_FAILED || s == STUDY_CANCELLED;
}

static void bind_row(sqlite3_stmt *st, const struct study_row *row, int64_t now_ms)
{
    db_bind_text(st, 2, row->name);
    db_bind_text(st, 3, row->conf);
    db_bind_text(st, 4, row->pack);
    db_bind_int(st, 5, row->n_speakers);
    db_bind_u64(st, 6, row->n_train_utts);
    db_bind_u64(st, 7, row->n_trials);
    db_bind_int(st, 8, row->state);
    db_bind_int(st, 9, row->stage);
    db_bind_int(st, 10, row->round);
    db_bind_u64(st, 11, row->position);
    db_bind_text(st, 12, row->checkpoint);
    db_bind_text(st, 13, row->error);
    db_bind_int(st, 14, now_ms);
    db_bind_text(st, 15, row->predictor);
    db_bind_text(st, 16, row->fit);
    db_bind_real(st, 17, row->weight);
    db_bind_int(st, 18, row->is_paused);
}

static void read_row(sqlite3_stmt *st, struct study_row *row)
{
    row->id = db_column_u64(st, 0);
    db_column_text(st, 1, row->name, sizeof(row->name));
    db_column_text(st, 2, row->conf, sizeof(row->conf));
    db_column_text(st, 3, row->pack, sizeof(row->pack));
    row->n_speakers = db_column_u32(st, 4);
    row->n_train_utts = db_column_u64(st, 5);
    row->n_trials = db_column_u64(st, 6);
    row->state = (enum study_state)db_column_u32(st, 7);
    row->stage = db_column_u32(st, 8);
    row->round = db_column_u32(st, 9);
    row->position = db_column_u64(st, 10);
    db_column_text(st, 11, row->checkpoint, sizeof(row->checkpoint));
    db_column_text(st, 12, row->error, sizeof(row->error));
    row->created_ms = sqlite3_column_int64(st, 13);
    row->updated_ms = sqlite3_column_int64(st, 14);
    db_column_text(st, 15, row->predictor, sizeof(row->predictor));
    db_column_text(st, 16, row->fit, sizeof(row->fit));
    row->weight = sqlite3_column_double(st, 17);
    row->is_paused = db_column_u32(st, 18) != 0;
}

enum err study_row_insert(struct store *s, struct study_row *row, struct errinfo *why)
{
    int64_t now_ms = clock_wall_ms();
    sqlite3_stmt *st = db_use(s, SQL_STUDY_INSERT);
    bind_row(st, row, now_ms);
    enum err e = db_write(s, st, why);
    if (e == ERR_OK) {
        row->id = (uint64_t)sqlite3_last_insert_rowid(s->db);
        row->created_ms = row->updated_ms = now_ms;
    }
    return e;
}

enum err study_row_update(struct store *s, const struct study_row *row,
                          struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_STUDY_UPDATE);
    db_bind_u64(st, 1, row->id);
    bind_row(st, row, clock_wall_ms());
    enum err e = db_write(s, st, why);
    if (e == ERR_OK && sqlite3_changes(s->db) != 1) {
        return err_set(why, ERR_NOTFOUND, "no study %llu", (unsigned long long)row->id);
    }
    return e;
}

static enum err read_one(struct store *s, sqlite3_stmt *st, struct study_row *out)
{
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    if (has_row) {
        read_row(st, out);
    }
    db_done(st);
    return e == ERR_OK && !has_row ? ERR_NOTFOUND : e;
}

enum err study_row_get(struct store *s, uint64_t id, struct study_row *out)
{
    sqlite3_stmt *st = db_use(s, SQL_STUDY_GET);
    db_bind_u64(st, 1, id);
    return read_one(s, st, out);
}

enum err study_row_by_name(struct store *s, const char *name, struct study_row *out)
{
    sqlite3_stmt *st = db_use(s, SQL_STUDY_BY_NAME);
    db_bind_text(st, 1, name);
    return read_one(s, st, out);
}

enum err study_row_each(struct store *s, study_visit_fn *fn, void *arg,
                        struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_STUDY_EACH);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct study_row row;
        read_row(st, &row);
        if (!fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}
