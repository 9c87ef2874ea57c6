// SPDX-License-Identifier: Apache-2.0
// test_rng.c - the counter-based generator: known answers, independence, uniformity.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"

#include <math.h>

START_TEST(the_same_name_gives_the_same_numbers)
{
    struct rng a = rng_stream(7, RNG_PATH, 2, 900);
    struct rng b = rng_stream(7, RNG_PATH, 2, 900);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(rng_u32(&a), rng_u32(&b));
    }
}
END_TEST

START_TEST(another_seed_stream_or_key_gives_other_numbers)
{
    struct rng base = rng_stream(7, RNG_PATH, 2, 900);
    struct rng others[] = {
        rng_stream(8, RNG_PATH, 2, 900),
        rng_stream(7, RNG_CROP, 2, 900),
        rng_stream(7, RNG_PATH, 3, 900),
        rng_stream(7, RNG_PATH, 2, 901),
    };
    uint64_t first = rng_u64(&base);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_uint_ne(rng_u64(&others[i]), first);
    }
}
END_TEST

// Random123's published known answers for philox4x32-10, key and counter all ones.
START_TEST(philox_gives_its_published_known_answer)
{
    struct rng r = {.key = {0xffffffffu, 0xffffffffu},
                    .counter = {0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu},
                    .used = 4};
    ck_assert_uint_eq(rng_u32(&r), 0x408f276du);
    ck_assert_uint_eq(rng_u32(&r), 0x41c83b0eu);
    ck_assert_uint_eq(rng_u32(&r), 0xa20bc7c6u);
    ck_assert_uint_eq(rng_u32(&r), 0x6d5451fdu);
}
END_TEST

START_TEST(below_is_uniform_by_chi_square)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    int counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        counts[rng_below(&r, 10)]++;
    }
    double chi = 0;
    for (int i = 0; i < 10; i++) {
        chi += pow(counts[i] - 10000.0, 2) / 10000.0;
    }
    ck_assert_double_lt(chi, 27.9); // 9 degrees of freedom, p = .001
}
END_TEST

START_TEST(normal_has_mean_zero_and_variance_one)
{
    struct rng r = rng_stream(1, RNG_TEST, 1, 0);
    double sum = 0;
    double square = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rng_normal(&r);
        sum += x;
        square += x * x;
    }
    ck_assert_double_lt(fabs(sum / 1e5), 0.02);
    ck_assert_double_lt(fabs(square / 1e5 - 1), 0.03);
}
END_TEST

START_TEST(a_permutation_holds_each_index_once)
{
    struct rng r = rng_stream(1, RNG_TEST, 2, 0);
    uint32_t order[257];
    int seen[257] = {0};
    rng_permutation(&r, order, 257);
    for (int i = 0; i < 257; i++) {
        ck_assert_uint_lt(order[i], 257);
        seen[order[i]]++;
    }
    for (int i = 0; i < 257; i++) {
        ck_assert_int_eq(seen[i], 1);
    }
}
END_TEST

TEST_SUITE(rng, the_same_name_gives_the_same_numbers,
           another_seed_stream_or_key_gives_other_numbers,
           philox_gives_its_published_known_answer, below_is_uniform_by_chi_square,
           normal_has_mean_zero_and_variance_one, a_permutation_holds_each_index_once)
