// SPDX-License-Identifier: Apache-2.0
// store.c - see store.h. Opening, the lock file, transactions and named values.
#include "coordinator/store/store.h"

#include "common/base/file.h"
#include "coordinator/store/db.h"
#include "coordinator/store/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000 // a reader's checkpoint lock is held for far less

static const char writer_pragmas[] = "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA foreign_keys = ON;"
                                     "PRAGMA trusted_schema = OFF;";

static enum err lock_busy(int fd, const char *path, struct errinfo *why)
{
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[n > 0 ? (size_t)n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return err_set(why, ERR_BUSY, "%s is held by process %s: a coordinator runs there",
                   path, pid[0] ? pid : "(unknown)");
}

// The lock dies with the process, so a stale file never keeps anyone out.
static enum err take_lock(const char *dir, int *fd, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/lock", dir);
    if (e != ERR_OK) {
        return e;
    }
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        return err_set(why, ERR_IO, "cannot create %s", path);
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        e = errno == EWOULDBLOCK ? lock_busy(*fd, path, why)
                                 : err_set(why, ERR_IO, "cannot lock %s", path);
        close(*fd);
        *fd = -1;
        return e;
    }
    char pid[32];
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)n, 0) != n) {
        return err_set(why, ERR_IO, "cannot write %s", path);
    }
    return ERR_OK;
}

static enum err quick_check(sqlite3 *db, struct errinfo *why)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(st);
    }
    enum err e = ERR_OK;
    if (code != SQLITE_ROW) {
        e = db_error(db, code, "check itself", why);
    } else {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        if (!text || strcmp(text, "ok") != 0) {
            e = err_set(why, ERR_CORRUPT, "database: %s", text ? text : "damaged");
        }
    }
    sqlite3_finalize(st);
    return e;
}

static enum err prepare_all(struct store *s, struct errinfo *why)
{
    for (int i = 0; i < SQL_STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(s->db, sql_text[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &s->stmts[i], NULL);
        if (code != SQLITE_OK) {
            return db_error(s->db, code, "prepare a statement", why);
        }
    }
    return ERR_OK;
}

static enum err open_db(struct store *s, const char *dir, int flags,
                        struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/state.db", dir);
    if (e != ERR_OK) {
        return e;
    }
    if (!(flags & SQLITE_OPEN_CREATE) && !file_exists(path)) {
        return err_set(why, ERR_NOTFOUND, "there is no %s", path);
    }
    int code = sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    }
    if (code != SQLITE_OK) {
        e = db_error(s->db, code, "open", why);
        return err_prefix(why, e, "%s", path);
    }
    return ERR_OK;
}

// What a person can do about it.
static enum err advise(const char *dir, enum err e, struct errinfo *why)
{
    if (e != ERR_CORRUPT || !why) {
        return e;
    }
    char text[ERRINFO_MAX];
    snprintf(text, sizeof(text), "%s", why->text);
    return err_set(why, e,
                   "%s/state.db is damaged (%.300s): keep it aside, and go on from a "
                   "backup (voxarch backup makes them)",
                   dir, text);
}

static enum err set_up_writer(struct store *s, const char *dir, struct errinfo *why)
{
    enum err e = take_lock(dir, &s->lock_fd, why);
    if (e == ERR_OK) {
        e = open_db(s, dir, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, why);
    }
    if (e == ERR_OK) {
        int code = sqlite3_exec(s->db, writer_pragmas, NULL, NULL, NULL);
        e = code == SQLITE_OK ? ERR_OK : db_error(s->db, code, "configure itself", why);
    }
    if (e == ERR_OK) {
        e = quick_check(s->db, why);
    }
    return advise(dir, e, why);
}

static enum err finish_open(struct store *s, bool may_write, enum err e,
                            struct store **out, struct errinfo *why)
{
    if (e == ERR_OK) {
        e = db_migrate(s->db, may_write, why);
    }
    if (e == ERR_OK) {
        e = prepare_all(s, why);
    }
    if (e != ERR_OK) {
        store_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

static struct store *store_new(void)
{
    struct store *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->last_task = calloc(1, sizeof(*s->last_task));
    BUG_ON(!s->last_task);
    s->lock_fd = -1;
    return s;
}

enum err store_open(const char *dir, struct store **out, struct errinfo *why)
{
    enum err e = file_make_dirs(dir, why);
    if (e != ERR_OK) {
        return e;
    }
    struct store *s = store_new();
    e = set_up_writer(s, dir, why);
    return finish_open(s, true, e, out, why);
}

enum err store_open_readonly(const char *dir, struct store **out, struct errinfo *why)
{
    struct store *s = store_new();
    enum err e = open_db(s, dir, SQLITE_OPEN_READONLY, why);
    return finish_open(s, false, e, out, why);
}

void store_close(struct store *s)
{
    if (!s) {
        return;
    }
    if (s->is_begun) {
        store_rollback(s);
    }
    for (int i = 0; i < SQL_STATEMENTS; i++) {
        sqlite3_finalize(s->stmts[i]);
    }
    sqlite3_close(s->db);
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
    }
    free(s->last_task);
    free(s);
}

enum err store_begin(struct store *s, struct errinfo *why)
{
    if (s->is_begun) {
        return ERR_OK;
    }
    enum err e = db_write(s, db_use(s, SQL_BEGIN), why);
    s->is_begun = e == ERR_OK;
    db_forget_task(s);
    return e;
}

enum err store_commit(struct store *s, struct errinfo *why)
{
    if (!s->is_begun) {
        return ERR_OK;
    }
    enum err e = db_write(s, db_use(s, SQL_COMMIT), why);
    if (e == ERR_OK) {
        s->is_begun = false;
    }
    return e;
}

void store_rollback(struct store *s)
{
    if (s->is_begun && !sqlite3_get_autocommit(s->db)) {
        sqlite3_stmt *st = db_use(s, SQL_ROLLBACK);
        sqlite3_step(st); // nothing is left to do when it fails: the file is as it was
        db_done(st);
    }
    s->is_begun = false;
    db_forget_task(s);
}

bool store_in_transaction(const struct store *s)
{
    return s->is_begun;
}

enum err store_part_begin(struct store *s, struct errinfo *why)
{
    enum err e = store_begin(s, why);
    return e == ERR_OK ? db_write(s, db_use(s, SQL_PART_BEGIN), why) : e;
}

enum err store_part_keep(struct store *s, struct errinfo *why)
{
    return db_write(s, db_use(s, SQL_PART_KEEP), why);
}

// When SQLite rolled everything back already there is no part left, and db_write says
// so.
void store_part_undo(struct store *s)
{
    db_forget_task(s);
    enum err e = db_write(s, db_use(s, SQL_PART_UNDO), NULL);
    if (e == ERR_OK) {
        e = store_part_keep(s, NULL);
    }
    (void)e; // the commit will fail
}

void store_limit_pages(struct store *s, int n_pages)
{
    char text[64];
    snprintf(text, sizeof(text), "PRAGMA max_page_count = %d", n_pages);
    BUG_ON(sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK);
}

enum err store_meta_get(struct store *s, const char *key, char *out, int cap)
{
    sqlite3_stmt *st = db_use(s, SQL_META_GET);
    db_bind_text(st, 1, key);
    bool has_row = false;
    enum err e = db_row(s, st, &has_row, NULL);
    if (e == ERR_OK && has_row) {
        db_column_text(st, 0, out, (size_t)cap);
    }
    db_done(st);
    if (e != ERR_OK) {
        return e;
    }
    return has_row ? ERR_OK : ERR_NOTFOUND;
}

enum err store_meta_set(struct store *s, const char *key, const char *value)
{
    sqlite3_stmt *st = db_use(s, SQL_META_SET);
    db_bind_text(st, 1, key);
    db_bind_text(st, 2, value);
    return db_write(s, st, NULL);
}
