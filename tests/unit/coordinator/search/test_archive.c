// SPDX-License-Identifier: Apache-2.0
// test_archive.c - equal rows make equal archives, whatever the order they came in.
#include "tests/unit/coordinator/search/search_fixture.h"

#define N 300

static struct space space;

static void put(struct archive *a, const struct arch *archs, uint32_t i)
{
    const double values[PROBLEM_OBJECTIVES_MAX] = {fixture_eer(&archs[i])};
    if (i % 3 == 0) {
        archive_put(a, i * 2, &archs[i], ARCHIVE_PENDING, values);
    }
    archive_put(a, i * 2, &archs[i], i % 7 == 0 ? ARCHIVE_FAILED : ARCHIVE_MEASURED,
                values);
}

START_TEST(the_order_of_telling_does_not_matter)
{
    struct arch archs[N];
    uint32_t order[N];
    fixture_coarse(&space);
    struct problem p = fixture_problem(&space, 3e6);
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    struct archive *a = archive_create(&p);
    struct archive *b = archive_create(&p);
    rng_permutation(&r, order, N);
    for (uint32_t i = 0; i < N; i++) {
        archs[i] = space_draw(&space, &r);
    }
    for (uint32_t i = 0; i < N; i++) {
        put(a, archs, i);
        put(b, archs, order[i]);
    }
    ck_assert_uint_eq(archive_count(a), N);
    ck_assert_uint_eq(archive_n_measured(a), N - (N + 6) / 7);
    ck_assert_uint_eq(archive_n_measured(b), archive_n_measured(a));
    for (size_t i = 0; i < N; i++) {
        const struct archive_row *x = archive_at(a, i);
        const struct archive_row *y = archive_at(b, i);
        ck_assert_uint_eq(x->number, i * 2);
        ck_assert_uint_eq(x->number, y->number);
        ck_assert(arch_equal(&x->arch, &y->arch));
        ck_assert_int_eq(x->state, y->state);
        ck_assert_double_eq(x->violation, y->violation);
        ck_assert(problem_admits(&p, &x->arch) == (x->violation <= 0));
    }
    archive_destroy(a);
    archive_destroy(b);
}
END_TEST

START_TEST(the_best_are_the_same_by_both_ways_of_finding_them)
{
    fixture_coarse(&space);
    struct problem p = fixture_problem(&space, 3e6);
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    struct archive *a = archive_create(&p);
    size_t all[N];
    size_t some[100];
    for (uint32_t i = 0; i < N; i++) {
        struct arch arch = space_draw(&space, &r);
        const double values[PROBLEM_OBJECTIVES_MAX] = {fixture_eer(&arch)};
        archive_put(a, i, &arch, ARCHIVE_MEASURED, values);
    }
    ck_assert_uint_eq(archive_best(a, N, all), N);
    ck_assert_uint_eq(archive_best(a, 100, some), 100);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_uint_eq(all[i], some[i]);
    }
    for (size_t i = 1; i < N; i++) {
        ck_assert(archive_is_better(archive_at(a, all[i - 1]), archive_at(a, all[i])));
    }
    archive_destroy(a);
}
END_TEST

START_TEST(a_value_that_is_none_is_a_failure)
{
    fixture_small(&space);
    struct problem p = fixture_problem(&space, 0);
    struct archive *a = archive_create(&p);
    struct arch smallest = space_smallest(&space);
    size_t best;
    archive_put(a, 0, &smallest, ARCHIVE_MEASURED, (const double[]){NAN, 0, 0, 0});
    ck_assert_int_eq(archive_at(a, 0)->state, ARCHIVE_FAILED);
    ck_assert_uint_eq(archive_best(a, 1, &best), 0);
    archive_destroy(a);
}
END_TEST

TEST_SUITE(archive, the_order_of_telling_does_not_matter,
           the_best_are_the_same_by_both_ways_of_finding_them,
           a_value_that_is_none_is_a_failure)
