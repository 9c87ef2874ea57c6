// SPDX-License-Identifier: Apache-2.0
// sampling.h - which training recording is heard when.
//
// An epoch has as many positions as there are recordings. With balance 0 it is a
// permutation of them. Otherwise a recording of a speaker who has n is heard in
// proportion to n^-balance: 1 lets all speakers speak equally often, -1 favours those
// with many recordings. Its expected number of times in an epoch, rounded up or down,
// is how often it is heard (systematic sampling). Keyed by (seed, RNG_EPOCH, stage,
// epoch), whatever was asked for before.
//
// Owns: the epoch's order. Borrows: pack. Threads: one at a time.
#ifndef WORKER_DATA_SAMPLING_H
#define WORKER_DATA_SAMPLING_H

#include "common/conf/study.h"
#include "worker/data/pack.h"

struct sampling;

struct sampling *sampling_create(const struct pack *p, const struct study_conf *conf,
                                 uint32_t stage);
void sampling_destroy(struct sampling *s); // NULL is fine

// Index of the training utterance at a position of the stage.
uint32_t sampling_utt_at(struct sampling *s, uint64_t position);

#endif
