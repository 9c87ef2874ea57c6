// SPDX-License-Identifier: Apache-2.0
// avoid.h - which failed tasks should be tried by another worker next.
//
// A second try by the same worker says little: it may be the worker's fault. For a
// while such a task waits for another one, and then takes whom it can get, so that it
// never waits for long. In memory only: after a restart the next worker may be the
// same.
//
// Owns: its entries. Borrows: nothing. Threads: loop thread only.
#ifndef COORDINATOR_SCHED_AVOID_H
#define COORDINATOR_SCHED_AVOID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AVOID_MS  60000 // from when it may be tried again
#define AVOID_MAX 65536 // tasks; more that fail at once are tried by anybody

struct avoid;

struct avoid *avoid_create(void);
void avoid_destroy(struct avoid *a); // NULL is fine

uint64_t avoid_who(const char *worker_name); // a hash: the same name, the same number
void avoid_note(struct avoid *a, uint64_t task_id, uint64_t who, int64_t until_ms);
bool avoid_says(const struct avoid *a, uint64_t task_id, uint64_t who, int64_t now_ms);
void avoid_forget(struct avoid *a, uint64_t task_id); // unknown is fine
size_t avoid_count(const struct avoid *a);

#endif
