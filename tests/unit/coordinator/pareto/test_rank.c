// SPDX-License-Identifier: Apache-2.0
// test_rank.c - fronts against counting who dominates whom, crowding by hand.
#include "common/base/rng.h"
#include "coordinator/pareto/rank.h"
#include "tests/lib/check_main.h"

#include <math.h>

#define N 40

// By the definition: a front is what only earlier fronts dominate.
static void find_fronts(const struct front_point *points, size_t n, size_t *fronts)
{
    bool has_changed = true;
    for (size_t i = 0; i < n; i++) {
        fronts[i] = 0;
    }
    while (has_changed) {
        has_changed = false;
        for (size_t i = 0; i < n * n; i++) {
            size_t from = i / n;
            size_t to = i % n;
            if (front_dominates(&points[from], &points[to]) &&
                fronts[to] <= fronts[from]) {
                fronts[to] = fronts[from] + 1;
                has_changed = true;
            }
        }
    }
}

START_TEST(fronts_are_those_of_the_definition_and_the_lonely_come_first)
{
    struct front_point points[N];
    struct rank ranks[N];
    for (uint64_t round = 0; round < 30; round++) {
        struct rng r = rng_stream(1, RNG_TEST, round, 0);
        int n_objectives = 1 + (int)(round % 4);
        for (size_t i = 0; i < N; i++) {
            points[i] = (struct front_point){.id = i, .n_objectives = n_objectives};
            for (int o = 0; o < n_objectives; o++) {
                points[i].objective[o] = (double)rng_below(&r, 30);
            }
        }
        size_t fronts[N];
        find_fronts(points, N, fronts);
        ck_assert_uint_eq(rank_best(points, N, N, ranks), N);
        for (size_t i = 0; i < N; i++) {
            ck_assert_uint_eq(ranks[i].front, fronts[ranks[i].index]);
            if (i > 0 && ranks[i].front == ranks[i - 1].front) {
                ck_assert(ranks[i].crowding <= ranks[i - 1].crowding);
            }
            ck_assert(i == 0 || ranks[i].front >= ranks[i - 1].front);
        }
    }
}
END_TEST

START_TEST(fewer_wanted_are_the_first_of_all)
{
    struct front_point points[N];
    struct rank all[N];
    struct rank some[N];
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        points[i] = (struct front_point){i, 2, {rng_unit(&r), rng_unit(&r)}};
    }
    points[3].objective[1] = NAN;
    ck_assert_uint_eq(rank_best(points, N, N, all), N - 1);
    ck_assert_uint_eq(rank_best(points, N, 10, some), 10);
    for (size_t i = 0; i < 10; i++) {
        ck_assert_uint_eq(all[i].index, some[i].index);
    }
    ck_assert_uint_eq(rank_best(points, 0, 10, some), 0);
}
END_TEST

START_TEST(crowding_is_the_gap_between_neighbours_and_infinite_at_the_ends)
{
    const struct front_point points[] = {
        {1, 2, {0, 10}}, {2, 2, {1, 5}}, {3, 2, {4, 4}}, {4, 2, {10, 0}}};
    struct rank front[] = {{.index = 0}, {.index = 1}, {.index = 2}, {.index = 3}};
    rank_crowding(points, front, 4);
    ck_assert(isinf(front[0].crowding) && isinf(front[3].crowding));
    ck_assert_double_eq_tol(front[1].crowding, .4 + .6, 1e-12);
    ck_assert_double_eq_tol(front[2].crowding, .9 + .5, 1e-12);
}
END_TEST

TEST_SUITE(rank, fronts_are_those_of_the_definition_and_the_lonely_come_first,
           fewer_wanted_are_the_first_of_all,
           crowding_is_the_gap_between_neighbours_and_infinite_at_the_ends)
