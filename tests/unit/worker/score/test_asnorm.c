// SPDX-License-Identifier: Apache-2.0
// test_asnorm.c - normalised scores against a plain twin that sorts all cosines.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/score/asnorm.h"

#include <math.h>
#include <string.h>

#define N_EMBED 24

// ---- the twin: everything in double, all cosines sorted

static int highest_first(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x < y) - (x > y);
}

static struct asnorm_side plain_side(const struct asnorm_cohort *c, const double *voice)
{
    double *cosines = calloc(c->n, sizeof(*cosines));
    for (size_t i = 0; i < c->n; i++) {
        for (size_t j = 0; j < c->n_embed; j++) {
            cosines[i] += voice[j] * c->voices[i * c->n_embed + j];
        }
    }
    qsort(cosines, c->n, sizeof(*cosines), highest_first);
    size_t k = c->top < c->n ? c->top : c->n;
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < k; i++) {
        sum += cosines[i];
    }
    for (size_t i = 0; i < k; i++) {
        squares += (cosines[i] - sum / (double)k) * (cosines[i] - sum / (double)k);
    }
    free(cosines);
    return (struct asnorm_side){sum / (double)k, sqrt(squares / (double)k)};
}

static double *random_directions(size_t n, uint64_t which)
{
    double *x = calloc(n * N_EMBED, sizeof(*x));
    struct rng r = rng_stream(31, RNG_TEST, which, 0);
    for (size_t i = 0; i < n; i++) {
        double square = 0;
        for (size_t j = 0; j < N_EMBED; j++) {
            x[i * N_EMBED + j] = rng_normal(&r);
            square += x[i * N_EMBED + j] * x[i * N_EMBED + j];
        }
        for (size_t j = 0; j < N_EMBED; j++) {
            x[i * N_EMBED + j] /= sqrt(square);
        }
    }
    return x;
}

static void compare(const char *backend, size_t n, size_t n_cohort, size_t top)
{
    double *voices = random_directions(n, 1);
    double *members = random_directions(n_cohort, 2);
    const struct asnorm_cohort cohort = {members, n_cohort, N_EMBED, top};
    struct asnorm_side *sides = calloc(n, sizeof(*sides));
    asnorm_sides(backend_find(backend), &cohort, voices, n, sides);
    for (size_t i = 0; i < n; i++) {
        struct asnorm_side want = plain_side(&cohort, voices + i * N_EMBED);
        ck_assert_double_eq_tol(sides[i].mean, want.mean, 1e-6);
        ck_assert_double_eq_tol(sides[i].spread, want.spread, 1e-6);
    }
    free(voices);
    free(members);
    free(sides);
}

// ---- tests

START_TEST(both_backends_find_what_sorting_all_cosines_finds)
{
    compare("ref", 40, 70, 30);
    compare("blas", 300, 211, 60); // more sides than one product takes
    compare("blas", 20, 211, 2);
}
END_TEST

START_TEST(of_a_cohort_smaller_than_top_all_members_count)
{
    compare("blas", 9, 11, 300);
    compare("blas", 9, 11, 11);
    compare("ref", 9, 2, 300);
}
END_TEST

START_TEST(a_score_is_told_by_how_far_it_stands_out_on_both_sides)
{
    const struct asnorm_side enroll = {0.2, 0.1};
    const struct asnorm_side test = {0.4, 0.05};
    ck_assert_double_eq_tol(asnorm_score(0.5, &enroll, &test), (3 + 2) / 2.0, 1e-12);
    ck_assert_double_eq(asnorm_score(0.5, &enroll, &test),
                        asnorm_score(0.5, &test, &enroll));
}
END_TEST

// A cohort of one direction has no spread: a defined one stands in for it, and what
// scores like the cohort scores about 0.
START_TEST(a_side_without_spread_keeps_its_scores_finite)
{
    double *members = random_directions(12, 3);
    double *voices = random_directions(5, 4);
    for (size_t i = 1; i < 12; i++) {
        memcpy(members + i * N_EMBED, members, N_EMBED * sizeof(double));
    }
    memcpy(voices, members, N_EMBED * sizeof(double));
    const struct asnorm_cohort cohort = {members, 12, N_EMBED, 6};
    struct asnorm_side sides[5];
    asnorm_sides(backend_find("blas"), &cohort, voices, 5, sides);
    for (int i = 0; i < 5; i++) {
        ck_assert_double_eq(sides[i].spread, ASNORM_SPREAD_MIN);
    }
    ck_assert_double_le(fabs(asnorm_score(1, &sides[0], &sides[0])), 0.01);
    ck_assert(isfinite(asnorm_score(-1, &sides[1], &sides[2])));
    free(members);
    free(voices);
}
END_TEST

TEST_SUITE(asnorm, both_backends_find_what_sorting_all_cosines_finds,
           of_a_cohort_smaller_than_top_all_members_count,
           a_score_is_told_by_how_far_it_stands_out_on_both_sides,
           a_side_without_spread_keeps_its_scores_finite)
