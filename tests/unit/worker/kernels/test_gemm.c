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

#define LARGEST ((size_t)800 * 1100)

typedef void gemm_fn(struct shape s, struct matrix a, struct matrix b, float beta,
                     struct rows c);

static const struct {
    gemm_fn *fn;
    bool a_transposed, b_transposed;
} kinds[] = {{gemm_nn, false, false}, {gemm_nt, false, true}, {gemm_tn, true, false}};

// Tiles whole and cut, one block and several, k in one piece and more, small m.
static const struct shape shapes[] = {{640, 16, 16},  {641, 17, 5},   {130, 33, 300},
                                      {200, 800, 70}, {96, 64, 1100}, {70, 1, 1},
                                      {13, 7, 9},     {32, 300, 192}, {1200, 192, 64}};

static float *noise(uint64_t seed, size_t n)
{
    float *x = malloc(n * sizeof(*x));
    struct rng r = rng_stream(seed, RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)rng_uniform(&r, -1, 1);
    }
    return x;
}

// Largest difference from the plain sum, or infinity where a second run differs.
static double error_of(size_t kind, struct shape s, float beta)
{
    bool at = kinds[kind].a_transposed;
    bool bt = kinds[kind].b_transposed;
    struct matrix a = {noise(1, LARGEST), at ? s.m + 3 : s.k + 3};
    struct matrix b = {noise(2, LARGEST), bt ? s.k + 3 : s.n + 3};
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

TEST_SUITE(gemm, products_of_all_shapes_are_the_plain_sums_and_write_nothing_else)
