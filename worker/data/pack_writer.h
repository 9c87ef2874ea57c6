// SPDX-License-Identifier: Apache-2.0
// pack_writer.h - writes a pack in one pass: utterances as they come, the index last.
//
// Utterances are added part by part (train, eval, noise) and their samples go straight
// to a temporary file; commit numbers the speakers by sorted name, writes the index,
// syncs and renames, so that the final name only ever holds a whole pack.
//
// Owns: the temporary file, the index in memory. Threads: one at a time.
#ifndef WORKER_DATA_PACK_WRITER_H
#define WORKER_DATA_PACK_WRITER_H

#include "common/blob/hash.h"
#include "worker/data/pack.h"

struct pack_writer;

// ERR_IO when the temporary file cannot be made beside `path`.
MUST_CHECK enum err pack_writer_open(const char *path, struct pack_writer **out,
                                     struct errinfo *why);
// `speaker` names the training class; NULL outside PACK_TRAIN. Strings are copied.
MUST_CHECK enum err pack_writer_add(struct pack_writer *w, enum pack_part part,
                                    const char *id, const char *speaker,
                                    const int16_t *samples, uint64_t n_samples,
                                    struct errinfo *why);
// enroll, test: the order in which PACK_EVAL utterances were added.
void pack_writer_add_trial(struct pack_writer *w, uint32_t enroll, uint32_t test,
                           bool is_target);

// The writer is freed by commit, whether it succeeds or not, and by abort.
MUST_CHECK enum err pack_writer_commit(struct pack_writer *w,
                                       char hash[static HASH_HEX_MAX],
                                       uint64_t *size_bytes, struct errinfo *why);
void pack_writer_abort(struct pack_writer *w); // NULL is fine

#endif
