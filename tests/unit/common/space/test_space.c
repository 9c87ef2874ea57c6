// SPDX-License-Identifier: Apache-2.0
// test_space.c - counting, drawing and bounding search spaces.
#include "common/space/space.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <string.h>

static const struct value_list depths = {3, {2, 3, 4}};
static const struct value_list kernels = {3, {1, 3, 5}};
static const struct value_list coarse_widths = {5, {128, 176, 256, 384, 512}};
static const struct value_list coarse_cats = {5, {384, 536, 768, 1152, 1536}};

static struct value_list steps(int from, int to, int step)
{
    struct value_list list = {0};
    for (int v = from; v <= to; v += step) {
        list.values[list.n++] = v;
    }
    return list;
}

static struct space coarse(void)
{
    struct space s;
    ck_assert_int_eq(
        space_build(&s, &depths, &coarse_widths, &kernels, &coarse_cats, NULL), ERR_OK);
    return s;
}

START_TEST(the_coarse_space_has_4_066_875_networks)
{
    struct space s = coarse();
    uint64_t count;
    ck_assert_int_eq(space_count(&s, &count), ERR_OK);
    ck_assert_uint_eq(count, 4066875);
    ck_assert_int_eq(s.n_genes, 12);
    ck_assert_str_eq(space_gene(&s, GENE_WIDTH, 3)->name, "width3");
    ck_assert_str_eq(space_gene(&s, GENE_CAT, 0)->name, "cat");
    ck_assert_ptr_null(space_gene(&s, GENE_WIDTH, 5));
}
END_TEST

START_TEST(the_fine_space_has_10_021_183_582_095_networks)
{
    struct value_list widths = steps(128, 512, 8);
    struct value_list cats = steps(384, 1536, 8);
    struct space s;
    ck_assert_int_eq(space_build(&s, &depths, &widths, &kernels, &cats, NULL), ERR_OK);
    uint64_t count;
    ck_assert_int_eq(space_count(&s, &count), ERR_OK);
    ck_assert_uint_eq(count, 10021183582095u);
}
END_TEST

START_TEST(a_count_beyond_64_bits_is_an_error_not_a_wrong_number)
{
    struct value_list wide = steps(8, 2048, 8);
    struct value_list deep = {1, {8}};
    struct space s;
    ck_assert_int_eq(space_build(&s, &deep, &wide, &kernels, &wide, NULL), ERR_OK);
    uint64_t count = 5;
    ck_assert_int_eq(space_count(&s, &count), ERR_LIMIT);
    ck_assert_uint_eq(count, 5);
}
END_TEST

START_TEST(draws_are_in_the_space_and_uniform_over_depths)
{
    struct space s = coarse();
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    int per_depth[5] = {0};
    for (int i = 0; i < 3000; i++) {
        struct arch a = space_draw(&s, &r);
        ck_assert(space_contains(&s, &a));
        per_depth[a.depth]++;
    }
    for (int depth = 2; depth <= 4; depth++) {
        ck_assert_int_lt(abs(per_depth[depth] - 1000), 120);
    }
}
END_TEST

START_TEST(inactive_genes_are_neither_drawn_nor_set)
{
    struct space s = coarse();
    struct rng r = rng_stream(1, RNG_TEST, 1, 0);
    struct rng by_hand = r;
    struct arch a = space_draw(&s, &r);
    struct arch b = {.depth = depths.values[rng_below(&by_hand, 3)]};
    for (int i = 0; i <= b.depth; i++) {
        b.width[i] = coarse_widths.values[rng_below(&by_hand, 5)];
    }
    for (int i = 0; i <= b.depth; i++) {
        b.kernel[i] = kernels.values[rng_below(&by_hand, 3)];
    }
    b.cat = coarse_cats.values[rng_below(&by_hand, 5)];
    ck_assert(arch_equal(&a, &b));
}
END_TEST

START_TEST(counting_through_a_space_meets_each_member_once)
{
    const struct value_list two = {2, {1, 2}};
    const struct value_list widths = {2, {8, 16}};
    const struct value_list odd = {2, {1, 5}};
    struct space s;
    uint64_t count;
    ck_assert_int_eq(space_build(&s, &two, &widths, &odd, &widths, NULL), ERR_OK);
    ck_assert_int_eq(space_count(&s, &count), ERR_OK);
    ck_assert_uint_eq(count, 160); // (16 + 64) * 2
    for (uint64_t i = 0; i < count; i++) {
        struct arch a = space_at(&s, i);
        ck_assert(space_contains(&s, &a));
        for (uint64_t j = 0; j < i; j++) {
            struct arch b = space_at(&s, j);
            ck_assert(!arch_equal(&a, &b));
        }
    }
}
END_TEST

START_TEST(the_extremes_are_the_published_ones)
{
    struct space s = coarse();
    char text[ARCH_STRING_MAX];
    struct arch a = space_largest(&s);
    ck_assert_str_eq(arch_print(&a, text), "4-512-512-512-512-512-5-5-5-5-5-1536");
    a = space_smallest(&s);
    ck_assert_str_eq(arch_print(&a, text), "2-128-128-128-1-1-1-384");
}
END_TEST

START_TEST(only_canonical_members_are_contained)
{
    struct space s = coarse();
    struct arch a = space_smallest(&s);
    ck_assert(space_contains(&s, &a));
    a.width[3] = 128; // beyond the depth
    ck_assert(!space_contains(&s, &a));
    a = space_smallest(&s);
    a.width[1] = 136;
    ck_assert(!space_contains(&s, &a));
    a = space_smallest(&s);
    a.depth = 1;
    ck_assert(!space_contains(&s, &a));
}
END_TEST

START_TEST(lists_that_make_no_space_are_refused)
{
    const struct value_list empty = {0, {0}};
    const struct value_list twice = {2, {128, 128}};
    const struct value_list falling = {2, {256, 128}};
    const struct value_list even = {2, {1, 2}};
    const struct value_list zero = {2, {0, 1}};
    struct space s;
    struct errinfo why = {0};
    ck_assert_int_eq(
        space_build(&s, &empty, &coarse_widths, &kernels, &coarse_cats, &why),
        ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "depth has 0 values"));
    ck_assert_int_eq(
        space_build(&s, &zero, &coarse_widths, &kernels, &coarse_cats, &why),
        ERR_INPUT);
    ck_assert_int_eq(space_build(&s, &depths, &twice, &kernels, &coarse_cats, &why),
                     ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "width value 128 follows 128"));
    ck_assert_int_eq(space_build(&s, &depths, &falling, &kernels, &coarse_cats, &why),
                     ERR_INPUT);
    ck_assert_int_eq(
        space_build(&s, &depths, &coarse_widths, &even, &coarse_cats, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "kernel value 2 is not possible"));
}
END_TEST

START_TEST(a_space_beyond_the_supernet_does_not_fit)
{
    struct space s = coarse();
    struct net_dims d = DIMS_PAPER;
    struct errinfo why = {0};
    ck_assert_int_eq(space_fits(&s, &d, &why), ERR_OK);
    d.max_width = 384;
    ck_assert_int_eq(space_fits(&s, &d, &why), ERR_INPUT);
    d = DIMS_PAPER;
    d.res2_scale = 32; // 176 = 5.5 x 32
    ck_assert_int_eq(space_fits(&s, &d, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "is 176; the supernet needs a multiple of"));
}
END_TEST

TEST_SUITE(space, the_coarse_space_has_4_066_875_networks,
           the_fine_space_has_10_021_183_582_095_networks,
           a_count_beyond_64_bits_is_an_error_not_a_wrong_number,
           draws_are_in_the_space_and_uniform_over_depths,
           inactive_genes_are_neither_drawn_nor_set,
           counting_through_a_space_meets_each_member_once,
           the_extremes_are_the_published_ones, only_canonical_members_are_contained,
           lists_that_make_no_space_are_refused,
           a_space_beyond_the_supernet_does_not_fit)
