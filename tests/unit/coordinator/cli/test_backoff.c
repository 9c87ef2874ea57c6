// SPDX-License-Identifier: Apache-2.0
// test_backoff.c - waits grow, a quiet minute forgives, a crash loop ends.
#include "coordinator/cli/backoff.h"
#include "tests/lib/check_main.h"

START_TEST(waits_double_and_then_it_gives_up)
{
    struct backoff b = {.n = 0};
    int64_t wait_ms = BACKOFF_FIRST_MS;
    for (int i = 0; i < BACKOFF_DEATHS_MAX; i++) {
        ck_assert_int_eq(backoff_died(&b, 1000 + i), wait_ms);
        wait_ms *= 2;
    }
    ck_assert_int_eq(backoff_died(&b, 2000), -1);
}
END_TEST

START_TEST(a_quiet_minute_forgives)
{
    struct backoff b = {.n = 0};
    for (int i = 0; i < BACKOFF_DEATHS_MAX; i++) {
        ck_assert_int_gt(backoff_died(&b, i), 0);
    }
    ck_assert_int_eq(backoff_died(&b, BACKOFF_WINDOW_MS + BACKOFF_DEATHS_MAX),
                     BACKOFF_FIRST_MS);
}
END_TEST

START_TEST(only_deaths_of_the_last_minute_count)
{
    struct backoff b = {.n = 0};
    for (int i = 0; i < 100; i++) { // one death every quarter of a minute, for ever
        ck_assert_int_gt(backoff_died(&b, (int64_t)i * BACKOFF_WINDOW_MS / 4), 0);
    }
}
END_TEST

TEST_SUITE(backoff, waits_double_and_then_it_gives_up, a_quiet_minute_forgives,
           only_deaths_of_the_last_minute_count)
