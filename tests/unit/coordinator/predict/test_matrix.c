// SPDX-License-Identifier: Apache-2.0
// test_matrix.c - products and factors against their definitions.
#include "common/base/rng.h"
#include "coordinator/predict/matrix.h"
#include "tests/lib/check_main.h"

#include <math.h>

static double *doubles(struct rng *r, size_t n)
{
    double *p = calloc(n + 1, sizeof(*p));
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < n; i++) {
        p[i] = rng_normal(r);
    }
    return p;
}

static float *floats(struct rng *r, size_t n)
{
    float *p = calloc(n + 1, sizeof(*p));
    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < n; i++) {
        p[i] = (float)rng_normal(r);
    }
    return p;
}

// Element (i, j) of the product, with the strides of a's and b's inner index.
static double element(const float *a, size_t a_step, const float *b, size_t b_step,
                      size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        sum += (double)a[i * a_step] * b[i * b_step];
    }
    return sum;
}

START_TEST(products_are_sums_of_products)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int round = 0; round < 30; round++) {
        struct matrix_shape s = {1 + rng_below(&r, 40), 1 + rng_below(&r, 40),
                                 1 + rng_below(&r, 40)};
        float *a = floats(&r, s.m * s.k);
        float *b = floats(&r, s.k * s.n);
        float *nn = floats(&r, s.m * s.n);
        float *nt = floats(&r, s.m * s.n);
        float *tn = floats(&r, s.m * s.n);
        matrix_nn(s, a, b, nn);
        matrix_nt(s, a, b, nt);
        matrix_tn(s, a, b, tn);
        for (size_t i = 0; i < s.m; i++) {
            for (size_t j = 0; j < s.n; j++) {
                size_t at = i * s.n + j;
                ck_assert_double_eq_tol(nn[at],
                                        element(a + i * s.k, 1, b + j, s.n, s.k), 1e-4);
                ck_assert_double_eq_tol(
                    nt[at], element(a + i * s.k, 1, b + j * s.k, 1, s.k), 1e-4);
                ck_assert_double_eq_tol(tn[at], element(a + i, s.m, b + j, s.n, s.k),
                                        1e-4);
            }
        }
        free(a);
        free(b);
        free(nn);
        free(nt);
        free(tn);
    }
}
END_TEST

// X'X + I, which is positive definite.
static double *definite(struct rng *r, size_t n)
{
    double *x = doubles(r, (n + 3) * n);
    double *a = doubles(r, n * n);
    matrix_gram(x, n + 3, n, a);
    for (size_t i = 0; i < n; i++) {
        a[i * n + i] += 1;
        for (size_t j = 0; j < n; j++) {
            ck_assert(a[i * n + j] == a[j * n + i]);
        }
    }
    free(x);
    return a;
}

static double *factor_of(const double *a, size_t n)
{
    double *l = calloc(n * n, sizeof(*l));
    ck_assert_ptr_nonnull(l);
    memcpy(l, a, n * n * sizeof(*l));
    ck_assert(matrix_cholesky(l, n));
    return l;
}

static double row_product(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i] * y[i];
    }
    return sum;
}

START_TEST(a_cholesky_factor_times_itself_is_the_matrix)
{
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    const size_t sizes[] = {1, 2, 17, 63, 64, 65, 128, 150};
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        size_t n = sizes[k];
        double *a = definite(&r, n);
        double *l = factor_of(a, n);
        for (size_t at = 0; at < n * n; at++) {
            size_t i = at / n;
            size_t j = at % n;
            double product = row_product(l + i * n, l + j * n, n);
            ck_assert_double_eq_tol(product, a[at], 1e-9);
            ck_assert(j <= i || l[at] == 0);
        }
        free(a);
        free(l);
    }
}
END_TEST

START_TEST(solving_twice_inverts)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    const size_t n = 90;
    const size_t m = 7;
    double *a = definite(&r, n);
    double *l = factor_of(a, n);
    double *b = doubles(&r, n * m);
    double *x = doubles(&r, n * m);
    memcpy(x, b, n * m * sizeof(*x));
    matrix_solve(l, n, x, m);
    matrix_solve_transposed(l, n, x, m);
    for (size_t at = 0; at < n * m; at++) {
        double sum = 0;
        for (size_t k = 0; k < n; k++) {
            sum += a[at / m * n + k] * x[k * m + at % m];
        }
        ck_assert_double_eq_tol(sum, b[at], 1e-8);
    }
    free(a);
    free(l);
    free(b);
    free(x);
}
END_TEST

START_TEST(a_matrix_that_is_not_positive_definite_is_refused)
{
    double flat[] = {1, 1, 1, 1};
    double negative[] = {1, 0, 0, -1};
    double broken[] = {NAN, 0, 0, 1};
    ck_assert(!matrix_cholesky(flat, 2));
    ck_assert(!matrix_cholesky(negative, 2));
    ck_assert(!matrix_cholesky(broken, 2));
}
END_TEST

TEST_SUITE(matrix, products_are_sums_of_products,
           a_cholesky_factor_times_itself_is_the_matrix, solving_twice_inverts,
           a_matrix_that_is_not_positive_definite_is_refused)
