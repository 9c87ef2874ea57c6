// SPDX-License-Identifier: Apache-2.0
// backup.c - see backup.h. A reader of the write-ahead log keeps no writer waiting.
#include "coordinator/store/backup.h"

#include "common/base/file.h"
#include "coordinator/store/db.h"

// All pages at once: with pauses, each commit in between would begin it anew.
static enum err copy_pages(sqlite3 *from, sqlite3 *to, struct errinfo *why)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b) {
        return db_error(to, sqlite3_errcode(to), "begin a copy", why);
    }
    int code = sqlite3_backup_step(b, -1);
    int end = sqlite3_backup_finish(b);
    if (code == SQLITE_DONE) {
        code = end;
    }
    return code == SQLITE_OK ? ERR_OK : db_error(to, code, "copy itself", why);
}

static enum err copy_to(sqlite3 *from, const char *path, struct errinfo *why)
{
    sqlite3 *to = NULL;
    int code =
        sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    enum err e = code == SQLITE_OK ? copy_pages(from, to, why)
                                   : db_error(to, code, "open the copy", why);
    sqlite3_close(to);
    return e;
}

enum err backup_database(const char *dir, const char *to, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/state.db", to);
    if (e == ERR_OK && file_exists(path)) {
        e = err_set(why, ERR_INPUT, "%s is there already", path);
    }
    struct store *s = NULL;
    if (e == ERR_OK) {
        e = store_open_readonly(dir, &s, why);
    }
    if (e == ERR_OK) {
        e = copy_to(s->db, path, why);
    }
    store_close(s);
    return e == ERR_OK ? file_sync_dir(to, why) : e;
}
