// SPDX-License-Identifier: Apache-2.0
// test_front.c - the front against its definition, on random points with many ties.
#include "common/base/rng.h"
#include "coordinator/pareto/front.h"
#include "tests/lib/check_main.h"

#include <math.h>

#define N 200

static void fill(struct front_point *points, size_t n, int n_objectives, uint64_t round)
{
    struct rng r = rng_stream(1, RNG_TEST, round, (uint64_t)n_objectives);
    for (size_t i = 0; i < n; i++) {
        points[i] = (struct front_point){.id = i + 1, .n_objectives = n_objectives};
        for (int k = 0; k < n_objectives; k++) {
            points[i].objective[k] = (double)rng_below(&r, 12); // few values: ties
        }
    }
}

static bool is_dominated_by_any(const struct front_point *points, size_t n, size_t i)
{
    for (size_t j = 0; j < n; j++) {
        bool is_worse = false;
        bool is_better = false;
        for (int k = 0; k < points[i].n_objectives; k++) {
            is_worse |= points[j].objective[k] > points[i].objective[k];
            is_better |= points[j].objective[k] < points[i].objective[k];
        }
        if (!is_worse && is_better) {
            return true;
        }
    }
    return false;
}

START_TEST(the_front_is_what_no_point_dominates)
{
    static struct front_point points[N];
    for (int n_objectives = 1; n_objectives <= 4; n_objectives++) {
        for (uint64_t round = 0; round < 20; round++) {
            size_t front[N];
            bool is_front[N] = {false};
            fill(points, N, n_objectives, round);
            size_t n_front = front_find(points, N, front);
            for (size_t i = 0; i < n_front; i++) {
                ck_assert(!is_front[front[i]]);
                is_front[front[i]] = true;
            }
            for (size_t i = 0; i < N; i++) {
                ck_assert_int_eq(is_front[i], !is_dominated_by_any(points, N, i));
            }
        }
    }
}
END_TEST

START_TEST(the_front_comes_in_order_whatever_the_order_of_the_points)
{
    static struct front_point points[N];
    static struct front_point shuffled[N];
    uint32_t order[N];
    size_t front[N];
    size_t again[N];
    struct rng r = rng_stream(1, RNG_TEST, 99, 0);
    fill(points, N, 2, 7);
    rng_permutation(&r, order, N);
    for (size_t i = 0; i < N; i++) {
        shuffled[i] = points[order[i]];
    }
    size_t n = front_find(points, N, front);
    ck_assert_uint_eq(front_find(shuffled, N, again), n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(points[front[i]].id, shuffled[again[i]].id);
        if (i > 0) {
            ck_assert(points[front[i]].objective[0] >=
                      points[front[i - 1]].objective[0]);
        }
    }
}
END_TEST

START_TEST(equal_points_both_stay)
{
    const struct front_point points[] = {
        {3, 2, {1, 5}}, {1, 2, {1, 5}}, {2, 2, {1, 6}}};
    size_t front[3];
    ck_assert_uint_eq(front_find(points, 3, front), 2);
    ck_assert_uint_eq(front[0], 1); // id 1 before id 3
    ck_assert_uint_eq(front[1], 0);
}
END_TEST

START_TEST(no_points_make_no_front_and_nan_is_on_none)
{
    size_t front[2];
    ck_assert_uint_eq(front_find(NULL, 0, front), 0);
    const struct front_point points[] = {{1, 2, {NAN, 0}}, {2, 2, {1, 1}}};
    ck_assert_uint_eq(front_find(points, 2, front), 1);
    ck_assert_uint_eq(front[0], 1);
    ck_assert_uint_eq(front_best(points, 2, NULL, NULL), 1);
}
END_TEST

static bool is_allowed(const void *arg, size_t i)
{
    return ((const bool *)arg)[i];
}

START_TEST(the_best_is_the_first_by_objectives_then_by_id_among_those_admitted)
{
    const struct front_point points[] = {
        {4, 2, {2, 1}}, {2, 2, {1, 3}}, {3, 2, {1, 2}}, {1, 2, {1, 2}}};
    const bool all[] = {true, true, true, true};
    const bool some[] = {true, true, false, false};
    const bool none[] = {false, false, false, false};
    ck_assert_uint_eq(front_best(points, 4, is_allowed, all), 3);
    ck_assert_uint_eq(front_best(points, 4, is_allowed, some), 1);
    ck_assert_uint_eq(front_best(points, 4, is_allowed, none), 4);
}
END_TEST

TEST_SUITE(front, the_front_is_what_no_point_dominates,
           the_front_comes_in_order_whatever_the_order_of_the_points,
           equal_points_both_stay, no_points_make_no_front_and_nan_is_on_none,
           the_best_is_the_first_by_objectives_then_by_id_among_those_admitted)
