// SPDX-License-Identifier: Apache-2.0
// augment.h - what makes a training crop harder: a room, noise, masked features.
//
// Everything is drawn from one stream per crop, (seed, RNG_AUGMENT, stage, position),
// in a fixed order. Rooms are synthetic: a direct path and a tail of noise that decays
// by 60 dB within a reverberation time of .15 to .6 s. Source of the masks:
// SpecAugment, arXiv 1904.08779.
//
// Owns: FFT plans and scratch. Borrows: pack, conf. Threads: one at a time.
#ifndef WORKER_DATA_AUGMENT_H
#define WORKER_DATA_AUGMENT_H

#include "common/base/rng.h"
#include "common/conf/study.h"
#include "worker/data/pack.h"

struct augment;

// For crops of exactly n_samples.
struct augment *augment_create(const struct study_augment *conf, const struct pack *p,
                               size_t n_samples);
void augment_destroy(struct augment *a); // NULL is fine

// Room, then noise, each with its probability; in place, loudness kept. [n_samples]
void augment_samples(struct augment *a, struct rng *r, float *samples);

// Masks of zeros (the mean) over bins and over time, in place. [n_frames][n_mels]
void augment_features(const struct augment *a, struct rng *r, float *features,
                      int n_frames, int n_mels);

#endif
