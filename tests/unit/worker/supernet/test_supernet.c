// SPDX-License-Identifier: Apache-2.0
// test_supernet.c - the table of tensors and the initial values.
#include "common/space/complexity.h"
#include "tests/lib/check_main.h"
#include "tests/unit/worker/supernet/toy.h"

#include <string.h>

static const float *values_of(const struct supernet *s, const char *name)
{
    const struct supernet_tensor *t = supernet_find(s, name);
    ck_assert_msg(t != NULL, "no tensor %s", name);
    return s->values + t->at;
}

START_TEST(initial_values_are_a_function_of_the_seed)
{
    struct net_dims d = TOY_DIMS;
    struct supernet *a = supernet_create(&d, TOY_SPEAKERS, 1);
    struct supernet *b = supernet_create(&d, TOY_SPEAKERS, 1);
    struct supernet *c = supernet_create(&d, TOY_SPEAKERS, 2);
    ck_assert_mem_eq(a->values, b->values, a->n_values * sizeof(float));
    ck_assert_mem_ne(a->values, c->values, a->n_values * sizeof(float));
    supernet_destroy(a);
    supernet_destroy(b);
    supernet_destroy(c);
}
END_TEST

START_TEST(tensors_tile_the_block_without_gaps)
{
    struct net_dims d = TOY_DIMS;
    struct supernet *s = supernet_create(&d, TOY_SPEAKERS, 1);
    size_t at = 0;
    for (int i = 0; i < s->n_tensors; i++) {
        ck_assert_uint_eq(s->tensors[i].at, at);
        at += s->tensors[i].n_values;
    }
    ck_assert_uint_eq(at, s->n_values);
    ck_assert_uint_eq(s->layout.n_weights,
                      complexity_of(&s->layout.arch, &d, 300).params);
    supernet_destroy(s);
}
END_TEST

static void assert_bounded(const struct supernet *s, const char *name, int fan_in)
{
    const struct supernet_tensor *t = supernet_find(s, name);
    float bound = 1 / sqrtf((float)fan_in);
    float most = 0;
    for (size_t i = 0; i < t->n_values; i++) {
        most = fmaxf(most, fabsf(values_of(s, name)[i]));
    }
    ck_assert_float_le(most, bound);
    ck_assert_float_gt(most, 0.7f * bound);
}

START_TEST(values_begin_as_the_field_expects)
{
    struct net_dims d = TOY_DIMS;
    struct supernet *s = supernet_create(&d, TOY_SPEAKERS, 1);
    assert_bounded(s, "layer1.conv.conv.weight", d.n_mels * d.max_kernel);
    assert_bounded(s, "catconv.conv.weight", d.max_depth * d.max_width);
    assert_bounded(s, "blocks.1.se.expand.linear.bias", d.max_width / d.se_reduction);
    const float *k53 = values_of(s, "blocks.2.resconv.convs.6.conv.k53");
    for (int i = 0; i < 9; i++) {
        ck_assert_float_eq(k53[i], i % 4 == 0 ? 1.0f : 0.0f);
    }
    ck_assert_float_eq(values_of(s, "layer1.conv.k31")[0], 1);
    ck_assert_float_eq(values_of(s, "bnpool.bn.weight")[5], 1);
    ck_assert_float_eq(values_of(s, "bnembed.bias")[5], 0);
    const struct layout_tensor *variance =
        layout_find(&s->layout, "bnembed.running_var");
    ck_assert_float_eq(s->stats[variance->at], 1);
    supernet_destroy(s);
}
END_TEST

START_TEST(a_smaller_largest_kernel_has_fewer_matrices)
{
    struct supernet *three = toy_supernet(3);
    struct supernet *one = toy_supernet(1);
    ck_assert_ptr_null(supernet_find(three, "layer1.conv.k53"));
    ck_assert_ptr_nonnull(supernet_find(three, "layer1.conv.k31"));
    ck_assert_ptr_null(supernet_find(one, "layer1.conv.k31"));
    ck_assert_uint_eq(one->k31_at[0], SUPERNET_NO_MATRIX);
    supernet_destroy(three);
    supernet_destroy(one);
}
END_TEST

START_TEST(the_largest_supernet_that_is_allowed_fits_its_tables)
{
    struct net_dims d = {.n_mels = 1,
                         .max_depth = ARCH_DEPTH_MAX,
                         .max_width = DIMS_RES2_SCALE_MAX,
                         .max_kernel = 5,
                         .max_cat = 8,
                         .n_embed = 1,
                         .res2_scale = DIMS_RES2_SCALE_MAX,
                         .se_reduction = 1,
                         .pool_bottleneck = 1};
    struct errinfo why = {0};
    ck_assert_msg(dims_check(&d, &why) == ERR_OK, "%s", why.text);
    struct supernet *s = supernet_create(&d, TOY_SPEAKERS, 1);
    ck_assert_ptr_nonnull(supernet_find(s, "blocks.7.resconv.convs.6.conv.k31"));
    supernet_destroy(s);
    d.res2_scale = d.max_width = DIMS_RES2_SCALE_MAX + 1;
    ck_assert_int_eq(dims_check(&d, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "allowed: 2 to 8"));
}
END_TEST

START_TEST(a_value_that_is_not_finite_is_found_and_its_tensor_named)
{
    const struct net_dims d = DIMS_PAPER;
    struct supernet *s = supernet_create(&d, 3, 1);
    struct errinfo why = {0};
    ck_assert_int_eq(supernet_check(s, &why), ERR_OK);
    const struct supernet_tensor *t = &s->tensors[s->n_tensors / 2];
    float *const places[] = {&s->values[t->at], &s->m[t->at + t->n_values - 1],
                             &s->v[t->at]};
    for (size_t i = 0; i < 3; i++) {
        float was = *places[i];
        *places[i] = i == 0 ? NAN : -INFINITY;
        ck_assert_int_eq(supernet_check(s, &why), ERR_NUMERIC);
        ck_assert_ptr_nonnull(strstr(why.text, t->name));
        *places[i] = was;
    }
    s->stats[s->layout.n_stats - 1] = INFINITY;
    ck_assert_int_eq(supernet_check(s, &why), ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(why.text, "BN statistics"));
    supernet_destroy(s);
}
END_TEST

TEST_SUITE(supernet, a_value_that_is_not_finite_is_found_and_its_tensor_named,
           initial_values_are_a_function_of_the_seed,
           tensors_tile_the_block_without_gaps, values_begin_as_the_field_expects,
           a_smaller_largest_kernel_has_fewer_matrices,
           the_largest_supernet_that_is_allowed_fits_its_tables)
