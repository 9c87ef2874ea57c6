// SPDX-License-Identifier: Apache-2.0
// store.h - the coordinator's durable state: one SQLite database, one writer.
//
// Rows of studies, tasks, attempts, trials, artifacts and workers. Everything is
// written inside a transaction that the loop turn opens and commits (WAL,
// synchronous=FULL): nothing is acknowledged before store_commit returned. task.h,
// trial.h, study.h and artifact.h hold the verbs; this header opens, closes and frames
// transactions.
//
// Owns: the connection and prepared statements, a lock file that keeps a second writer
// out. Threads: loop thread only; read-only openers have their own.
#ifndef COORDINATOR_STORE_STORE_H
#define COORDINATOR_STORE_STORE_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

// Opens DIR/state.db for writing, migrating it to this version's schema. ERR_BUSY when
// another process holds it, ERR_CORRUPT when quick_check fails or the schema is newer.
MUST_CHECK enum err store_open(const char *dir, struct store **out,
                               struct errinfo *why);
// For people's tools, beside a running coordinator or without one.
MUST_CHECK enum err store_open_readonly(const char *dir, struct store **out,
                                        struct errinfo *why);
void store_close(struct store *s); // NULL is fine; rolls back

MUST_CHECK enum err store_begin(struct store *s,
                                struct errinfo *why); // no-op inside one
MUST_CHECK enum err store_commit(struct store *s, struct errinfo *why); // no-op outside
void store_rollback(struct store *s);
bool store_in_transaction(const struct store *s);

// A part of the transaction that can be undone alone, so that one bad message does not
// take the rest of its turn along. begin opens the transaction when there is none.
// Parts do not nest.
MUST_CHECK enum err store_part_begin(struct store *s, struct errinfo *why);
MUST_CHECK enum err store_part_keep(struct store *s, struct errinfo *why);
void store_part_undo(struct store *s);

// Caps the database file at so many pages of 4 KiB (never below what it has): writing
// more fails as on a full disk.
void store_limit_pages(struct store *s, int n_pages);

// Small named values ("worker_endpoint", ...). get: ERR_NOTFOUND.
MUST_CHECK enum err store_meta_get(struct store *s, const char *key, char *out,
                                   int cap);
MUST_CHECK enum err store_meta_set(struct store *s, const char *key, const char *value);

#endif
