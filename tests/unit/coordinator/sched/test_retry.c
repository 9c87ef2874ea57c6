// SPDX-License-Identifier: Apache-2.0
// test_retry.c - back-off and what counts.
#include "coordinator/sched/retry.h"
#include "tests/lib/check_main.h"

START_TEST(only_an_attempt_that_started_is_charged)
{
    ck_assert(retry_is_charged(OUTCOME_CRASH, true));
    ck_assert(retry_is_charged(OUTCOME_LOST, true));
    ck_assert(!retry_is_charged(OUTCOME_LOST, false));
    ck_assert(!retry_is_charged(0, false));
}
END_TEST

START_TEST(delays_double_up_to_the_cap_and_fill_their_range)
{
    static const int64_t bounds[] = {0, 1000, 2000, 4000, 8000, 16000, 32000, 60000};
    for (uint32_t n = 0; n < 8; n++) {
        int64_t most = 0;
        int64_t least = INT64_MAX;
        for (uint64_t token = 0; token < 300; token++) {
            int64_t ms = retry_delay_ms(1, token, n);
            most = ms > most ? ms : most;
            least = ms < least ? ms : least;
        }
        ck_assert_int_ge(least, 0);
        ck_assert_int_le(most, bounds[n]);
        ck_assert_int_ge(most, bounds[n] * 9 / 10);
        ck_assert_int_le(least, bounds[n] / 10);
    }
    ck_assert_int_le(retry_delay_ms(1, 1, 4000000000u), RETRY_CAP_MS);
}
END_TEST

TEST_SUITE(retry, only_an_attempt_that_started_is_charged,
           delays_double_up_to_the_cap_and_fill_their_range)
