// SPDX-License-Identifier: Apache-2.0
// train_round.h - a round of training: how a stretch of batches is cut into shards.
//
// A round consumes n_shards * n_steps batches of its stage. Step i of every shard
// trains the path of position + i * n_shards (the same path in all shards, so that
// their average is an average of like with like), each on batches of its own. The
// rounds of a stage consume exactly its n_batches, whatever the number of workers was
// on the way.
//
// Owns: nothing; pure. Threads: any.
#ifndef COORDINATOR_STUDY_TRAIN_ROUND_H
#define COORDINATOR_STUDY_TRAIN_ROUND_H

#include "common/conf/study.h"
#include "proto/msg.h"

struct train_round {
    uint32_t stage;     // index into the study's stages
    uint32_t round;     // in the stage, from 0
    uint64_t position;  // batches of the stage consumed before it
    uint64_t n_batches; // of the whole stage
    uint32_t n_shards;
    uint32_t n_steps; // of each shard
};

// Cuts the next round at `position` < n_batches for that many workers (0 counts as 1).
struct train_round train_round_cut(const struct study_conf *conf, uint32_t stage,
                                   uint32_t round, uint64_t position,
                                   uint64_t n_batches, uint32_t n_workers);

struct train_task train_round_task(const struct train_round *r, uint32_t shard);

// Batches of the stage consumed once the round that this shard belongs to is merged.
uint64_t train_round_end(const struct train_task *shard);

#endif
