// SPDX-License-Identifier: Apache-2.0
// test_passes.c - every build of the passes that this machine can run, against libm.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/blas/passes.h"

#include <math.h>

#define ROWS   45 // more than one block of rows
#define N      71 // more than one tile of channels
#define VALUES ((size_t)ROWS * N)

static void fill(float *x, size_t n, double scale)
{
    struct rng r = rng_stream(4, RNG_TEST, n, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(scale * rng_normal(&r));
    }
}

START_TEST(exp_is_good_to_a_few_units_in_the_last_place)
{
    for (size_t b = 0; passes_at(b); b++) {
        for (int i = 0; i < 472; i++) {
            float x = -87 + 0.37F * (float)i;
            float y = x;
            double sum = passes_at(b)->exp_sum(1, &y, 1, 0);
            double want = exp((double)x);
            ck_assert_double_lt(fabs(y / want - 1), 5e-7);
            ck_assert_double_eq(sum, y);
        }
    }
}
END_TEST

START_TEST(exp_of_very_small_and_very_large_stays_finite)
{
    for (size_t b = 0; passes_at(b); b++) {
        float x[2] = {-1e9F, 1e9F};
        passes_at(b)->exp_sum(2, x, 1, 0);
        ck_assert_float_ge(x[0], 0);
        ck_assert_float_lt(x[0], 1e-37F);
        ck_assert_float_finite(x[1]);
    }
}
END_TEST

START_TEST(tanh_agrees_everywhere)
{
    for (size_t b = 0; passes_at(b); b++) {
        float x[ROWS * N];
        float want[ROWS * N];
        fill(x, VALUES, 4);
        x[0] = 100;
        x[1] = -100;
        for (int i = 0; i < ROWS * N; i++) {
            want[i] = tanhf(x[i]);
        }
        passes_at(b)->tanh((struct extent){ROWS, N}, (struct rows){x, N});
        for (int i = 0; i < ROWS * N; i++) {
            ck_assert_double_lt(fabs(x[i] - (double)want[i]), 3e-7);
        }
    }
}
END_TEST

// Values around 10 with a deviation of 0.01: what a plain sum of squares in float
// loses.
START_TEST(sums_keep_the_variance_of_values_far_from_zero)
{
    for (size_t b = 0; passes_at(b); b++) {
        float z[ROWS * N];
        double sums[2][N] = {{0}};
        double mean = 0;
        double square = 0;
        fill(z, VALUES, 0.01);
        for (int i = 0; i < ROWS * N; i++) {
            z[i] += 10;
        }
        for (int r = 0, at = 0; r < ROWS; r++, at += N) {
            mean += (double)z[at] / ROWS;
        }
        for (int r = 0, at = 0; r < ROWS; r++, at += N) {
            square += (z[at] - mean) * (z[at] - mean) / ROWS;
        }
        float pivot[N];
        for (int i = 0; i < N; i++) {
            pivot[i] = z[i];
        }
        passes_at(b)->relu_sums((struct extent){ROWS, N}, (struct rows){z, N}, pivot,
                                (double *const[2]){sums[0], sums[1]});
        double got = sums[1][0] / ROWS - pow(sums[0][0] / ROWS, 2);
        ck_assert_double_lt(fabs(got - square), 1e-4 * square);
    }
}
END_TEST

START_TEST(the_best_build_comes_first_and_a_portable_one_last)
{
    size_t n = 0;
    while (passes_at(n)) {
        n++;
    }
    ck_assert_uint_ge(n, 1);
    ck_assert_ptr_eq(passes_best(), passes_at(0));
    ck_assert_str_eq(passes_at(n - 1)->name, "portable");
}
END_TEST

TEST_SUITE(passes, exp_is_good_to_a_few_units_in_the_last_place,
           exp_of_very_small_and_very_large_stays_finite, tanh_agrees_everywhere,
           sums_keep_the_variance_of_values_far_from_zero,
           the_best_build_comes_first_and_a_portable_one_last)
