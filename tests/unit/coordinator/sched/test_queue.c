// SPDX-License-Identifier: Apache-2.0
// test_queue.c - who gets which task, and when.
#include "coordinator/sched/place.h"
#include "coordinator/sched/queue.h"
#include "tests/lib/check_main.h"

#define ANY ((1u << TASK_TRAIN) | (1u << TASK_EVALUATE))

static void add(struct queue *q, uint64_t id, enum task_kind kind, int64_t ready_ms)
{
    queue_add(q, &(struct queue_task){id, kind, ready_ms}, 0);
}

static uint64_t take(struct queue *q, uint32_t capabilities, int64_t now_ms)
{
    struct queue_task t;
    return queue_take(q, capabilities, now_ms, &t) ? t.id : 0;
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

TEST_SUITE(queue, training_goes_first_then_the_oldest,
           a_worker_gets_only_what_it_can_run, a_back_off_is_waited_for)
