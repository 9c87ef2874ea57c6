// SPDX-License-Identifier: Apache-2.0
// test_text.c - what is clean text and what is made of the rest.
#include "proto/text.h"
#include "tests/lib/check_main.h"

#include <string.h>

static bool is_valid(const char *text)
{
    return text_is_valid(text, strlen(text));
}

START_TEST(clean_text_of_every_length_is_valid)
{
    ck_assert(is_valid(""));
    ck_assert(is_valid("plain"));
    ck_assert(is_valid("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xa4"));
    ck_assert(is_valid("\xf4\x8f\xbf\xbf"));
}
END_TEST

START_TEST(malformed_text_is_not)
{
    ck_assert(!text_is_valid("a\0b", 3));
    ck_assert(!is_valid("\x80"));             // continuation alone
    ck_assert(!is_valid("\xc0\xaf"));         // overlong
    ck_assert(!is_valid("\xe0\x80\xaf"));     // overlong
    ck_assert(!is_valid("\xed\xa0\x80"));     // surrogate
    ck_assert(!is_valid("\xf4\x90\x80\x80")); // above U+10FFFF
    ck_assert(!is_valid("\xe2\x82"));         // cut
    ck_assert(!is_valid("\xff"));
}
END_TEST

START_TEST(cleaning_replaces_what_is_malformed)
{
    char out[16];
    ck_assert_uint_eq(text_clean(out, sizeof(out), "a\xff\xc3\xa9\xe2\x82"), 6);
    ck_assert_str_eq(out, "a?\xc3\xa9??");
}
END_TEST

START_TEST(cleaning_cuts_between_characters)
{
    char out[5];
    ck_assert_uint_eq(text_clean(out, sizeof(out), "abc\xc3\xa9"), 3);
    ck_assert_str_eq(out, "abc");
    ck_assert_uint_eq(text_clean(out, 1, "abc"), 0);
    ck_assert_str_eq(out, "");
}
END_TEST

TEST_SUITE(text, clean_text_of_every_length_is_valid, malformed_text_is_not,
           cleaning_replaces_what_is_malformed, cleaning_cuts_between_characters)
