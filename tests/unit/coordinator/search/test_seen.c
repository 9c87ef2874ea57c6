// SPDX-License-Identifier: Apache-2.0
// test_seen.c - the set of architectures against counting through a space.
#include "common/space/space.h"
#include "coordinator/search/seen.h"
#include "tests/lib/check_main.h"

START_TEST(a_set_holds_what_was_added_once_and_nothing_else)
{
    const struct value_list depths = {2, {1, 2}};
    const struct value_list widths = {4, {8, 16, 24, 32}};
    const struct value_list kernels = {2, {1, 3}};
    struct space space;
    uint64_t count;
    ck_assert_int_eq(space_build(&space, &depths, &widths, &kernels, &widths, NULL),
                     ERR_OK);
    ck_assert_int_eq(space_count(&space, &count), ERR_OK);
    struct seen *s = seen_create();
    for (uint64_t i = 0; i < count; i += 2) {
        struct arch a = space_at(&space, i);
        ck_assert(seen_add(s, &a));
        ck_assert(!seen_add(s, &a));
    }
    ck_assert_uint_eq(seen_count(s), (count + 1) / 2);
    for (uint64_t i = 0; i < count; i++) {
        struct arch a = space_at(&space, i);
        ck_assert_int_eq(seen_has(s, &a), i % 2 == 0);
    }
    seen_destroy(s);
}
END_TEST

START_TEST(an_empty_set_holds_nothing)
{
    struct seen *s = seen_create();
    struct arch a = {.depth = 1, .width = {8, 8}, .kernel = {1, 1}, .cat = 8};
    ck_assert(!seen_has(s, &a));
    ck_assert_uint_eq(seen_count(s), 0);
    seen_destroy(s);
    seen_destroy(NULL);
}
END_TEST

TEST_SUITE(seen, a_set_holds_what_was_added_once_and_nothing_else,
           an_empty_set_holds_nothing)
