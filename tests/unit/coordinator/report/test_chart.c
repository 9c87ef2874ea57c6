// SPDX-License-Identifier: Apache-2.0
// test_chart.c - axes with round numbers, and charts that are whole SVG documents.
#include "coordinator/report/axis.h"
#include "coordinator/report/chart.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <string.h>

static void assert_ticks(const struct axis *a, int n, const char *first,
                         const char *last)
{
    char text[AXIS_TEXT_MAX];
    ck_assert_int_eq(a->n_ticks, n);
    ck_assert_str_eq(axis_print(a, a->ticks[0], text), first);
    ck_assert_str_eq(axis_print(a, a->ticks[n - 1], text), last);
}

START_TEST(an_axis_holds_its_values_and_has_round_numbers)
{
    struct axis a = axis_make(4.2, 27.9, false);
    assert_ticks(&a, 5, "5", "25");
    ck_assert_double_lt(a.low, 4.2);
    ck_assert_double_gt(a.high, 27.9);
    a = axis_make(0.101, 0.119, false);
    assert_ticks(&a, 3, "0.105", "0.115");
}
END_TEST

START_TEST(values_that_begin_near_zero_begin_at_zero)
{
    struct axis a = axis_make(1, 100, false);
    ck_assert_double_eq(a.low, 0);
    assert_ticks(&a, 6, "0", "100");
}
END_TEST

START_TEST(a_logarithmic_axis_has_one_two_five)
{
    struct axis a = axis_make(0.9, 130, true);
    assert_ticks(&a, 7, "1", "100");
    ck_assert_double_eq_tol(axis_place(&a, sqrt(a.low * a.high)), 0.5, 1e-9);
}
END_TEST

START_TEST(one_value_makes_an_axis_too)
{
    struct axis a = axis_make(5, 5, false);
    ck_assert_double_lt(a.low, 5);
    ck_assert_double_gt(a.high, 5);
    a = axis_make(0, 0, false);
    ck_assert_double_lt(a.low, a.high);
    ck_assert_int_ge(a.n_ticks, 2);
}
END_TEST

START_TEST(a_chart_is_a_whole_svg_document)
{
    const struct chart_point points[] = {{1, 2}, {3, 1}, {4, 0.5}};
    struct chart c = {.title = "t", .x = {.label = "x (ms)"}, .y = {.label = "y (%)"}};
    for (int mark = CHART_DOTS; mark <= CHART_DASHES; mark++) {
        chart_add(&c, "some", (enum chart_mark)mark, points, 3);
    }
    chart_add(&c, "none", CHART_DOTS, points, 0);
    ck_assert_int_eq(c.n_series, 6);
    struct buf out = BUF_INIT;
    ck_assert_int_eq(chart_svg(&c, &out, NULL), ERR_OK);
    ck_assert_ptr_nonnull(strstr(out.data, "<svg"));
    ck_assert_ptr_nonnull(strstr(out.data, "</svg>"));
    buf_fini(&out);
}
END_TEST

START_TEST(a_chart_without_points_is_refused)
{
    struct chart c = {.title = "empty"};
    struct buf out = BUF_INIT;
    ck_assert_int_eq(chart_svg(&c, &out, NULL), ERR_INPUT);
    buf_fini(&out);
}
END_TEST

TEST_SUITE(chart, an_axis_holds_its_values_and_has_round_numbers,
           values_that_begin_near_zero_begin_at_zero,
           a_logarithmic_axis_has_one_two_five, one_value_makes_an_axis_too,
           a_chart_is_a_whole_svg_document, a_chart_without_points_is_refused)
