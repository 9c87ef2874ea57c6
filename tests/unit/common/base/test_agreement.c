// SPDX-License-Identifier: Apache-2.0
// test_agreement.c - rank correlations against their definitions, counted pair by pair.
#include "common/base/agreement.h"
#include "common/base/rng.h"
#include "tests/lib/check_main.h"

#include <math.h>

#define N_MAX 60

// Kendall's tau-b by its definition.
static double kendall_by_pairs(const double *x, const double *y, size_t n)
{
    double difference = 0;
    double x_pairs = 0;
    double y_pairs = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double dx = (x[i] > x[j]) - (x[i] < x[j]);
            double dy = (y[i] > y[j]) - (y[i] < y[j]);
            difference += dx * dy;
            x_pairs += dx != 0;
            y_pairs += dy != 0;
        }
    }
    return x_pairs > 0 && y_pairs > 0 ? difference / sqrt(x_pairs * y_pairs) : 0;
}

START_TEST(kendalls_tau_is_what_counting_pairs_gives)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int round = 0; round < 500; round++) {
        double x[N_MAX];
        double y[N_MAX];
        size_t n = rng_below(&r, N_MAX + 1);
        uint64_t n_values = 1 + rng_below(&r, 30); // few values: many ties
        for (size_t i = 0; i < n; i++) {
            x[i] = (double)rng_below(&r, n_values);
            y[i] = (double)rng_below(&r, n_values);
        }
        ck_assert_double_eq_tol(agreement_kendall(x, y, n), kendall_by_pairs(x, y, n),
                                1e-12);
    }
}
END_TEST

START_TEST(the_same_order_is_1_and_the_opposite_minus_1)
{
    const double x[] = {1, 2, 3, 10, 20};
    const double up[] = {-5, -1, 0, .5, 7};
    const double down[] = {4, 3, 2, 1, 0};
    ck_assert_double_eq_tol(agreement_kendall(x, up, 5), 1, 1e-15);
    ck_assert_double_eq_tol(agreement_kendall(x, down, 5), -1, 1e-15);
    ck_assert_double_eq_tol(agreement_spearman(x, up, 5), 1, 1e-15);
    ck_assert_double_eq_tol(agreement_spearman(x, down, 5), -1, 1e-15);
}
END_TEST

START_TEST(a_list_without_an_order_agrees_with_nothing)
{
    const double x[] = {1, 2, 3};
    const double flat[] = {4, 4, 4};
    ck_assert(agreement_kendall(x, flat, 3) == 0);
    ck_assert(agreement_spearman(flat, x, 3) == 0);
    ck_assert(agreement_kendall(x, flat, 1) == 0);
    ck_assert(agreement_spearman(x, x, 0) == 0);
}
END_TEST

START_TEST(equal_values_share_a_rank)
{
    const double x[] = {1, 2, 2, 4, 5};
    const double y[] = {2, 1, 4, 4, 5};
    // ranks 1, 2.5, 2.5, 4, 5 and 2, 1, 3.5, 3.5, 5: 7.25 / sqrt(9.5 * 9.5)
    ck_assert_double_eq_tol(agreement_spearman(x, y, 5), 7.25 / 9.5, 1e-14);
}
END_TEST

START_TEST(errors_are_rooted_means_of_squares)
{
    const double x[] = {1, 2, 3, 4};
    const double y[] = {1, 4, 3, 0};
    ck_assert_double_eq_tol(agreement_rmse(x, y, 4), sqrt(5), 1e-15);
}
END_TEST

START_TEST(quantiles_lie_between_neighbours)
{
    double values[] = {5, 1, 4, 2, 3};
    ck_assert(agreement_quantile(values, 5, 0) == 1);
    ck_assert(agreement_quantile(values, 5, 1) == 5);
    ck_assert(agreement_quantile(values, 5, .5) == 3);
    ck_assert_double_eq_tol(agreement_quantile(values, 5, .95), 4.8, 1e-14);
    ck_assert(agreement_quantile(values, 1, .3) == 1);
}
END_TEST

TEST_SUITE(agreement, kendalls_tau_is_what_counting_pairs_gives,
           the_same_order_is_1_and_the_opposite_minus_1,
           a_list_without_an_order_agrees_with_nothing, equal_values_share_a_rank,
           errors_are_rooted_means_of_squares, quantiles_lie_between_neighbours)
