// SPDX-License-Identifier: Apache-2.0
// test_schedule.c - corners of the triangles.
#include "tests/lib/check_main.h"
#include "worker/optim/schedule.h"

#include <math.h>

static double rate(uint64_t position)
{
    return schedule_triangular2(1e-8, 1e-3, position, 400, 4);
}

static void assert_near(double a, double b)
{
    ck_assert_double_lt(fabs(a - b), 1e-12);
}

START_TEST(every_cycle_starts_at_the_least_rate)
{
    for (uint64_t cycle = 0; cycle < 4; cycle++) {
        assert_near(rate(100 * cycle), 1e-8);
    }
}
END_TEST

START_TEST(each_peak_is_half_the_one_before)
{
    double amplitude = 1e-3 - 1e-8;
    for (int cycle = 0; cycle < 4; cycle++) {
        assert_near(rate(100 * (uint64_t)cycle + 50), 1e-8 + amplitude / (1 << cycle));
    }
}
END_TEST

START_TEST(a_side_of_a_triangle_is_straight)
{
    assert_near(rate(25) - rate(20), rate(10) - rate(5));
    assert_near(rate(125), rate(175));
}
END_TEST

START_TEST(cycles_need_not_divide_the_length)
{
    assert_near(schedule_triangular2(0, 1, 5, 10, 1), 1);
    // 15/7 cycles: a seventh into the third triangle, whose peak is 1/4.
    assert_near(schedule_triangular2(0, 1, 5, 7, 3), 2.0 / 7 / 4);
}
END_TEST

TEST_SUITE(schedule, every_cycle_starts_at_the_least_rate,
           each_peak_is_half_the_one_before, a_side_of_a_triangle_is_straight,
           cycles_need_not_divide_the_length)
