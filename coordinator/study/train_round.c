// SPDX-License-Identifier: Apache-2.0
// train_round.c - see train_round.h.
#include "coordinator/study/train_round.h"

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

struct train_round train_round_cut(const struct study_conf *conf, uint32_t stage,
                                   uint32_t round, uint64_t position,
                                   uint64_t n_batches, uint32_t n_workers)
{
    BUG_ON(position >= n_batches);
    BUG_ON(conf->train.max_shards < 1 || conf->train.round_steps < 1);
    uint64_t remaining = n_batches - position;
    uint64_t n_shards = n_workers > 0 ? n_workers : 1;
    n_shards = at_most(n_shards, (uint64_t)conf->train.max_shards);
    n_shards = at_most(n_shards, remaining);
    uint64_t n_steps = at_most((uint64_t)conf->train.round_steps, remaining / n_shards);
    return (struct train_round){
        .stage = stage,
        .round = round,
        .position = position,
        .n_batches = n_batches,
        .n_shards = (uint32_t)n_shards,
        .n_steps = (uint32_t)n_steps,
    };
}

struct train_task train_round_task(const struct train_round *r, uint32_t shard)
{
    BUG_ON(shard >= r->n_shards);
    return (struct train_task){
        .stage = r->stage,
        .round = r->round,
        .shard = shard,
        .n_shards = r->n_shards,
        .position = r->position,
        .stride = r->n_shards,
        .batch_first = r->position + (uint64_t)shard * r->n_steps,
        .n_steps = r->n_steps,
        .n_batches = r->n_batches,
    };
}

uint64_t train_round_end(const struct train_task *shard)
{
    return shard->position + (uint64_t)shard->n_shards * shard->n_steps;
}
