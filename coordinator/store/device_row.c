// SPDX-License-Identifier: Apache-2.0
// device_row.c - see device_row.h.
#include "coordinator/store/device_row.h"

#include "coordinator/store/db.h"

const char *device_state_name(enum device_state s)
{
    static const char *const names[] = {[DEVICE_MEASURING] = "measuring",
                                        [DEVICE_CHECKING] = "checking",
                                        [DEVICE_DONE] = "done",
                                        [DEVICE_FAILED] = "failed"};
    BUG_ON(s < DEVICE_MEASURING || s > DEVICE_FAILED);
    return names[s];
}

static void bind(sqlite3_stmt *st, const struct device_row *row)
{
    db_bind_u64(st, 1, row->study_id);
    db_bind_text(st, 2, row->name);
    db_bind_int(st, 3, row->state);
    db_bind_text(st, 4, row->latencies);
    db_bind_text(st, 5, row->measured);
    db_bind_int(st, 6, row->n_networks);
    db_bind_int(st, 7, row->n_failed);
    db_bind_int(st, 8, row->n_noisy);
    db_bind_int(st, 9, row->n_units);
    db_bind_int(st, 10, row->n_holdout);
    db_bind_real(st, 11, row->spearman);
    db_bind_real(st, 12, row->median_error);
    db_bind_real(st, 13, row->p95_error);
    db_bind_text(st, 14, row->error);
}

static enum err write_one(struct store *s, enum sql which, const struct device_row *row,
                          struct errinfo *why)
{
    BUG_ON(!store_in_transaction(s));
    sqlite3_stmt *st = db_use(s, which);
    bind(st, row);
    enum err e = db_write(s, st, why);
    if (e == ERR_OK && sqlite3_changes(s->db) != 1) {
        return err_set(why, ERR_NOTFOUND, "no device %s", row->name);
    }
    return e;
}

enum err device_row_insert(struct store *s, const struct device_row *row,
                           struct errinfo *why)
{
    return write_one(s, SQL_DEVICE_INSERT, row, why);
}

enum err device_row_update(struct store *s, const struct device_row *row,
                           struct errinfo *why)
{
    return write_one(s, SQL_DEVICE_UPDATE, row, why);
}

static void read_row(sqlite3_stmt *st, struct device_row *row)
{
    *row = (struct device_row){0};
    row->study_id = db_column_u64(st, 0);
    db_column_text(st, 1, row->name, sizeof(row->name));
    row->state = (enum device_state)db_column_u32(st, 2);
    db_column_text(st, 3, row->latencies, sizeof(row->latencies));
    db_column_text(st, 4, row->measured, sizeof(row->measured));
    row->n_networks = db_column_u32(st, 5);
    row->n_failed = db_column_u32(st, 6);
    row->n_noisy = db_column_u32(st, 7);
    row->n_units = db_column_u32(st, 8);
    row->n_holdout = db_column_u32(st, 9);
    row->spearman = sqlite3_column_double(st, 10);
    row->median_error = sqlite3_column_double(st, 11);
    row->p95_error = sqlite3_column_double(st, 12);
    db_column_text(st, 13, row->error, sizeof(row->error));
}

enum err device_row_each(struct store *s, uint64_t study_id, device_visit_fn *fn,
                         void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_DEVICE_EACH);
    db_bind_u64(st, 1, study_id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct device_row row;
        read_row(st, &row);
        if (!fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}
