// SPDX-License-Identifier: Apache-2.0
// test_bytesize.c - amounts of memory are read as they were meant, or not at all.
#include "common/base/bytesize.h"
#include "tests/lib/check_main.h"

START_TEST(amounts_are_read_with_and_without_units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"2k", 2000},
        {"512MiB", 512ull << 20},
        {"4GiB", 4ull << 30},
        {"3T", 3000000000000},
        {"18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 99;
        ck_assert_int_eq(bytesize_parse(cases[i].text, &bytes), ERR_OK);
        ck_assert_uint_eq(bytes, cases[i].bytes);
    }
}
END_TEST

START_TEST(what_is_no_amount_is_refused)
{
    static const char *const bad[] = {"",
                                      "G",
                                      "-1",
                                      "1.5G",
                                      "1 G",
                                      "1gb",
                                      "1GiBx",
                                      " 1",
                                      "18446744073709551616",
                                      "18014398509481984KiB"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes = 99;
        ck_assert_msg(bytesize_parse(bad[i], &bytes) == ERR_INPUT, "%s", bad[i]);
        ck_assert_uint_eq(bytes, 99);
    }
}
END_TEST

TEST_SUITE(bytesize, amounts_are_read_with_and_without_units,
           what_is_no_amount_is_refused)
