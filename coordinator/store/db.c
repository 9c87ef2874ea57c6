// SPDX-License-Identifier: Apache-2.0
// db.c - see db.h.
#include "coordinator/store/db.h"

#include "coordinator/store/task.h"

#include <errno.h>
#include <stdio.h>

static enum err translate(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_NOMEM: return ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_CONSTRAINT: return ERR_CORRUPT;
    case SQLITE_FULL: return ERR_FULL;
    default: return ERR_IO;
    }
}

// The shared index and its log are files, too, whose growing fails in other words.
static bool is_disk_full(sqlite3 *db, int code)
{
    int number = db && (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
    return number == ENOSPC || number == EDQUOT;
}

enum err db_error(sqlite3 *db, int code, const char *doing, struct errinfo *why)
{
    const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    enum err e = is_disk_full(db, code) ? ERR_FULL : translate(code);
    return err_set(why, e, "database: cannot %s: %s", doing, text);
}

sqlite3_stmt *db_use(struct store *s, enum sql which)
{
    sqlite3_stmt *st = s->stmts[which];
    BUG_ON(sqlite3_stmt_busy(st));
    return st;
}

void db_done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

void db_bind_int(sqlite3_stmt *st, int at, int64_t value)
{
    BUG_ON(sqlite3_bind_int64(st, at, value) != SQLITE_OK);
}

void db_bind_u64(sqlite3_stmt *st, int at, uint64_t value)
{
    db_bind_int(st, at, (int64_t)value);
}

void db_bind_real(sqlite3_stmt *st, int at, double value)
{
    BUG_ON(sqlite3_bind_double(st, at, value) != SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *st, int at, const char *text)
{
    BUG_ON(sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC) != SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *st, int at, const void *p, size_t n)
{
    BUG_ON(sqlite3_bind_blob64(st, at, p, n, SQLITE_STATIC) != SQLITE_OK);
}

// Some failures (disk full, I/O) make SQLite roll back by itself. What follows in the
// same transaction must then fail too, or it would be committed alone.
static bool was_rolled_back(const struct store *s)
{
    return s->is_begun && sqlite3_get_autocommit(s->db);
}

void db_forget_task(struct store *s)
{
    s->last_task->id = 0;
}

enum err db_write(struct store *s, sqlite3_stmt *st, struct errinfo *why)
{
    if (was_rolled_back(s)) {
        db_done(st);
        return err_set(why, ERR_IO, "database: the transaction was rolled back");
    }
    int code = sqlite3_step(st);
    enum err e = ERR_OK;
    if (code != SQLITE_DONE) {
        e = db_error(s->db, code, "write", why);
        db_forget_task(s);
    }
    db_done(st);
    return e;
}

enum err db_row(struct store *s, sqlite3_stmt *st, bool *has_row, struct errinfo *why)
{
    int code = sqlite3_step(st);
    *has_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        return ERR_OK;
    }
    return db_error(s->db, code, "read", why);
}

uint64_t db_column_u64(sqlite3_stmt *st, int at)
{
    return (uint64_t)sqlite3_column_int64(st, at);
}

uint32_t db_column_u32(sqlite3_stmt *st, int at)
{
    return (uint32_t)sqlite3_column_int64(st, at);
}

void db_column_text(sqlite3_stmt *st, int at, char *out, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(st, at);
    snprintf(out, cap, "%s", text ? (const char *)text : "");
}
