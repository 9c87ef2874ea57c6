// SPDX-License-Identifier: Apache-2.0
// merge.h - averages the checkpoints of a round's shards into one.
//
// Values, optimiser moments and BN statistics: the plain mean, summed in double in
// shard order. Integers and step counts ("adam.step."): the largest. Nothing depends on
// which shard arrived first, so the same shards always give the same bytes, on any
// machine. Metadata is the first shard's, with the notes on top.
//
// Owns: nothing. Threads: any (made for the thread pool; memory: one checkpoint).
#ifndef COORDINATOR_STUDY_MERGE_H
#define COORDINATOR_STUDY_MERGE_H

#include "common/base/err.h"

#include <stddef.h>

struct merge_note {
    const char *key;
    const char *value;
};

// paths: the shards' files in shard order. ERR_CORRUPT names the shard and tensor that
// do not match, ERR_NUMERIC the one whose mean is not finite; ERR_NOTFOUND, ERR_IO,
// ERR_NOMEM.
MUST_CHECK enum err merge_checkpoints(const char *const *paths, size_t n_paths,
                                      const struct merge_note *notes, size_t n_notes,
                                      const char *out_path, struct errinfo *why);

#endif
