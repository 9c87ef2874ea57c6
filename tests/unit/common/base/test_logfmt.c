// SPDX-License-Identifier: Apache-2.0
// test_logfmt.c - whatever values hold, a line stays one line of pairs.
#include "common/base/logfmt.h"
#include "common/base/rng.h"
#include "tests/lib/check_main.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char line[256];

__attribute__((format(printf, 2, 3))) static size_t print(size_t cap,
                                                          const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    memset(line, '#', sizeof(line));
    size_t n = logfmt_print(line, cap, format, ap);
    va_end(ap);
    ck_assert_uint_eq(n, strlen(line));
    ck_assert_uint_lt(n, cap);
    return n;
}

START_TEST(plain_values_are_printed_as_printf_does)
{
    print(sizeof(line), "a=%d b=%llu c=%zu d=%.3f e=%s f=%5u g=%-3d h=%x i=%c", -1,
          18446744073709551615ull, (size_t)7, 0.5, "word", 42u, 3, 255u, 'z');
    ck_assert_str_eq(line, "a=-1 b=18446744073709551615 c=7 d=0.500 e=word f=___42 "
                           "g=3__ h=ff i=z");
    print(sizeof(line), "a=%" PRIu64 " b=\"%.*s\" c=%ld d=100%%", UINT64_MAX, 3,
          "abcdef", -5L);
    ck_assert_str_eq(line, "a=18446744073709551615 b=\"abc\" c=-5 d=100%");
}
END_TEST

START_TEST(a_quoted_value_keeps_its_quotes_to_itself)
{
    print(sizeof(line), "text=\"%s\" n=%d", "no \"backend\" \\ here\n level=error", 1);
    ck_assert_str_eq(line, "text=\"no \\\"backend\\\" \\\\ here  level=error\" n=1");
}
END_TEST

START_TEST(a_bare_value_has_no_spaces_quotes_or_pairs)
{
    print(sizeof(line), "name=%s n=%d", "a event=forged.line x=\"1\"\n", 2);
    ck_assert_str_eq(line, "name=a_event_forged.line_x__1__ n=2");
    print(sizeof(line), "name=%s n=%d", "", 2);
    ck_assert_str_eq(line, "name= n=2");
}
END_TEST

START_TEST(a_line_that_is_cut_ends_with_a_whole_pair)
{
    for (size_t cap = 3; cap < 64; cap++) {
        size_t n = print(cap, "a=%d text=\"%s\" b=%s tail=%s", 12, "\"\\\"\\\"\\",
                         "x y", "end");
        ck_assert_msg(n == 0 || logfmt_is_line(line, n), "%zu: %s", cap, line);
    }
    print(19, "a=1 text=\"%s\" b=2", "a longer text than that");
    ck_assert_str_eq(line, "a=1 text=\"a longe\"");
    print(12, "a=1 bcd=%s", "a_longer_text");
    ck_assert_str_eq(line, "a=1");
}
END_TEST

START_TEST(any_bytes_in_any_place_make_a_line)
{
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    for (int i = 0; i < 3000; i++) {
        char a[24] = "";
        char b[24] = "";
        for (size_t j = 0; j + 1 < sizeof(a); j++) {
            a[j] = (char)(1 + rng_below(&r, 255));
            b[j] = "\"\\ =\n\tab"[rng_below(&r, 8)];
        }
        size_t cap = 8 + rng_below(&r, 150);
        size_t n = print(cap, "k=%s q=\"%s\" bare=%s p=\"x %s\"", a, b, b, a);
        ck_assert_msg(n == 0 || logfmt_is_line(line, n), "%s", line);
    }
}
END_TEST

START_TEST(lines_that_are_none_are_told_apart)
{
    static const char *const bad[] = {
        "",      "word",     "a=1 word", "a=1  b=2",    "=1",
        "a=\"x", "a=\"x\"b", "a=x\"y\"", "a=1\n",       "a=\"\\n\"",
        " a=1",  "a=1 ",     "a=b=c",    "\x1b[0m a=1", "a=\"x\\",
    };
    static const char *const good[] = {"a=1",
                                       "a= b=", "ts=1.2:3 e_v=\"x=y \\\" \\\\\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!logfmt_is_line(bad[i], strlen(bad[i])), "%s", bad[i]);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(logfmt_is_line(good[i], strlen(good[i])), "%s", good[i]);
    }
}
END_TEST

TEST_SUITE(logfmt, plain_values_are_printed_as_printf_does,
           a_quoted_value_keeps_its_quotes_to_itself,
           a_bare_value_has_no_spaces_quotes_or_pairs,
           a_line_that_is_cut_ends_with_a_whole_pair,
           any_bytes_in_any_place_make_a_line, lines_that_are_none_are_told_apart)
