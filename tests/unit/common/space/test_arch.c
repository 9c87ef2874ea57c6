// SPDX-License-Identifier: Apache-2.0
// test_arch.c - the string form, its limits, and what fits a supernet.
#include "common/space/arch.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

static const char base[] = "3-512-512-512-512-5-3-3-3-1536";

START_TEST(a_string_comes_back_as_it_was)
{
    const char *const texts[] = {
        base,
        "4-512-512-512-512-512-5-5-5-5-5-1536",
        "2-128-128-128-1-1-1-384",
        "1-8-8192-1-5-8",
        "8-8-8-8-8-8-8-8-8-8-1-1-1-1-1-1-1-1-1-8192",
        "8-8192-8192-8192-8192-8192-8192-8192-8192-8192-5-5-5-5-5-5-5-5-5-8192",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arch a;
        char out[ARCH_STRING_MAX];
        ck_assert_int_eq(arch_parse(texts[i], &a, NULL), ERR_OK);
        ck_assert_str_eq(arch_print(&a, out), texts[i]);
    }
}
END_TEST

START_TEST(parsing_fills_the_fields_and_leaves_the_rest_zero)
{
    struct arch a;
    ck_assert_int_eq(arch_parse("2-128-136-144-1-3-5-384", &a, NULL), ERR_OK);
    struct arch wanted = {
        .depth = 2, .width = {128, 136, 144}, .kernel = {1, 3, 5}, .cat = 384};
    ck_assert(arch_equal(&a, &wanted));
}
END_TEST

static const struct {
    const char *text;
    const char *sentence; // part of the error
} malformed[] = {
    {"", "number 1 (depth) is missing"},
    {"-", "number 1 (depth) is missing"},
    {"3", "ends after 1 numbers"},
    {"0-8-1-8", "number 1 (depth) is \"0\""},
    {"9-8-1-8", "number 1 (depth) is \"9\"; allowed: 1 to 8"},
    {"03-512-512-512-512-5-3-3-3-1536", "number 1 (depth) is \"03\""},
    {"+3-512-512-512-512-5-3-3-3-1536", "number 1 (depth) is \"+3\""},
    {" 3-512-512-512-512-5-3-3-3-1536", "number 1 (depth) is \" 3\""},
    {"3-512-500-512-512-5-3-3-3-1536", "number 3 (width 1) is \"500\"; allowed: a mul"},
    {"3-512--512-512-5-3-3-3-1536", "number 3 (width 1) is missing"},
    {"3-512-512-512-512-5-3-3-2-1536", "number 9 (kernel 3) is \"2\"; allowed: 1, 3"},
    {"3-512-512-512-512-5-3-3-3", "ends after 9 numbers; depth 3 takes 10"},
    {"3-512-512-512-512-5-3-3-3-", "number 10 (cat) is missing"},
    {"3-512-512-512-512-5-3-3-3-1536-", "goes on after cat"},
    {"3-512-512-512-512-5-3-3-3-1536-1", "\"-1\" is too much"},
    {"3-512-512-512-512-5-3-3-3-1536 ", "number 10 (cat) is \"1536 \""},
    {"3-512-512-512-512-5-3-3-3-1536\n", "number 10 (cat)"},
    {"3-512-512-512-512-5-3-3-3-0x600", "number 10 (cat)"},
    {"3-512-512-512-512-5-3-3-3-1e3", "number 10 (cat)"},
    {"3-512-512-512-512-5-3-3-3-0", "number 10 (cat)"},
    {"3-99999999999999999999-512-512-512-5-3-3-3-1536", "number 2 (width 0)"},
    {"3-4294967808-512-512-512-5-3-3-3-1536", "number 2 (width 0)"},
    {"3_512_512_512_512_5_3_3_3_1536", "number 1 (depth)"},
};

START_TEST(malformed_strings_are_refused_and_the_error_says_which_number)
{
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct arch a = {.depth = 77};
        struct errinfo why = {0};
        ck_assert_int_eq(arch_parse(malformed[i].text, &a, &why), ERR_INPUT);
        ck_assert_msg(strstr(why.text, malformed[i].sentence) != NULL,
                      "\"%s\" gave: %s", malformed[i].text, why.text);
        ck_assert_int_eq(a.depth, 77); // untouched
    }
}
END_TEST

START_TEST(a_huge_string_is_refused_not_copied)
{
    static char huge[100000];
    memset(huge, '7', sizeof(huge) - 1);
    struct arch a;
    struct errinfo why = {0};
    ck_assert_int_eq(arch_parse(huge, &a, &why), ERR_INPUT);
    ck_assert_uint_lt(strlen(why.text), ERRINFO_MAX);
}
END_TEST

START_TEST(the_hash_is_the_published_fnv_of_the_string)
{
    struct arch a;
    struct arch b;
    ck_assert_int_eq(arch_parse(base, &a, NULL), ERR_OK);
    b = a;
    b.kernel[2] = 5;
    ck_assert_uint_ne(arch_hash(&a), arch_hash(&b));
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *p = base; *p; p++) {
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    }
    ck_assert_uint_eq(arch_hash(&a), hash);
}
END_TEST

START_TEST(what_exceeds_the_supernet_does_not_fit)
{
    const struct net_dims paper = DIMS_PAPER;
    struct arch a;
    struct errinfo why = {0};
    ck_assert_int_eq(arch_parse(base, &a, NULL), ERR_OK);
    ck_assert_int_eq(arch_fits(&a, &paper, &why), ERR_OK);

    struct net_dims d = paper;
    d.max_depth = 2;
    ck_assert_int_eq(arch_fits(&a, &d, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "depth is 3; the supernet has at most 2"));
    d = paper;
    d.max_width = 504;
    ck_assert_int_eq(arch_fits(&a, &d, &why), ERR_INPUT);
    d = paper;
    d.max_kernel = 3;
    ck_assert_int_eq(arch_fits(&a, &d, &why), ERR_INPUT);
    d = paper;
    d.max_cat = 1528;
    ck_assert_int_eq(arch_fits(&a, &d, &why), ERR_INPUT);
    d = paper;
    d.res2_scale = 16;
    a.width[2] = 264;
    ck_assert_int_eq(arch_fits(&a, &d, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "width 2 is 264; the supernet needs"));
}
END_TEST

START_TEST(genes_beyond_the_depth_do_not_fit)
{
    const struct net_dims paper = DIMS_PAPER;
    struct arch a;
    ck_assert_int_eq(arch_parse(base, &a, NULL), ERR_OK);
    a.width[4] = 512;
    ck_assert_int_eq(arch_fits(&a, &paper, NULL), ERR_INPUT);
}
END_TEST

START_TEST(supernets_that_cannot_be_built_are_refused)
{
    const struct net_dims paper = DIMS_PAPER;
    ck_assert_int_eq(dims_check(&paper, NULL), ERR_OK);
    const struct net_dims fixture = {80, 4, 64, 5,   192,
                                     64, 8, 4,  128, INPUT_BY_RECORDING};
    ck_assert_int_eq(dims_check(&fixture, NULL), ERR_OK);
    const struct net_dims bad[] = {
        {0, 4, 512, 5, 1536, 192, 8, 4, 128, 0},
        {80, 0, 512, 5, 1536, 192, 8, 4, 128, 0},
        {80, 9, 512, 5, 1536, 192, 8, 4, 128, 0},
        {80, 4, 510, 5, 1536, 192, 8, 4, 128, 0},
        {80, 4, 512, 4, 1536, 192, 8, 4, 128, 0},
        {80, 4, 512, 7, 1536, 192, 8, 4, 128, 0},
        {80, 4, 512, 5, 1537, 192, 8, 4, 128, 0},
        {80, 4, 512, 5, 1536, 0, 8, 4, 128, 0},
        {80, 4, 512, 5, 1536, 192, 1, 4, 128, 0},
        {80, 4, 512, 5, 1536, 192, 8, 0, 128, 0},
        {80, 4, 512, 5, 1536, 192, 8, 4, -1, 0},
        {80, 4, 8, 5, 1536, 192, 16, 4, 128, 0},
        {80, 4, 9000, 5, 1536, 192, 8, 4, 128, 0},
        {80, 4, 512, 5, 1536, 192, 8, 3, 128, 0},
        {80, 4, 512, 5, 1536, 192, 16, 4, 128, 0},
        {80, 4, 512, 5, 1536, 192, 8, 4, 128, 2},
        {80, 4, 512, 5, 1536, 192, 8, 4, 128, -1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct errinfo why = {0};
        ck_assert_int_eq(dims_check(&bad[i], &why), ERR_INPUT);
        ck_assert_uint_gt(strlen(why.text), 0);
    }
}
END_TEST

TEST_SUITE(arch, a_string_comes_back_as_it_was,
           parsing_fills_the_fields_and_leaves_the_rest_zero,
           malformed_strings_are_refused_and_the_error_says_which_number,
           a_huge_string_is_refused_not_copied,
           the_hash_is_the_published_fnv_of_the_string,
           what_exceeds_the_supernet_does_not_fit, genes_beyond_the_depth_do_not_fit,
           supernets_that_cannot_be_built_are_refused)
