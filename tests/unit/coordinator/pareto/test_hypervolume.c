// SPDX-License-Identifier: Apache-2.0
// test_hypervolume.c - areas by hand, and against counting unit squares.
#include "common/base/rng.h"
#include "coordinator/pareto/hypervolume.h"
#include "tests/lib/check_main.h"

#define SIDE 16

START_TEST(areas_are_what_they_are_by_hand)
{
    const double reference[2] = {10, 10};
    const struct front_point one[] = {{1, 2, {4, 3}}};
    ck_assert_double_eq(hypervolume_2d(one, 1, reference), 42);
    const struct front_point two[] = {{1, 2, {4, 3}}, {2, 2, {2, 8}}};
    ck_assert_double_eq(hypervolume_2d(two, 2, reference), 42 + 4);
    ck_assert_double_eq(hypervolume_2d(NULL, 0, reference), 0);
}
END_TEST

START_TEST(points_beyond_the_reference_cover_nothing)
{
    const double reference[2] = {5, 5};
    const struct front_point points[] = {
        {1, 2, {-1, 7}}, {2, 2, {5, 1}}, {3, 2, {6, 0}}, {4, 2, {4, 4}}};
    ck_assert_double_eq(hypervolume_2d(points, 4, reference), 1);
}
END_TEST

static int count_squares(const struct front_point *points, size_t n)
{
    int count = 0;
    for (int x = 0; x < SIDE; x++) {
        for (int y = 0; y < SIDE; y++) {
            bool is_covered = false;
            for (size_t i = 0; i < n; i++) {
                is_covered |=
                    points[i].objective[0] <= x && points[i].objective[1] <= y;
            }
            count += is_covered;
        }
    }
    return count;
}

START_TEST(random_sets_cover_as_many_unit_squares_as_they_measure)
{
    const double reference[2] = {SIDE, SIDE};
    struct front_point points[12];
    for (uint64_t round = 0; round < 200; round++) {
        struct rng r = rng_stream(1, RNG_TEST, round, 0);
        size_t n = 1 + (size_t)rng_below(&r, 12);
        for (size_t i = 0; i < n; i++) {
            points[i] = (struct front_point){
                i,
                2,
                {(double)rng_below(&r, SIDE + 3), (double)rng_below(&r, SIDE + 3)}};
        }
        ck_assert_double_eq(hypervolume_2d(points, n, reference),
                            count_squares(points, n));
    }
}
END_TEST

#define CUBE 7

static bool covers(const struct front_point *p, const int *cell)
{
    for (int o = 0; o < p->n_objectives; o++) {
        if (p->objective[o] > cell[o]) {
            return false;
        }
    }
    return true;
}

static int count_cells(const struct front_point *points, size_t n)
{
    int count = 0;
    int n_cells = 1;
    for (int o = 0; o < points[0].n_objectives; o++) {
        n_cells *= CUBE;
    }
    for (int c = 0; c < n_cells; c++) {
        int cell[4] = {c % CUBE, c / CUBE % CUBE, c / CUBE / CUBE % CUBE,
                       c / CUBE / CUBE / CUBE};
        bool is_covered = false;
        for (size_t i = 0; i < n; i++) {
            is_covered |= covers(&points[i], cell);
        }
        count += is_covered;
    }
    return count;
}

START_TEST(volumes_of_up_to_four_objectives_are_what_counting_cells_gives)
{
    const double reference[4] = {CUBE, CUBE, CUBE, CUBE};
    struct front_point points[10] = {0};
    for (uint64_t round = 0; round < 120; round++) {
        struct rng r = rng_stream(2, RNG_TEST, round, 0);
        size_t n = 1 + (size_t)rng_below(&r, 10);
        for (size_t i = 0; i < n; i++) {
            points[i] = (struct front_point){.id = i, .n_objectives = 1 + round % 4};
            for (int o = 0; o < points[i].n_objectives; o++) {
                points[i].objective[o] = (double)rng_below(&r, CUBE + 2);
            }
        }
        ck_assert_double_eq_tol(hypervolume(points, n, reference),
                                count_cells(points, n), 1e-9);
    }
}
END_TEST

TEST_SUITE(hypervolume, areas_are_what_they_are_by_hand,
           points_beyond_the_reference_cover_nothing,
           random_sets_cover_as_many_unit_squares_as_they_measure,
           volumes_of_up_to_four_objectives_are_what_counting_cells_gives)
