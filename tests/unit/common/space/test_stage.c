// SPDX-License-Identifier: Apache-2.0
// test_stage.c - what each stage trains.
#include "common/space/stage.h"
#include "tests/lib/check_main.h"

#include <string.h>

static const struct value_list depths = {3, {2, 3, 4}};
static const struct value_list kernels = {3, {1, 3, 5}};
static const struct value_list widths = {5, {128, 176, 256, 384, 512}};
static const struct value_list cats = {5, {384, 536, 768, 1152, 1536}};

static struct space coarse(void)
{
    struct space s;
    ck_assert_int_eq(space_build(&s, &depths, &widths, &kernels, &cats, NULL), ERR_OK);
    return s;
}

START_TEST(stage_spaces_have_their_published_cardinalities)
{
    const uint64_t wanted[STAGE_KINDS] = {1, 243, 351, 199017, 4066875};
    struct space full = coarse();
    for (int k = 0; k < STAGE_KINDS; k++) {
        struct space s;
        uint64_t count;
        stage_space(&full, (enum stage_kind)k, &s);
        ck_assert_int_eq(space_count(&s, &count), ERR_OK);
        ck_assert_uint_eq(count, wanted[k]);
    }
}
END_TEST

START_TEST(each_stage_of_the_coarse_space_lies_in_the_next_one)
{
    struct space full = coarse();
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int k = 0; k + 1 < STAGE_KINDS; k++) {
        struct space s;
        struct space next;
        stage_space(&full, (enum stage_kind)k, &s);
        stage_space(&full, (enum stage_kind)(k + 1), &next);
        for (int i = 0; i < 200; i++) {
            struct arch a = space_draw(&s, &r);
            ck_assert(space_contains(&next, &a));
        }
    }
}
END_TEST

START_TEST(width_stages_never_go_below_the_spaces_smallest_width)
{
    const struct value_list narrow = {2, {104, 128}};
    struct space full;
    struct space s;
    ck_assert_int_eq(space_build(&full, &depths, &narrow, &kernels, &narrow, NULL),
                     ERR_OK);
    stage_space(&full, STAGE_WIDTH1, &s);
    const struct gene *g = space_gene(&s, GENE_WIDTH, 0);
    ck_assert_int_eq(g->n_values, 1);
    ck_assert_int_eq(g->values[0], 128);
}
END_TEST

START_TEST(ratios_round_to_the_nearest_multiple_of_eight)
{
    ck_assert_int_eq(stage_round_width(1, 512), 512);
    ck_assert_int_eq(stage_round_width(.75, 512), 384);
    ck_assert_int_eq(stage_round_width(.35, 512), 176);  // 179.2
    ck_assert_int_eq(stage_round_width(.35, 1536), 536); // 537.6
    ck_assert_int_eq(stage_round_width(.25, 8), 8);      // at least 8
    ck_assert_int_eq(stage_round_width(.5, 24), 16);     // 12: the half goes up
    ck_assert_int_eq(stage_round_width(.485, 24), 16);   // 11.64 -> 8 < 10.476
}
END_TEST

START_TEST(names_come_back_as_kinds)
{
    for (int k = 0; k < STAGE_KINDS; k++) {
        enum stage_kind back;
        ck_assert_int_eq(stage_parse(stage_name((enum stage_kind)k), &back), ERR_OK);
        ck_assert_int_eq((int)back, k);
    }
    enum stage_kind kind;
    ck_assert_int_eq(stage_parse("Largest", &kind), ERR_INPUT);
    ck_assert_int_eq(stage_parse("", &kind), ERR_INPUT);
}
END_TEST

TEST_SUITE(stage, stage_spaces_have_their_published_cardinalities,
           each_stage_of_the_coarse_space_lies_in_the_next_one,
           width_stages_never_go_below_the_spaces_smallest_width,
           ratios_round_to_the_nearest_multiple_of_eight, names_come_back_as_kinds)
