// SPDX-License-Identifier: Apache-2.0
// test_kriging.c - a process goes through what it has seen, is unsure elsewhere, and
// learns which inputs matter.
#include "common/base/rng.h"
#include "coordinator/search/kriging.h"
#include "tests/lib/check_main.h"

#include <math.h>

#define N 60
#define D 3

// The third input does not matter.
static double truth(const double *x)
{
    return 3 + sin(4 * x[0]) + 2 * x[1] * x[1];
}

static void draw(struct rng *r, size_t n, double *x, double *y)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < D; j++) {
            x[i * D + j] = rng_unit(r);
        }
        y[i] = truth(&x[i * D]);
    }
}

START_TEST(a_smooth_function_is_learnt_and_the_input_that_does_not_matter_found_out)
{
    double x[N * D];
    double y[N];
    double probe[100 * D];
    double expected[100];
    double squared = 0;
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    draw(&r, N, x, y);
    draw(&r, 100, probe, expected);
    struct kriging_shape shape = kriging_learn(x, y, N, D);
    struct kriging *k = kriging_create(&shape, x, y, N, 0, D);
    ck_assert_double_gt(shape.log_length[2], shape.log_length[0] + 1);
    for (size_t i = 0; i < 100; i++) {
        double mean;
        double spread;
        kriging_predict(k, &probe[i * D], &mean, &spread);
        ck_assert_double_eq_tol(mean, kriging_mean(k, &probe[i * D]), 1e-12);
        ck_assert_double_ge(spread, 0);
        squared += (mean - expected[i]) * (mean - expected[i]) / 100;
    }
    ck_assert_double_lt(sqrt(squared), .03); // of a spread of about .9
    kriging_destroy(k);
}
END_TEST

START_TEST(what_was_seen_is_certain_and_what_is_far_is_not)
{
    double x[N * D];
    double y[N];
    double mean;
    double at_seen;
    double far_off;
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    draw(&r, N, x, y);
    struct kriging_shape shape = kriging_learn(x, y, N, D);
    struct kriging *k = kriging_create(&shape, x, y, N, 0, D);
    kriging_predict(k, x, &mean, &at_seen);
    ck_assert_double_eq_tol(mean, y[0], .02);
    kriging_predict(k, (const double[D]){9, 9, 9}, &mean, &far_off);
    ck_assert_double_gt(far_off, 10 * at_seen);
    kriging_destroy(k);
}
END_TEST

START_TEST(a_pending_point_changes_no_expectation_and_makes_its_place_certain)
{
    double x[N * D];
    double y[N];
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    draw(&r, N, x, y);
    struct kriging_shape shape = kriging_learn(x, y, N / 2, D);
    struct kriging *without = kriging_create(&shape, x, y, N / 2, 0, D);
    struct kriging *with = kriging_create(&shape, x, y, N / 2, N / 2, D);
    for (size_t i = 0; i < N; i++) {
        double mean[2];
        double spread[2];
        kriging_predict(without, &x[i * D], &mean[0], &spread[0]);
        kriging_predict(with, &x[i * D], &mean[1], &spread[1]);
        ck_assert_double_eq_tol(mean[0], mean[1], 1e-9);
        ck_assert_double_le(spread[1], spread[0] + 1e-9);
    }
    kriging_destroy(without);
    kriging_destroy(with);
}
END_TEST

START_TEST(equal_values_and_equal_points_are_borne)
{
    double x[20 * D] = {0};
    double y[20] = {0};
    double mean;
    double spread;
    struct kriging_shape shape = kriging_learn(x, y, 20, D);
    struct kriging *k = kriging_create(&shape, x, y, 20, 0, D);
    kriging_predict(k, x, &mean, &spread);
    ck_assert_double_eq(mean, 0);
    ck_assert(isfinite(spread));
    kriging_destroy(k);
}
END_TEST

TEST_SUITE(kriging,
           a_smooth_function_is_learnt_and_the_input_that_does_not_matter_found_out,
           what_was_seen_is_certain_and_what_is_far_is_not,
           a_pending_point_changes_no_expectation_and_makes_its_place_certain,
           equal_values_and_equal_points_are_borne)
