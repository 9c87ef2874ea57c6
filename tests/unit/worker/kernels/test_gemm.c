// SPDX-License-Identifier: Apache-2.0
// test_gemm.c - matrix products of the BLAS backend against plain loops, by two
// threads.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/kernels/blas/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef void gemm_fn(struct shape s, struct matrix a, struct matrix b, float beta,
                     struct rows c);

static const struct {
    gemm_fn *fn;
    bool a_transposed, b_transposed;
} kinds[] = {{gemm_nn, false, false}, {gemm_nt, false, true}, {gemm_tn, true, false}};

// Tiles whole and cut, one block and several, k in one piece and more, small m, narrow
// n.
static const struct shape shapes[] = {
    {640, 16, 16}, {641, 17, 5},  {130, 33, 300}, {200, 800, 70}, {96, 64, 1100},
    {70, 1, 1},    {13, 7, 9},    {32, 300, 192}, {600, 192, 64}, {630, 8, 8},
    {8, 8, 3000},  {22, 16, 900}, {36, 32, 1030}, {100, 40, 36}};

static float *noise(uint64_t seed, size_t n)
{
    float *x = malloc(n * sizeof(*x));
    struct rng r = rng_stream(seed, RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)rng_uniform(&r, -1, 1);
    }
    return x;
}

static struct matrix some_matrix(uint64_t seed, int rows, int columns)
{
    int ld = columns + 3;
    return (struct matrix){noise(seed, (size_t)rows * (size_t)ld), ld};
}

// Largest difference from the plain sum, or infinity where a second run differs.
static double error_of(size_t kind, struct shape s, float beta)
{
    bool at = kinds[kind].a_transposed;
    bool bt = kinds[kind].b_transposed;
    struct matrix a = some_matrix(1, at ? s.k : s.m, at ? s.m : s.k);
    struct matrix b = some_matrix(2, bt ? s.n : s.k, bt ? s.k : s.n);
    int ld = s.n + 5;
    size_t n = (size_t)s.m * (size_t)ld;
    float *before = noise(3, n);
    float *c = noise(3, n);
    float *again = noise(3, n);
    double worst = 0;
    kinds[kind].fn(s, a, b, beta, (struct rows){c, ld});
    kinds[kind].fn(s, a, b, beta, (struct rows){again, ld});
    for (int i = 0; i < s.m; i++) {
        for (int j = 0; j < ld; j++) {
            double sum = before[i * ld + j] * (double)(j < s.n ? beta : 1);
            for (int k = 0; k < s.k && j < s.n; k++) {
                sum += (double)a.at[at ? k * a.ld + i : i * a.ld + k] *
                       b.at[bt ? j * b.ld + k : k * b.ld + j];
            }
            worst = fmax(worst, fabs(sum - c[i * ld + j]));
        }
    }
    worst = memcmp(c, again, n * sizeof(*c)) == 0 ? worst : INFINITY;
    free((void *)a.at);
    free((void *)b.at);
    free(before);
    free(c);
    free(again);
    return worst;
}

START_TEST(products_of_all_shapes_are_the_plain_sums_and_write_nothing_else)
{
    backend_set_threads(2);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
            double bound = 2e-6 * (shapes[i].k + 4);
            ck_assert_double_lt(error_of(kind, shapes[i], 0), bound);
            ck_assert_double_lt(error_of(kind, shapes[i], 1), bound);
        }
    }
}
END_TEST

// What three taps sum up to, or leave beside each other, is what single products do.
static void check_taps(struct shape s)
{
    struct matrix a = some_matrix(1, s.m + 4, s.k);
    struct matrix b = some_matrix(2, 3 * s.k, s.n);
    size_t n_c = (size_t)s.m * (size_t)s.n;
    float *c = noise(3, n_c);
    float *expected = noise(3, n_c);
    struct taps taps = {3, 2 * (ptrdiff_t)a.ld, (ptrdiff_t)s.k * b.ld, 0};
    gemm_nn_taps(s, a, b, 1, (struct rows){c, s.n}, &taps);
    for (int t = 0; t < 3; t++) {
        gemm_nn(s, (struct matrix){a.at + t * taps.a, a.ld},
                (struct matrix){b.at + t * taps.b, b.ld}, 1,
                (struct rows){expected, s.n});
    }
    for (size_t i = 0; i < n_c; i++) {
        ck_assert_float_eq_tol(c[i], expected[i], 2e-6F * (float)(3 * s.k + 4));
    }
    free((void *)a.at);
    free((void *)b.at);
    free(c);
    free(expected);
}

START_TEST(taps_sum_up_to_what_single_products_do)
{
    backend_set_threads(2);
    check_taps((struct shape){630, 8, 8});
    check_taps((struct shape){333, 32, 32});
    check_taps((struct shape){200, 70, 100});
    check_taps((struct shape){90, 24, 300});
    check_taps((struct shape){20, 16, 12});
}
END_TEST

START_TEST(each_tap_has_its_product)
{
    backend_set_threads(2);
    const struct shape shapes_of_weights[] = {
        {8, 8, 2000}, {48, 64, 3000}, {30, 20, 70}};
    for (size_t i = 0; i < 3; i++) {
        struct shape s = shapes_of_weights[i];
        struct matrix a = some_matrix(1, s.k, s.m);
        struct matrix b = some_matrix(2, s.k + 8, s.n);
        size_t n_c = (size_t)s.m * (size_t)s.n;
        float *c = noise(3, 5 * n_c);
        float *expected = noise(3, n_c);
        struct taps taps = {5, 0, 2 * (ptrdiff_t)b.ld, (ptrdiff_t)n_c};
        gemm_tn_each(s, a, b, (struct rows){c, s.n}, &taps);
        for (int t = 0; t < 5; t++) {
            gemm_tn(s, a, (struct matrix){b.at + t * taps.b, b.ld}, 0,
                    (struct rows){expected, s.n});
            for (size_t j = 0; j < n_c; j++) {
                ck_assert_float_eq_tol(c[(size_t)t * n_c + j], expected[j],
                                       2e-6F * (float)(s.k + 4));
            }
        }
        free((void *)a.at);
        free((void *)b.at);
        free(c);
        free(expected);
    }
}
END_TEST

TEST_SUITE(gemm, products_of_all_shapes_are_the_plain_sums_and_write_nothing_else,
           taps_sum_up_to_what_single_products_do, each_tap_has_its_product)
