// SPDX-License-Identifier: Apache-2.0
// strays.h - processes that runners left behind, out of their group: they come to us,
// and end here.
//
// Owns: children of this process that nobody knows. Threads: one at a time.
#ifndef WORKER_EXEC_STRAYS_H
#define WORKER_EXEC_STRAYS_H

#include <stdbool.h>
#include <stddef.h>

// From now on, orphans below this process become its children (where the kernel can).
void strays_adopt(void);

// Kills and collects every child that is not known. Returns how many are still there:
// ask again.
typedef bool strays_known_fn(void *arg, int pid);
size_t strays_end(strays_known_fn *is_known, void *arg);

#endif
