// SPDX-License-Identifier: Apache-2.0
// test_session.c - sessions are found by number, answered where they spoke last, lost
// when silent.
#include "coordinator/fleet/session.h"
#include "tests/lib/check_main.h"

static const struct route here = {.bytes = {1, 2, 3}, .n = 3};
static const struct route there = {.bytes = {1, 2, 4}, .n = 3};

static struct session *put(struct session_table *t, uint64_t number, int64_t now_ms)
{
    struct worker w = {.id = number, .capabilities = 1u << TASK_TRAIN, .slots = 2};
    return session_put(t, number, &here, &w, now_ms);
}

START_TEST(a_session_is_answered_where_it_spoke_last)
{
    struct session_table *t = session_table_create();
    put(t, 7, 0);
    session_heard(session_find(t, 7), &there, 10);
    ck_assert(session_at_route(t, &there) == session_find(t, 7));
    ck_assert_ptr_null(session_at_route(t, &here));
    ck_assert_ptr_null(session_find(t, 8));
    session_table_destroy(t);
}
END_TEST

START_TEST(silence_of_three_beats_loses_a_session_and_a_word_finds_it)
{
    struct session_table *t = session_table_create();
    put(t, 7, 0)->credit = 2;
    ck_assert_uint_eq(session_sweep(t, SESSION_LOST_MS), 0);
    ck_assert_uint_eq(session_count_capable(t, TASK_TRAIN), 1);
    ck_assert_uint_eq(session_count_capable(t, TASK_EVALUATE), 0);
    ck_assert_uint_eq(session_sweep(t, SESSION_LOST_MS + 1), 1);
    ck_assert_uint_eq(session_sweep(t, SESSION_LOST_MS + 2), 0);
    ck_assert_uint_eq(session_find(t, 7)->credit, 0);
    ck_assert_uint_eq(session_count_capable(t, TASK_TRAIN), 0);
    session_heard(session_find(t, 7), &here, SESSION_LOST_MS + 3);
    ck_assert(!session_find(t, 7)->is_lost);
    session_table_destroy(t);
}
END_TEST

START_TEST(one_that_was_replaced_is_lost_at_once_and_forgotten_soon)
{
    struct session_table *t = session_table_create();
    put(t, 7, 0)->credit = 2;
    put(t, 8, 0);
    session_replaced(session_find(t, 7));
    session_replaced(session_find(t, 8));
    ck_assert(session_find(t, 7)->is_lost);
    ck_assert_uint_eq(session_find(t, 7)->credit, 0);
    session_heard(session_find(t, 8), &here, 1);
    ck_assert(!session_find(t, 8)->is_lost);
    ck_assert_uint_eq(session_sweep(t, SESSION_LOST_MS + 2), 1);
    ck_assert_ptr_null(session_find(t, 7));
    ck_assert_ptr_nonnull(session_find(t, 8));
    session_table_destroy(t);
}
END_TEST

START_TEST(the_long_silent_are_forgotten_and_the_others_found)
{
    struct session_table *t = session_table_create();
    for (uint64_t n = 1; n <= 100; n++) {
        put(t, n, n % 3 ? 0 : SESSION_FORGET_MS);
    }
    session_sweep(t, SESSION_FORGET_MS + 1);
    ck_assert_uint_eq(session_count(t), 33);
    for (uint64_t n = 1; n <= 100; n++) {
        const struct session *s = session_find(t, n);
        ck_assert_int_eq(s != NULL, n % 3 == 0);
        ck_assert(!s || s->worker.id == n);
    }
    session_table_destroy(t);
}
END_TEST

START_TEST(there_is_room_for_so_many_and_for_those_known)
{
    struct session_table *t = session_table_create();
    for (uint64_t n = 0; n < SESSION_MAX; n++) {
        ck_assert(session_has_room(t, n));
        put(t, n, 0);
    }
    ck_assert(!session_has_room(t, SESSION_MAX));
    ck_assert(session_has_room(t, 5));
    session_table_destroy(t);
}
END_TEST

TEST_SUITE(session, a_session_is_answered_where_it_spoke_last,
           silence_of_three_beats_loses_a_session_and_a_word_finds_it,
           one_that_was_replaced_is_lost_at_once_and_forgotten_soon,
           the_long_silent_are_forgotten_and_the_others_found,
           there_is_room_for_so_many_and_for_those_known)
