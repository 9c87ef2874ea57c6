// SPDX-License-Identifier: Apache-2.0
// trial.c - see trial.h.
#include "coordinator/store/trial.h"

#include "coordinator/store/db.h"

enum { TRIAL_PENDING, TRIAL_MEASURED, TRIAL_HAS_FAILED }; // column trial.state

const char *trial_origin_name(enum trial_origin o)
{
    static const char *const names[] = {[TRIAL_STAGE] = "stage",
                                        [TRIAL_SEARCH] = "search",
                                        [TRIAL_FINAL] = "final",
                                        [TRIAL_LABEL] = "label",
                                        [TRIAL_FINETUNE] = "finetune"};
    BUG_ON(o < TRIAL_STAGE || o >= TRIAL_ORIGINS);
    return names[o];
}

static enum err read_row(sqlite3_stmt *st, struct trial_row *row, struct errinfo *why)
{
    *row = (struct trial_row){0};
    row->id = db_column_u64(st, 0);
    row->study_id = db_column_u64(st, 1);
    row->origin = (enum trial_origin)db_column_u32(st, 2);
    row->stage = db_column_u32(st, 3);
    row->proposal = db_column_u32(st, 4);
    char text[ARCH_STRING_MAX];
    db_column_text(st, 5, text, sizeof(text));
    if (arch_parse(text, &row->arch, why) != ERR_OK) {
        return err_prefix(why, ERR_CORRUPT, "trial %llu", (unsigned long long)row->id);
    }
    db_column_text(st, 6, row->checkpoint, sizeof(row->checkpoint));
    row->protocol = db_column_u32(st, 7);
    row->complexity.params = db_column_u64(st, 8);
    row->complexity.macs = db_column_u64(st, 9);
    row->complexity.bytes = db_column_u64(st, 10);
    row->is_measured = db_column_u32(st, 11) == TRIAL_MEASURED;
    row->has_failed = db_column_u32(st, 11) == TRIAL_HAS_FAILED;
    row->result.eer_percent = sqlite3_column_double(st, 12);
    row->result.mindcf_p01 = sqlite3_column_double(st, 13);
    row->result.mindcf_p05 = sqlite3_column_double(st, 14);
    row->result.n_trials = db_column_u64(st, 15);
    db_column_text(st, 16, row->result.network, sizeof(row->result.network));
    row->result.seconds = sqlite3_column_double(st, 17);
    row->loss_first = sqlite3_column_double(st, 18);
    row->loss_last = sqlite3_column_double(st, 19);
    return ERR_OK;
}

static enum err find_key(struct store *s, const struct trial_row *row, const char *arch,
                         uint64_t *id, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_BY_KEY);
    db_bind_u64(st, 1, row->study_id);
    db_bind_text(st, 2, arch);
    db_bind_text(st, 3, row->checkpoint);
    db_bind_int(st, 4, row->protocol);
    db_bind_int(st, 5, row->origin);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    if (has_row) {
        *id = db_column_u64(st, 0);
    }
    db_done(st);
    return e == ERR_OK && !has_row ? ERR_NOTFOUND : e;
}

enum err trial_insert(struct store *s, struct trial_row *row, struct errinfo *why)
{
    BUG_ON(!store_in_transaction(s));
    char arch[ARCH_STRING_MAX];
    arch_print(&row->arch, arch);
    enum err e = find_key(s, row, arch, &row->id, why);
    if (e == ERR_OK) {
        return err_set(why, ERR_BUSY, "trial %llu is %s already",
                       (unsigned long long)row->id, arch);
    }
    if (e != ERR_NOTFOUND) {
        return e;
    }
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_INSERT);
    db_bind_u64(st, 1, row->study_id);
    db_bind_int(st, 2, row->origin);
    db_bind_int(st, 3, row->stage);
    db_bind_int(st, 4, row->proposal);
    db_bind_text(st, 5, arch);
    db_bind_text(st, 6, row->checkpoint);
    db_bind_int(st, 7, row->protocol);
    db_bind_u64(st, 8, row->complexity.params);
    db_bind_u64(st, 9, row->complexity.macs);
    db_bind_u64(st, 10, row->complexity.bytes);
    e = db_write(s, st, why);
    if (e == ERR_OK) {
        row->id = (uint64_t)sqlite3_last_insert_rowid(s->db);
    }
    return e;
}

enum err trial_get(struct store *s, uint64_t id, struct trial_row *out)
{
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_GET);
    db_bind_u64(st, 1, id);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    if (has_row) {
        e = read_row(st, out, NULL);
    } else if (e == ERR_OK) {
        e = ERR_NOTFOUND;
    }
    db_done(st);
    return e;
}

static enum err write_one(struct store *s, sqlite3_stmt *st, uint64_t id,
                          struct errinfo *why)
{
    enum err e = db_write(s, st, why);
    if (e == ERR_OK && sqlite3_changes(s->db) != 1) {
        return err_set(why, ERR_NOTFOUND, "no trial %llu", (unsigned long long)id);
    }
    return e;
}

enum err trial_measured(struct store *s, uint64_t id, const struct evaluate_result *r,
                        struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_MEASURED);
    db_bind_u64(st, 1, id);
    db_bind_real(st, 2, r->eer_percent);
    db_bind_real(st, 3, r->mindcf_p01);
    db_bind_real(st, 4, r->mindcf_p05);
    db_bind_u64(st, 5, r->n_trials);
    db_bind_text(st, 6, r->network);
    db_bind_real(st, 7, r->seconds);
    return write_one(s, st, id, why);
}

enum err trial_finetuned(struct store *s, uint64_t id, const struct finetune_result *r,
                         struct errinfo *why)
{
    enum err e = trial_measured(s, id, &r->evaluation, why);
    if (e != ERR_OK) {
        return e;
    }
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_LOSSES);
    db_bind_u64(st, 1, id);
    db_bind_real(st, 2, r->loss_first);
    db_bind_real(st, 3, r->loss_last);
    return write_one(s, st, id, why);
}

enum err trial_failed(struct store *s, uint64_t id, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_FAILED);
    db_bind_u64(st, 1, id);
    return write_one(s, st, id, why);
}

enum err trial_reopened(struct store *s, uint64_t id, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_REOPENED);
    db_bind_u64(st, 1, id);
    return write_one(s, st, id, why);
}

enum err trial_each(struct store *s, uint64_t study_id, enum trial_origin origin,
                    trial_visit_fn *fn, void *arg, struct errinfo *why)
{
    sqlite3_stmt *st = db_use(s, SQL_TRIAL_EACH);
    db_bind_u64(st, 1, study_id);
    db_bind_int(st, 2, origin);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, why);
    while (e == ERR_OK && has_row) {
        struct trial_row row;
        e = read_row(st, &row, why);
        if (e != ERR_OK || !fn(arg, &row)) {
            break;
        }
        e = db_row(s, st, &has_row, why);
    }
    db_done(st);
    return e;
}
