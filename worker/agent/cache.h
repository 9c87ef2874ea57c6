// SPDX-License-Identifier: Apache-2.0
// cache.h - keeps a worker's folder of artifacts small.
//
// Threads: any, with the store's.
#ifndef WORKER_AGENT_CACHE_H
#define WORKER_AGENT_CACHE_H

#include "common/blob/store.h"

#define CACHE_KEEP 4 // artifacts kept beside the pinned ones: the newest

// Removes every artifact of the store's own folder but the pinned ones and the
// CACHE_KEEP newest of the others. What cannot be removed is left for the next time.
void cache_trim(struct blob_store *blobs, const char *const *pinned, size_t n_pinned);

#endif
