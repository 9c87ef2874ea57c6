// SPDX-License-Identifier: Apache-2.0
// test_onehot.c - where the ones of a network stand.
#include "common/space/named.h"
#include "coordinator/predict/onehot.h"
#include "tests/lib/check_main.h"

static struct space space_of(const char *name)
{
    struct space s;
    ck_assert(named_space(name, &s));
    return s;
}

START_TEST(the_papers_spaces_have_48_and_408_values)
{
    struct space coarse = space_of("coarse");
    struct space fine = space_of("fine");
    uint64_t n = 0;
    ck_assert_uint_eq(onehot_size(&coarse), 48);
    ck_assert_uint_eq(onehot_size(&fine), 408);
    ck_assert_int_eq(space_count(&coarse, &n), ERR_OK);
    ck_assert_uint_eq(n, 4066875);
    ck_assert_int_eq(space_count(&fine, &n), ERR_OK);
    ck_assert_uint_eq(n, 10021183582095);
}
END_TEST

START_TEST(there_is_no_space_of_another_name)
{
    struct space s;
    ck_assert(!named_space("", &s));
    ck_assert(!named_space("Coarse", &s));
}
END_TEST

START_TEST(layers_that_do_not_exist_are_all_zero)
{
    struct space s = space_of("coarse");
    struct arch a;
    int ones[SPACE_GENES_MAX];
    // depth 3, width 5 x 5, kernel 5 x 3, cat 5: each gene's values begin where the
    // last one's ended.
    const int wanted[] = {0, 3 + 0, 8 + 2, 13 + 4, 28 + 2, 31 + 0, 34 + 1, 43 + 3};
    ck_assert_int_eq(arch_parse("2-128-256-512-5-1-3-1152", &a, NULL), ERR_OK);
    ck_assert_uint_eq(onehot_of(&s, &a, ones), 8);
    ck_assert_mem_eq(ones, wanted, sizeof(wanted));
}
END_TEST

START_TEST(no_two_networks_look_the_same)
{
    const struct value_list depths = {2, {1, 2}};
    const struct value_list widths = {2, {8, 16}};
    const struct value_list kernels = {2, {1, 3}};
    struct space s;
    uint64_t n = 0;
    ck_assert_int_eq(space_build(&s, &depths, &widths, &kernels, &widths, NULL),
                     ERR_OK);
    ck_assert_int_eq(space_count(&s, &n), ERR_OK);
    uint64_t *seen = calloc(n, sizeof(*seen));
    ck_assert_ptr_nonnull(seen);
    for (uint64_t i = 0; i < n; i++) {
        struct arch a = space_at(&s, i);
        int ones[SPACE_GENES_MAX];
        size_t n_ones = onehot_of(&s, &a, ones);
        for (size_t j = 0; j < n_ones; j++) {
            ck_assert(j == 0 || ones[j] > ones[j - 1]);
            seen[i] |= (uint64_t)1 << ones[j];
        }
        for (uint64_t j = 0; j < i; j++) {
            ck_assert_uint_ne(seen[j], seen[i]);
        }
    }
    free(seen);
}
END_TEST

TEST_SUITE(onehot, the_papers_spaces_have_48_and_408_values,
           there_is_no_space_of_another_name, layers_that_do_not_exist_are_all_zero,
           no_two_networks_look_the_same)
