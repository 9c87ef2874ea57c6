// SPDX-License-Identifier: Apache-2.0
// test_train_round.c - cutting a stage into rounds and rounds into shards.
#include "common/base/rng.h"
#include "common/conf/stage_batches.h"
#include "coordinator/study/train_round.h"
#include "tests/lib/check_main.h"

static struct study_conf *conf_of(int round_steps, int max_shards)
{
    struct study_conf *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    c->train.round_steps = round_steps;
    c->train.max_shards = max_shards;
    c->train.batch = 32;
    c->train.n_stages = 1;
    return c;
}

START_TEST(a_round_has_as_many_shards_as_workers_up_to_the_limit)
{
    struct study_conf *c = conf_of(10, 4);
    const uint32_t workers[] = {0, 1, 3, 4, 9};
    const uint32_t shards[] = {1, 1, 3, 4, 4};
    for (size_t i = 0; i < 5; i++) {
        struct train_round r = train_round_cut(c, 0, 0, 0, 1000, workers[i]);
        ck_assert_uint_eq(r.n_shards, shards[i]);
        ck_assert_uint_eq(r.n_steps, 10);
    }
    free(c);
}
END_TEST

START_TEST(the_last_rounds_consume_exactly_what_remains)
{
    struct study_conf *c = conf_of(10, 3);
    struct train_round r = train_round_cut(c, 0, 5, 90, 100, 3);
    ck_assert_uint_eq(r.n_shards, 3);
    ck_assert_uint_eq(r.n_steps, 3);
    r = train_round_cut(c, 0, 6, 99, 100, 3);
    ck_assert_uint_eq(r.n_shards, 1);
    ck_assert_uint_eq(r.n_steps, 1);
    free(c);
}
END_TEST

START_TEST(shards_train_the_same_paths_on_batches_of_their_own)
{
    struct study_conf *c = conf_of(8, 3);
    struct train_round r = train_round_cut(c, 2, 4, 100, 1000, 3);
    for (uint32_t s = 0; s < 3; s++) {
        struct train_task t = train_round_task(&r, s);
        ck_assert_uint_eq(t.stage, 2);
        ck_assert_uint_eq(t.round, 4);
        ck_assert_uint_eq(t.shard, s);
        ck_assert_uint_eq(t.position, 100);
        ck_assert_uint_eq(t.stride, 3);
        ck_assert_uint_eq(t.batch_first, 100 + 8 * s);
        ck_assert_uint_eq(train_round_end(&t), 124);
    }
    free(c);
}
END_TEST

START_TEST(one_worker_is_one_uninterrupted_training)
{
    struct study_conf *c = conf_of(7, 8);
    uint64_t position = 0;
    for (uint32_t round = 0; position < 100; round++) {
        struct train_round r = train_round_cut(c, 0, round, position, 100, 1);
        struct train_task t = train_round_task(&r, 0);
        ck_assert_uint_eq(t.stride, 1);
        ck_assert_uint_eq(t.batch_first, t.position);
        position = train_round_end(&t);
    }
    ck_assert_uint_eq(position, 100);
    free(c);
}
END_TEST

// Marks the batches of a round; returns the position after it.
static uint64_t consume(const struct train_round *round, unsigned char *seen,
                        uint64_t n)
{
    uint64_t end = 0;
    for (uint32_t s = 0; s < round->n_shards; s++) {
        struct train_task t = train_round_task(round, s);
        for (uint32_t i = 0; i < t.n_steps; i++) {
            ck_assert_uint_lt(t.batch_first + i, n);
            ck_assert_uint_eq(seen[t.batch_first + i]++, 0);
        }
        end = train_round_end(&t);
    }
    return end;
}

static void consume_stage(struct rng *r)
{
    struct study_conf *c = conf_of(1 + (int)rng_below(r, 40), 1 + (int)rng_below(r, 9));
    uint64_t n = 1 + rng_below(r, 500);
    unsigned char *seen = calloc(n, 1);
    ck_assert_ptr_nonnull(seen);
    uint64_t position = 0;
    for (uint32_t round = 0; position < n; round++) {
        struct train_round cut =
            train_round_cut(c, 0, round, position, n, (uint32_t)rng_below(r, 12));
        position = consume(&cut, seen, n);
    }
    for (uint64_t i = 0; i < n; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
    free(seen);
    free(c);
}

START_TEST(every_batch_is_consumed_once_with_any_number_of_workers)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < 200; i++) {
        consume_stage(&r);
    }
}
END_TEST

START_TEST(a_stage_has_its_epochs_in_batches_and_at_least_one)
{
    struct study_conf *c = conf_of(1, 1);
    c->train.stages[0].epochs = 2.5;
    ck_assert_uint_eq(study_stage_batches(c, 0, 1000), 78); // 78.125
    ck_assert_uint_eq(study_stage_batches(c, 0, 1004), 78); // 78.4375
    ck_assert_uint_eq(study_stage_batches(c, 0, 1008), 79); // 78.75
    ck_assert_uint_eq(study_stage_batches(c, 0, 1), 1);
    free(c);
}
END_TEST

TEST_SUITE(train_round, a_round_has_as_many_shards_as_workers_up_to_the_limit,
           the_last_rounds_consume_exactly_what_remains,
           shards_train_the_same_paths_on_batches_of_their_own,
           one_worker_is_one_uninterrupted_training,
           every_batch_is_consumed_once_with_any_number_of_workers,
           a_stage_has_its_epochs_in_batches_and_at_least_one)
