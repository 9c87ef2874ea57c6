// SPDX-License-Identifier: Apache-2.0
// backup.h - a copy of the database as of one moment, while its owner writes on.
//
// Owns: nothing. Threads: any; it has a connection of its own.
#ifndef COORDINATOR_STORE_BACKUP_H
#define COORDINATOR_STORE_BACKUP_H

#include "common/base/err.h"

// Copies DIR/state.db to TO/state.db (not there yet, TO is), synced. What was committed
// when it began is in it, nothing by halves. ERR_NOTFOUND, ERR_FULL, ERR_IO,
// ERR_CORRUPT.
MUST_CHECK enum err backup_database(const char *dir, const char *to,
                                    struct errinfo *why);

#endif
