// SPDX-License-Identifier: Apache-2.0
// pack.h - one file with everything a worker needs: audio, speakers, trials, noise.
//
// Recordings are decoded, mixed to mono and resampled to 16 kHz once, stored as 16-bit
// samples, and mapped into memory for use. The index names every utterance (as the
// trial list does), its speaker and its part. The file is content-hashed as an
// artifact; the same inputs give the same bytes. The header and index are checked on
// opening (bounds, counts, offsets) before anything is believed.
//
// Owns: the map. Threads: reading from any.
#ifndef WORKER_DATA_PACK_H
#define WORKER_DATA_PACK_H

#include "common/blob/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_SAMPLE_RATE 16000

enum pack_part { PACK_TRAIN, PACK_EVAL, PACK_NOISE };

struct pack_utt {
    const char *id; // file name as in the manifest or trial list; wav.scp key
    enum pack_part part;
    int speaker; // training class in [0, n_speakers) for PACK_TRAIN, else -1
    uint64_t n_samples;
    const int16_t *samples; // 16 kHz mono
};

struct pack_trial {
    uint32_t enroll, test; // indices into the utterances, both PACK_EVAL
    bool is_target;
};

struct pack;

// Shortest and longest recording: what the front end's reflection and batching need,
// with room to spare; what fits every count of frames and samples.
#define PACK_MIN_SAMPLES 1600 // 0.1 s
#define PACK_MAX_SAMPLES ((uint64_t)PACK_SAMPLE_RATE * 3600 * 2)

// ERR_NOTFOUND, ERR_CORRUPT.
MUST_CHECK enum err pack_open(const char *path, struct pack **out, struct errinfo *why);
void pack_close(struct pack *p); // NULL is fine

size_t pack_count(const struct pack *p, enum pack_part part);
// The i-th utterance of a part (train first, then eval, then noise in the file).
struct pack_utt pack_utt_at(const struct pack *p, enum pack_part part, size_t i);
int pack_n_speakers(const struct pack *p);
const char *pack_speaker_name(const struct pack *p, int speaker);
size_t pack_n_trials(const struct pack *p);
const struct pack_trial *pack_trials(const struct pack *p); // enroll/test: EVAL indices

// Reads all of it and compares with the hash inside. `hash` gets the file's own content
// hash, the name it has as an artifact. ERR_CORRUPT.
MUST_CHECK enum err pack_verify(const struct pack *p, char hash[static HASH_HEX_MAX],
                                struct errinfo *why);
uint64_t pack_size_bytes(const struct pack *p);

#endif
