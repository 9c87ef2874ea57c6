// SPDX-License-Identifier: Apache-2.0
// migrate.c - one entry per schema version; PRAGMA user_version says which have run.
//
// A released entry never changes: a new version is a new entry at the end.
#include "coordinator/store/db.h"
#include "coordinator/store/schema_sql.h"

#include <stdio.h>

// Predictors: two states more, in front of the search; what a fit brought.
static const char predictors_sql[] =
    "UPDATE study SET state = state + 2 WHERE state >= 3;"
    "ALTER TABLE study ADD COLUMN predictor TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE study ADD COLUMN fit TEXT NOT NULL DEFAULT '';";

// Devices: what each study's latency tables are, and who measures for which.
static const char devices_sql[] =
    "CREATE TABLE device ("
    " study_id INTEGER NOT NULL REFERENCES study (id),"
    " name TEXT NOT NULL,"
    " state INTEGER NOT NULL,"  // enum device_state
    " latencies TEXT NOT NULL," // artifact: the table; '' until there
    " measured TEXT NOT NULL,"  // artifact: every measured network
    " n_networks INTEGER NOT NULL, n_failed INTEGER NOT NULL,"
    " n_noisy INTEGER NOT NULL, n_units INTEGER NOT NULL,"
    " n_holdout INTEGER NOT NULL, spearman REAL NOT NULL,"
    " median_error REAL NOT NULL, p95_error REAL NOT NULL,"
    " error TEXT NOT NULL,"
    " PRIMARY KEY (study_id, name)) STRICT;"
    "ALTER TABLE worker ADD COLUMN device TEXT NOT NULL DEFAULT '';";

// Outcomes: a runner that hangs has one of its own, in front of the lost ones; and what
// a failed runner said last.
static const char outcomes_sql[] =
    "UPDATE attempt SET outcome = outcome + 1 WHERE outcome >= 7;"
    "ALTER TABLE attempt ADD COLUMN log_tail TEXT NOT NULL DEFAULT '';";

// Failed attempts are found by their task; which names of workers are given nothing.
static const char standing_sql[] =
    "CREATE INDEX attempt_failed ON attempt (task_id, token) WHERE outcome > 1;"
    "CREATE TABLE standing ("
    " name TEXT PRIMARY KEY,"
    " state INTEGER NOT NULL," // enum standing
    " since_ms INTEGER NOT NULL,"
    " from_token INTEGER NOT NULL," // its record is read from here on
    " reason TEXT NOT NULL) STRICT, WITHOUT ROWID;";

// Fine-tuning: a state more, behind the search; what it did to the loss.
static const char finetune_sql[] =
    "UPDATE study SET state = state + 1 WHERE state >= 6;"
    "ALTER TABLE trial ADD COLUMN loss_first REAL;"
    "ALTER TABLE trial ADD COLUMN loss_last REAL;";

// Studies beside each other: how they share the workers.
static const char shares_sql[] =
    "ALTER TABLE study ADD COLUMN weight REAL NOT NULL DEFAULT 1;"
    "ALTER TABLE study ADD COLUMN is_paused INTEGER NOT NULL DEFAULT 0;";

static const char *const migrations[] = {
    schema_sql,     // 1
    predictors_sql, // 2
    devices_sql,    // 3
    outcomes_sql,   // 4
    standing_sql,   // 5
    finetune_sql,   // 6
    shares_sql,     // 7
};
#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

static enum err read_version(sqlite3 *db, int *version, struct errinfo *why)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(st);
    }
    if (code == SQLITE_ROW) {
        *version = sqlite3_column_int(st, 0);
    }
    sqlite3_finalize(st);
    return code == SQLITE_ROW ? ERR_OK : db_error(db, code, "read its version", why);
}

static enum err run_one(sqlite3 *db, int version, struct errinfo *why)
{
    char finish[64];
    snprintf(finish, sizeof(finish), "PRAGMA user_version = %d; COMMIT;", version);
    int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, migrations[version - 1], NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(db, finish, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        return ERR_OK;
    }
    enum err e = db_error(db, code, "migrate", why);
    if (!sqlite3_get_autocommit(db)) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return e;
}

enum err db_migrate(sqlite3 *db, bool may_write, struct errinfo *why)
{
    int version = 0;
    enum err e = read_version(db, &version, why);
    if (e != ERR_OK) {
        return e;
    }
    if (version > SCHEMA_VERSION || version < 0) {
        return err_set(why, ERR_CORRUPT,
                       "database: schema version %d is newer than this program's %d",
                       version, SCHEMA_VERSION);
    }
    if (version < SCHEMA_VERSION && !may_write) {
        return err_set(why, ERR_CORRUPT,
                       "database: schema version %d, this program reads %d; start the "
                       "coordinator once to bring it up to date",
                       version, SCHEMA_VERSION);
    }
    while (version < SCHEMA_VERSION && e == ERR_OK) {
        e = run_one(db, ++version, why);
    }
    return e;
}
