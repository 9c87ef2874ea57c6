// SPDX-License-Identifier: Apache-2.0
// decode.h - decodes the recordings of a corpus on several threads, in order.
//
// Threads run at most a window of recordings ahead of the one asked for, so memory
// stays bounded; what comes out does not depend on how many threads there are.
//
// Owns: the threads, the recordings decoded ahead. Borrows: the corpus. Threads: one
// caller.
#ifndef WORKER_DATA_DECODE_H
#define WORKER_DATA_DECODE_H

#include "worker/data/audio.h"
#include "worker/data/corpus.h"

struct decoder_pool;

// n_threads 0: as many as there are CPUs. ERR_IO when no thread can be started.
MUST_CHECK enum err decoder_pool_start(const struct corpus *c, int n_threads,
                                       struct decoder_pool **out, struct errinfo *why);
void decoder_pool_stop(struct decoder_pool *p); // at any time; NULL is fine

// The next recording of the corpus; its samples become the caller's. A file that cannot
// be used is the returned error (see audio_load), and the next call goes on behind it.
// Must not be called more often than there are recordings.
MUST_CHECK enum err decoder_pool_next(struct decoder_pool *p, struct audio *out,
                                      struct errinfo *why);

#endif
