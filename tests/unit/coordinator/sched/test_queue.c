// SPDX-License-Identifier: Apache-2.0
// test_queue.c - who gets which task, and when.
#include "coordinator/sched/place.h"
#include "coordinator/sched/queue.h"
#include "tests/lib/check_main.h"

#include <string.h>

#define ANY ((1u << TASK_TRAIN) | (1u << TASK_EVALUATE))

static void add(struct queue *q, uint64_t id, enum task_kind kind, int64_t ready_ms)
{
    queue_add(q, &(struct queue_task){.id = id, .kind = kind, .ready_ms = ready_ms}, 0);
}

static uint64_t take(struct queue *q, uint32_t capabilities, int64_t now_ms)
{
    struct queue_task t;
    const struct place_offer offer = {capabilities, "", true, 0};
    return queue_take(q, &offer, now_ms, &t) ? t.id : 0;
}

static void add_measure(struct queue *q, uint64_t id, const char *device,
                        int64_t ready_ms)
{
    struct queue_task t = {.id = id, .kind = TASK_MEASURE, .ready_ms = ready_ms};
    memcpy(t.device, device, strlen(device) + 1);
    queue_add(q, &t, 0);
}

static uint64_t take_for(struct queue *q, const char *device, bool is_idle,
                         int64_t now_ms)
{
    struct queue_task t;
    const struct place_offer offer = {ANY | 1u << TASK_MEASURE, device, is_idle, 0};
    bool took = queue_take(q, &offer, now_ms, &t);
    ck_assert(!took || t.kind != TASK_MEASURE || strcmp(t.device, device) == 0);
    return took ? t.id : 0;
}

START_TEST(training_goes_first_then_the_oldest)
{
    struct queue *q = queue_create();
    add(q, 1, TASK_EVALUATE, 0);
    add(q, 3, TASK_TRAIN, 0);
    add(q, 2, TASK_TRAIN, 0);
    ck_assert_uint_eq(take(q, ANY, 0), 2);
    ck_assert_uint_eq(take(q, ANY, 0), 3);
    ck_assert_uint_eq(take(q, ANY, 0), 1);
    ck_assert_uint_eq(take(q, ANY, 0), 0);
    queue_destroy(q);
}
END_TEST

START_TEST(a_worker_gets_only_what_it_can_run)
{
    struct queue *q = queue_create();
    add(q, 1, TASK_TRAIN, 0);
    add(q, 2, TASK_EVALUATE, 0);
    ck_assert_uint_eq(take(q, 0, 0), 0);
    ck_assert_uint_eq(take(q, place_need(TASK_EVALUATE), 0), 2);
    ck_assert_uint_eq(take(q, place_need(TASK_EVALUATE), 0), 0);
    ck_assert_uint_eq(queue_count(q), 1);
    queue_destroy(q);
}
END_TEST

START_TEST(a_back_off_is_waited_for)
{
    struct queue *q = queue_create();
    add(q, 1, TASK_TRAIN, 500);
    add(q, 2, TASK_TRAIN, 300);
    ck_assert_uint_eq(take(q, ANY, 299), 0);
    ck_assert_uint_eq(take(q, ANY, 300), 2);
    ck_assert_uint_eq(take(q, ANY, 499), 0);
    ck_assert_uint_eq(take(q, ANY, 1000), 1);
    queue_destroy(q);
}
END_TEST

START_TEST(a_measurement_goes_only_to_its_device)
{
    struct queue *q = queue_create();
    add_measure(q, 1, "board", 0);
    add_measure(q, 2, "phone", 0);
    ck_assert_uint_eq(take(q, ANY, 0), 0);
    ck_assert_uint_eq(take_for(q, "watch", true, 0), 0);
    ck_assert_uint_eq(take_for(q, "phone", true, 0), 2);
    ck_assert_uint_eq(take_for(q, "phone", true, 0), 0);
    ck_assert_uint_eq(queue_count(q), 1);
    ck_assert_uint_eq(take_for(q, "board", true, 0), 1);
    queue_destroy(q);
}
END_TEST

static uint64_t take_within(struct queue *q, uint64_t memory_bytes)
{
    struct queue_task t;
    const struct place_offer offer = {ANY | 1u << TASK_MEASURE, "board", false,
                                      memory_bytes};
    return queue_take(q, &offer, 0, &t) ? t.id : 0;
}

START_TEST(a_task_goes_only_where_it_may_have_the_memory_it_needs)
{
    struct queue *q = queue_create();
    struct queue_task large = {.id = 1, .kind = TASK_TRAIN, .memory_bytes = 8ull << 30};
    queue_add(q, &large, 0);
    add(q, 2, TASK_EVALUATE, 0);
    ck_assert_uint_eq(take_within(q, (8ull << 30) - 1), 2); // not in its way either
    ck_assert_uint_eq(take_within(q, (8ull << 30) - 1), 0);
    ck_assert_uint_eq(take_within(q, 0), 0); // one that did not say
    ck_assert_uint_eq(take_within(q, 8ull << 30), 1);
    queue_destroy(q);
}
END_TEST

START_TEST(a_measurement_too_large_for_a_worker_does_not_keep_it_clear)
{
    struct queue *q = queue_create();
    struct queue_task large = {
        .id = 1, .kind = TASK_MEASURE, .device = "board", .memory_bytes = 100};
    queue_add(q, &large, 0);
    add(q, 2, TASK_TRAIN, 0);
    ck_assert_uint_eq(take_within(q, 100), 0);
    ck_assert_uint_eq(take_within(q, 99), 2);
    queue_destroy(q);
}
END_TEST

START_TEST(a_worker_is_kept_clear_until_it_can_measure)
{
    struct queue *q = queue_create();
    add(q, 1, TASK_TRAIN, 0);
    add_measure(q, 2, "board", 10);
    ck_assert_uint_eq(take_for(q, "board", false, 9), 1); // nothing to measure yet
    add(q, 3, TASK_TRAIN, 0);
    ck_assert_uint_eq(take_for(q, "board", false, 10), 0);
    ck_assert_uint_eq(take_for(q, "board", true, 10), 2);
    ck_assert_uint_eq(take_for(q, "board", false, 10), 3);
    queue_destroy(q);
}
END_TEST

TEST_SUITE(queue, a_measurement_goes_only_to_its_device,
           a_task_goes_only_where_it_may_have_the_memory_it_needs,
           a_measurement_too_large_for_a_worker_does_not_keep_it_clear,
           a_worker_is_kept_clear_until_it_can_measure,
           training_goes_first_then_the_oldest, a_worker_gets_only_what_it_can_run,
           a_back_off_is_waited_for)
