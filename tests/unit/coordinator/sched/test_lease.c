// SPDX-License-Identifier: Apache-2.0
// test_lease.c - leases are granted once, renewed by their holder, ended by their
// token.
#include "coordinator/sched/lease.h"
#include "tests/lib/check_main.h"

START_TEST(stale_token_cannot_settle)
{
    struct lease_table *t = lease_table_create();
    ck_assert_int_eq(lease_grant(t, &(struct lease){.task_id = 7, .token = 2}), ERR_OK);
    ck_assert_int_eq(lease_settle(t, 7, 1), ERR_STALE);
    ck_assert_int_eq(lease_settle(t, 8, 2), ERR_NOTFOUND);
    ck_assert_uint_eq(lease_count(t), 1);
    ck_assert_int_eq(lease_settle(t, 7, 2), ERR_OK);
    ck_assert_uint_eq(lease_count(t), 0);
    lease_table_destroy(t);
}
END_TEST

START_TEST(a_task_is_leased_once)
{
    struct lease_table *t = lease_table_create();
    struct lease l = {.task_id = 1, .token = 1};
    ck_assert_int_eq(lease_grant(t, &l), ERR_OK);
    ck_assert_int_eq(lease_grant(t, &l), ERR_BUSY);
    lease_table_destroy(t);
}
END_TEST

START_TEST(only_the_holder_renews_and_a_start_is_remembered)
{
    struct lease_table *t = lease_table_create();
    struct lease l = {.task_id = 1, .token = 4, .worker_id = 9, .deadline_ms = 100};
    ck_assert_int_eq(lease_grant(t, &l), ERR_OK);
    ck_assert_int_eq(lease_renew(t, 1, 4, 8, true, 200), ERR_STALE);
    ck_assert_int_eq(lease_renew(t, 1, 3, 9, true, 200), ERR_STALE);
    ck_assert_int_eq(lease_renew(t, 2, 4, 9, true, 200), ERR_NOTFOUND);
    ck_assert_int_eq(lease_find(t, 1)->deadline_ms, 100);
    ck_assert_int_eq(lease_renew(t, 1, 4, 9, true, 200), ERR_OK);
    ck_assert_int_eq(lease_renew(t, 1, 4, 9, false, 300), ERR_OK);
    ck_assert_int_eq(lease_find(t, 1)->deadline_ms, 300);
    ck_assert(lease_find(t, 1)->has_started);
    lease_table_destroy(t);
}
END_TEST

START_TEST(leases_are_found_while_others_come_and_go)
{
    struct lease_table *t = lease_table_create();
    for (uint64_t id = 1; id <= 1000; id++) {
        ck_assert_int_eq(lease_grant(t, &(struct lease){.task_id = id, .token = id}),
                         ERR_OK);
    }
    for (uint64_t id = 1; id <= 1000; id += 2) {
        ck_assert_int_eq(lease_settle(t, id, id), ERR_OK);
    }
    ck_assert_uint_eq(lease_count(t), 500);
    for (uint64_t id = 1; id <= 1000; id++) {
        const struct lease *l = lease_find(t, id);
        ck_assert_int_eq(l != NULL, id % 2 == 0);
        ck_assert(!l || l->token == id);
    }
    lease_table_destroy(t);
}
END_TEST

TEST_SUITE(lease, stale_token_cannot_settle, a_task_is_leased_once,
           only_the_holder_renews_and_a_start_is_remembered,
           leases_are_found_while_others_come_and_go)
