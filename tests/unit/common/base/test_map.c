// SPDX-License-Identifier: Apache-2.0
// test_map.c - the map against a plain array under random operations.
#include "common/base/map.h"
#include "common/base/rng.h"
#include "tests/lib/check_main.h"

#define KEYS 500

START_TEST(the_map_agrees_with_an_array_under_random_operations)
{
    struct map m = MAP_INIT;
    size_t value[KEYS] = {0};
    bool is_there[KEYS] = {0};
    size_t n = 0;
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    for (int i = 0; i < 100000; i++) {
        size_t k = (size_t)rng_below(&r, KEYS);
        uint64_t key = k * 64; // many share their low bits
        if (rng_below(&r, 2)) {
            n += !is_there[k];
            is_there[k] = true;
            value[k] = (size_t)rng_u32(&r);
            map_put(&m, key, value[k]);
        } else {
            ck_assert_int_eq(map_remove(&m, key), is_there[k]);
            n -= is_there[k];
            is_there[k] = false;
        }
        size_t probe = (size_t)rng_below(&r, KEYS);
        size_t got = 0;
        ck_assert_int_eq(map_get(&m, probe * 64, &got), is_there[probe]);
        ck_assert(!is_there[probe] || got == value[probe]);
        ck_assert_uint_eq(m.len, n);
    }
    map_fini(&m);
}
END_TEST

START_TEST(an_empty_map_finds_nothing)
{
    struct map m = MAP_INIT;
    size_t value;
    ck_assert(!map_get(&m, 0, &value));
    ck_assert(!map_remove(&m, 0));
    map_put(&m, 0, 7);
    ck_assert(map_get(&m, 0, &value));
    ck_assert_uint_eq(value, 7);
    map_fini(&m);
}
END_TEST

TEST_SUITE(map, the_map_agrees_with_an_array_under_random_operations,
           an_empty_map_finds_nothing)
