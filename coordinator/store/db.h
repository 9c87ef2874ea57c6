// SPDX-License-Identifier: Apache-2.0
// db.h - the store's own view of SQLite: prepared statements, binding, one translator.
//
// Private to this room. A statement is taken with db_use, bound, then run to its end by
// db_write or stepped by db_row; db_done gives it back. Binding fails only for no
// memory or our own mistake, so it aborts.
//
// Owns: struct store's inside. Threads: as struct store.
#ifndef COORDINATOR_STORE_DB_H
#define COORDINATOR_STORE_DB_H

#include "coordinator/store/sql.h"
#include "coordinator/store/store.h"

#include <sqlite3.h>

#include <stddef.h>

struct task_row;

struct store {
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_STATEMENTS];
    int lock_fd; // -1 for readers
    bool is_begun;
    // Deciding on a task takes several looks at its row. The one seen last in this
    // transaction (id 0: none) is as it was: only we write.
    struct task_row *last_task;
};

void db_forget_task(struct store *s); // what was seen may be undone

// SQLite's code as ours, with its sentence. The only translator.
enum err db_error(sqlite3 *db, int code, const char *doing, struct errinfo *why);

// The prepared statement, ready to bind. BUG when it is being stepped already: a
// visitor may not start the same visit again from inside.
sqlite3_stmt *db_use(struct store *s, enum sql which);
void db_done(sqlite3_stmt *st);

void db_bind_int(sqlite3_stmt *st, int at, int64_t value);
void db_bind_u64(sqlite3_stmt *st, int at, uint64_t value); // same bits
void db_bind_real(sqlite3_stmt *st, int at, double value);
void db_bind_text(sqlite3_stmt *st, int at, const char *text); // borrowed until done
void db_bind_blob(sqlite3_stmt *st, int at, const void *p, size_t n); // borrowed

// Runs a statement that returns no rows, and gives it back.
MUST_CHECK enum err db_write(struct store *s, sqlite3_stmt *st, struct errinfo *why);
// Next row: *has_row false at the end. The caller gives the statement back either way.
MUST_CHECK enum err db_row(struct store *s, sqlite3_stmt *st, bool *has_row,
                           struct errinfo *why);

uint64_t db_column_u64(sqlite3_stmt *st, int at);
uint32_t db_column_u32(sqlite3_stmt *st, int at);
void db_column_text(sqlite3_stmt *st, int at, char *out, size_t cap); // cut to fit

// Brings a database that was just opened to this version's schema.
MUST_CHECK enum err db_migrate(sqlite3 *db, bool may_write, struct errinfo *why);

#endif
