// SPDX-License-Identifier: Apache-2.0
// test_layout.c - names, sizes and offsets of the tensors of dense networks.
#include "common/space/complexity.h"
#include "tests/lib/check_main.h"
#include "worker/nn/layout.h"

#include <string.h>

static struct layout *layout_of(const char *text)
{
    struct arch a;
    struct errinfo why = {0};
    ck_assert_int_eq(arch_parse(text, &a, &why), ERR_OK);
    struct layout *l = malloc(sizeof(*l));
    ck_assert_ptr_nonnull(l);
    layout_build(l, &DIMS_PAPER, &a);
    return l;
}

START_TEST(weights_are_as_many_as_the_closed_form_counts)
{
    const char *const archs[] = {
        "4-512-512-512-512-512-5-5-5-5-5-1536",
        "3-512-512-512-512-5-3-3-3-1536",
        "3-384-256-256-256-5-3-3-3-768",
        "2-256-256-256-3-3-3-400",
        "2-128-128-128-1-1-1-384",
        "1-8-16-1-5-8",
    };
    for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
        struct layout *l = layout_of(archs[i]);
        struct complexity c = complexity_of(&l->arch, &l->dims, 300);
        ck_assert_uint_eq(l->n_weights, c.params);
        free(l);
    }
}
END_TEST

START_TEST(tensors_of_each_block_follow_each_other_without_holes)
{
    struct layout *l = layout_of("2-128-176-256-5-3-1-384");
    size_t ends[2] = {0, 0};
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        ck_assert_uint_eq(t->at, ends[t->is_stat]);
        ends[t->is_stat] += (size_t)t->out * (size_t)t->in * (size_t)t->taps;
    }
    ck_assert_uint_eq(ends[0], l->n_weights);
    ck_assert_uint_eq(ends[1], l->n_stats);
    free(l);
}
END_TEST

START_TEST(tensors_are_found_by_the_names_of_checkpoints)
{
    struct layout *l = layout_of("2-128-176-256-5-3-1-384");
    const struct layout_tensor *t =
        layout_find(l, "blocks.1.resconv.convs.6.conv.conv.weight");
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(t->block, 2);
    ck_assert_int_eq(t->out, 32);
    ck_assert_int_eq(t->taps, 1);
    ck_assert(t->is_elastic_kernel);
    t = layout_find(l, "layer1.conv.conv.weight");
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(t->in, 80);
    ck_assert_int_eq(t->taps, 5);
    t = layout_find(l, "bnembed.running_var");
    ck_assert_ptr_nonnull(t);
    ck_assert(t->is_stat);
    ck_assert_ptr_null(layout_find(l, "blocks.2.first_conv.conv.conv.weight"));
    free(l);
}
END_TEST

START_TEST(axes_tell_what_an_index_counts)
{
    struct layout *l = layout_of("2-128-176-256-5-3-1-384");
    const struct layout_tensor *t = layout_find(l, "catconv.conv.weight");
    ck_assert_int_eq(t->out_axis, AXIS_CAT);
    ck_assert_int_eq(t->in_axis, AXIS_CONCAT);
    ck_assert_int_eq(t->in, 256);
    t = layout_find(l, "linear.linear.weight");
    ck_assert_int_eq(t->out_axis, AXIS_EMBED);
    ck_assert_int_eq(t->in_axis, AXIS_STATS);
    t = layout_find(l, "blocks.0.se.reduce.linear.bias");
    ck_assert_int_eq(t->out_axis, AXIS_SQUEEZE);
    ck_assert_int_eq(t->in_axis, AXIS_ONE);
    free(l);
}
END_TEST

TEST_SUITE(layout, weights_are_as_many_as_the_closed_form_counts,
           tensors_of_each_block_follow_each_other_without_holes,
           tensors_are_found_by_the_names_of_checkpoints,
           axes_tell_what_an_index_counts)
