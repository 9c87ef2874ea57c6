// SPDX-License-Identifier: Apache-2.0
// pack_format.h - how a pack lies on disk; shared by pack.c and pack_writer.c only.
//
// head | samples, utterance after utterance | index | trailer. Little-endian. The index
// (aligned to 8) is: utterances (train, eval, noise), speakers, trials, names. Trailer
// last, so that a pack is written and hashed in one pass. Nothing is optional: every
// offset follows from the counts, and a reader refuses a file where it does not.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_DATA_PACK_FORMAT_H
#define WORKER_DATA_PACK_FORMAT_H

#include "common/blob/hash.h"

#include <assert.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "packs are little-endian and mapped as they are");

#define PACK_HEAD      "voxarch pack 1\n" // 16 bytes with the final zero
#define PACK_HEAD_SIZE 64                 // the rest is zeros
#define PACK_PARTS     3

struct pack_disk_utt {
    uint64_t samples_at; // bytes from the start of the file
    uint64_t n_samples;
    uint32_t name_at; // in the names
    int32_t speaker;  // -1 unless training
};

struct pack_disk_trial {
    uint32_t enroll, test; // among the evaluation utterances
    uint32_t is_target;    // 0 or 1
};

struct pack_disk_trailer {
    uint64_t n_utts[PACK_PARTS];
    uint64_t n_speakers; // each a uint32_t name_at
    uint64_t n_trials;
    uint64_t names_size; // bytes, zero-terminated names
    uint64_t index_at;   // the utterance table
    uint64_t file_size;
    char check[HASH_HEX_LEN]; // of all bytes before, and this trailer with zeros here
    char head[sizeof(PACK_HEAD)];
    uint8_t zeros[48];
};

_Static_assert(sizeof(struct pack_disk_utt) == 24, "on disk");
_Static_assert(sizeof(struct pack_disk_trial) == 12, "on disk");
_Static_assert(sizeof(struct pack_disk_trailer) == 192, "on disk");

#endif
