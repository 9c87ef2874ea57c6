// SPDX-License-Identifier: Apache-2.0
// cache.h - which artifacts a worker keeps: those in use and the last few used.
//
// Use is written into the file's modification time, so that it is remembered over
// restarts. A study and its packed data are used by every task and so always stay; a
// checkpoint that a newer one superseded is soon among the oldest.
//
// Owns: nothing. Borrows: the store. Threads: loop thread.
#ifndef WORKER_AGENT_CACHE_H
#define WORKER_AGENT_CACHE_H

#include "common/blob/store.h"

#define CACHE_KEEP     6     // beyond those in use: study, data, and four checkpoints
#define CACHE_YOUNG_MS 60000 // and what may have been made a moment ago, by a runner

void cache_touch(const struct blob_store *s, const char *hash); // it is used now

// Removes what is not in use, but for the young and the CACHE_KEEP most recently used.
// Returns how many were removed.
typedef bool cache_in_use_fn(void *arg, const char *hash);
size_t cache_trim(struct blob_store *s, cache_in_use_fn *in_use, void *arg);

#endif
