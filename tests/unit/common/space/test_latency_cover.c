// SPDX-License-Identifier: Apache-2.0
// test_latency_cover.c - networks to measure, and tables out of what was measured.
#include "common/space/latency_cover.h"
#include "common/space/latency_fill.h"
#include "common/space/named.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <stdlib.h>

static struct space *named(const char *name)
{
    struct space *s = calloc(1, sizeof(*s));
    ck_assert_ptr_nonnull(s);
    ck_assert(named_space(name, s));
    return s;
}

// A time for each unit that is linear in its channels.
static double cost_ms(const struct latency_unit *u)
{
    return 1 + 0.01 * u->a + 0.02 * u->c + 0.1 * u->dilation +
           (u->section == LATENCY_CATCONV ? 0.005 * u->b : 0.0);
}

static struct latency_table *measure(const struct arch *archs, size_t n)
{
    const struct net_dims dims = DIMS_PAPER;
    struct latency_fill *f = latency_fill_create();
    for (size_t i = 0; i < n; i++) {
        struct latency_unit units[LATENCY_UNITS_MAX];
        size_t n_units = latency_units_of(&archs[i], &dims, units);
        for (size_t j = 0; j < n_units; j++) {
            latency_fill_add(f, &units[j], cost_ms(&units[j]), false);
        }
    }
    struct latency_table *t = latency_fill_table(f);
    latency_fill_destroy(f);
    return t;
}

static void check_covered(const struct space *s, const struct latency_table *t)
{
    const struct net_dims dims = DIMS_PAPER;
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    for (int i = 0; i < 2000; i++) {
        struct arch a = space_draw(s, &r);
        struct latency_unit units[LATENCY_UNITS_MAX];
        size_t n = latency_units_of(&a, &dims, units);
        double want_ms = 0;
        for (size_t j = 0; j < n; j++) {
            want_ms += cost_ms(&units[j]);
        }
        double ms;
        ck_assert(latency_of(t, &a, &dims, &ms));
        ck_assert_double_eq_tol(ms, want_ms, 1e-9);
    }
}

START_TEST(few_networks_cover_every_unit_of_the_coarse_space)
{
    struct space *s = named("coarse");
    struct arch *archs = NULL;
    size_t n = latency_cover(s, 1, 1, &archs);
    // No fewer would do: 75 fourth blocks are in networks of depth 4 alone, and 25
    // concatenations each in those of depth 2 and of depth 3.
    ck_assert_uint_eq(n, 125);
    for (size_t i = 0; i < n; i++) {
        ck_assert(space_contains(s, &archs[i]));
    }
    struct latency_table *t = measure(archs, n);
    check_covered(s, t);
    latency_table_destroy(t);
    free(archs);
    free(s);
}
END_TEST

START_TEST(a_cover_is_the_same_each_time_and_another_one_for_each_seed)
{
    struct space *s = named("coarse");
    struct arch *one = NULL;
    struct arch *two = NULL;
    size_t n = latency_cover(s, 2, 1, &one);
    ck_assert_uint_eq(latency_cover(s, 2, 1, &two), n);
    for (size_t i = 0; i < n; i++) {
        ck_assert(arch_equal(&one[i], &two[i]));
    }
    free(two);
    latency_cover(s, 2, 2, &two);
    ck_assert(!arch_equal(&one[1], &two[1]) || !arch_equal(&one[2], &two[2]));
    free(one);
    free(two);
    free(s);
}
END_TEST

START_TEST(between_the_knots_of_the_fine_space_a_table_interpolates)
{
    struct space *s = named("fine");
    struct arch *archs = NULL;
    size_t n = latency_cover_within(s, 150, 1, &archs);
    ck_assert_uint_le(n, 150);
    ck_assert_uint_ge(n, 30);
    struct latency_table *t = measure(archs, n);
    check_covered(s, t);
    latency_table_destroy(t);
    free(archs);
    // However little time there is, there is a table.
    n = latency_cover_within(s, 1, 1, &archs);
    ck_assert_uint_le(n, 40);
    t = measure(archs, n);
    check_covered(s, t);
    latency_table_destroy(t);
    free(archs);
    free(s);
}
END_TEST

START_TEST(knots_keep_both_ends)
{
    struct space *s = named("fine");
    struct space *grid = calloc(1, sizeof(*grid));
    for (int knots = 2; knots <= LATENCY_KNOTS_MAX; knots++) {
        latency_grid(s, knots, grid);
        const struct gene *g = space_gene(grid, GENE_WIDTH, 2);
        const struct gene *all = space_gene(s, GENE_WIDTH, 2);
        ck_assert_int_eq(g->n_values, knots);
        ck_assert_int_eq(g->values[0], all->values[0]);
        ck_assert_int_eq(g->values[knots - 1], all->values[all->n_values - 1]);
        for (int i = 1; i < knots; i++) {
            ck_assert_int_gt(g->values[i], g->values[i - 1]);
        }
        ck_assert_int_eq(space_gene(grid, GENE_KERNEL, 2)->n_values, 3);
    }
    free(grid);
    free(s);
}
END_TEST

START_TEST(held_out_networks_are_none_of_the_others)
{
    struct space *s = named("coarse");
    struct arch *cover = NULL;
    size_t n = latency_cover(s, 1, 1, &cover);
    struct arch held_out[50];
    ck_assert_uint_eq(latency_holdout(s, 1, cover, n, 50, held_out), 50);
    for (size_t i = 0; i < 50; i++) {
        for (size_t j = 0; j < n; j++) {
            ck_assert(!arch_equal(&held_out[i], &cover[j]));
        }
        for (size_t j = 0; j < i; j++) {
            ck_assert(!arch_equal(&held_out[i], &held_out[j]));
        }
    }
    free(cover);
    free(s);
}
END_TEST

START_TEST(a_unit_is_the_median_of_its_quiet_measurements)
{
    const struct latency_unit quiet = {LATENCY_POOL, 0, 384, 0, 0};
    const struct latency_unit noisy = {LATENCY_POOL, 0, 768, 0, 0};
    struct latency_fill *f = latency_fill_create();
    latency_fill_add(f, &quiet, 9, true);
    latency_fill_add(f, &quiet, 3, false);
    latency_fill_add(f, &noisy, 8, true);
    latency_fill_add(f, &quiet, 1, false);
    latency_fill_add(f, &noisy, 6, true);
    latency_fill_add(f, &quiet, 2, false);
    struct latency_table *t = latency_fill_table(f);
    double ms;
    ck_assert(latency_of_unit(t, &quiet, &ms));
    ck_assert_double_eq(ms, 2);
    ck_assert(latency_of_unit(t, &noisy, &ms));
    ck_assert_double_eq(ms, 7);
    ck_assert_uint_eq(latency_table_count(t), 2);
    latency_table_destroy(t);
    latency_fill_destroy(f);
}
END_TEST

TEST_SUITE(latency_cover, few_networks_cover_every_unit_of_the_coarse_space,
           a_cover_is_the_same_each_time_and_another_one_for_each_seed,
           between_the_knots_of_the_fine_space_a_table_interpolates,
           knots_keep_both_ends, held_out_networks_are_none_of_the_others,
           a_unit_is_the_median_of_its_quiet_measurements)
