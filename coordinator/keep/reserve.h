// SPDX-License-Identifier: Apache-2.0
// reserve.h - room on the disk that is kept back for finishing what was begun.
//
// The happy path: a preallocated file lies in the run directory and nothing else
// happens. The failures: when a write found no room, or what is free falls below a
// quarter of the reserve, the file is given up (*spent*). Its room is for the results
// of tasks that are leased; nothing new is begun. Once the reserve and that quarter
// would fit again, the file is made anew and all is as before.
//
// Owns: the file. Threads: loop thread.
#ifndef COORDINATOR_KEEP_RESERVE_H
#define COORDINATOR_KEEP_RESERVE_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RESERVE_DEFAULT_MIB 16   // some thousand results, or a small checkpoint
#define RESERVE_LOOK_MS     1000 // between looks at what is free
#define RESERVE_REST_MS     3000 // spent at least this long: a disk at its brim wavers

struct reserve;

// Takes the file of an earlier process as it is; a disk without room for one leaves it
// spent from the start. size_bytes 0: no file, only writes that fail spend it. ERR_IO.
MUST_CHECK enum err reserve_open(const char *dir, uint64_t size_bytes, int64_t now_ms,
                                 struct reserve **out, struct errinfo *why);
void reserve_close(struct reserve *r); // NULL is fine; the file stays

bool reserve_is_spent(const struct reserve *r);
void reserve_spend(struct reserve *r, int64_t now_ms); // a write found no room

// Looks at the disk, not too often. True when it was spent, or made anew, by that.
bool reserve_tick(struct reserve *r, int64_t now_ms);

// Would so many bytes leave room for the rows that go with them? As of the last look.
bool reserve_has_room(const struct reserve *r, uint64_t size_bytes);

uint64_t reserve_free_bytes(const struct reserve *r); // as of the last look

#endif
