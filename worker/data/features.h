// SPDX-License-Identifier: Apache-2.0
// features.h - what a network hears: log-mel frames, levelled as it was trained for.
//
// INPUT_BY_RECORDING is the front end of fbank.h. INPUT_FIXED shifts and scales the
// log-mel values of all recordings alike, so that what a voice, its microphone and its
// room do to the long-term spectrum stays in.
//
// Owns: a front end. Threads: one at a time per struct.
#ifndef WORKER_DATA_FEATURES_H
#define WORKER_DATA_FEATURES_H

#include "common/space/dims.h"

#include <stddef.h>

struct features;

struct features *features_create(const struct net_dims *d);
void features_destroy(struct features *f); // NULL is fine

// samples in [-1, 1], n >= FBANK_MIN_SAMPLES. out [fbank_n_frames(n)][n_mels].
void features_compute(struct features *f, const float *samples, size_t n, float *out);

#endif
