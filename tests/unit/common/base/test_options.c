// SPDX-License-Identifier: Apache-2.0
// test_options.c - command lines: what is taken, what is refused and in which words.
#include "common/base/options.h"
#include "tests/lib/check_main.h"

#include <string.h>

static bool is_quiet;
static const char *dir;
static long n_workers;
static struct option_list sets;

static const struct option table[] = {
    OPTION_AS_FLAG("quiet", &is_quiet, "no progress"),
    OPTION_AS_TEXT("dir", "DIR", &dir, "where"),
    OPTION_AS_NUMBER("workers", "N", &n_workers, 1, 64, "how many"),
    OPTION_AS_LIST("set", "KEY=VALUE", &sets, "override"),
};
static const struct options run = {
    .command = "voxarch run",
    .operands = "STUDY.yaml",
    .summary = "Runs.",
    .table = table,
    .n_options = 4,
    .min_operands = 1,
    .max_operands = 1,
};

static struct operands operands;
static struct errinfo why;

#define READ(...)                                                                      \
    options_read(&run, (int)(sizeof((char *[]){"run", __VA_ARGS__}) / sizeof(char *)), \
                 (char *[]){"run", __VA_ARGS__}, &operands, &why)

static void assert_says(const char *part)
{
    ck_assert_msg(strstr(why.text, part) != NULL, "'%s' lacks '%s'", why.text, part);
}

START_TEST(options_and_operands_may_come_in_any_order)
{
    ck_assert_int_eq(READ("--workers", "3", "a.yaml", "--dir=/x", "--quiet"), ERR_OK);
    ck_assert_int_eq(n_workers, 3);
    ck_assert_str_eq(dir, "/x");
    ck_assert(is_quiet);
    ck_assert_uint_eq(operands.n, 1);
    ck_assert_str_eq(operands.items[0], "a.yaml");
}
END_TEST

START_TEST(an_option_may_be_given_many_times_when_it_is_a_list)
{
    ck_assert_int_eq(READ("--set", "a=1", "x", "--set=b=2"), ERR_OK);
    ck_assert_uint_eq(sets.n, 2);
    ck_assert_str_eq(sets.items[1], "b=2");
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    ck_assert_int_eq(READ("--", "--quiet"), ERR_OK);
    ck_assert(!is_quiet);
    ck_assert_str_eq(operands.items[0], "--quiet");
}
END_TEST

START_TEST(help_wins_over_everything_that_follows)
{
    ck_assert_int_eq(READ("--help", "--nonsense"), ERR_CANCELLED);
}
END_TEST

START_TEST(a_mistyped_option_brings_a_suggestion)
{
    ck_assert_int_eq(READ("--worker", "2", "a"), ERR_INPUT);
    assert_says("did you mean --workers?");
    ck_assert_int_eq(READ("--zzzzzz", "a"), ERR_INPUT);
    assert_says("voxarch run --help");
}
END_TEST

START_TEST(a_number_out_of_range_says_the_range)
{
    ck_assert_int_eq(READ("--workers", "65", "a"), ERR_INPUT);
    assert_says("from 1 to 64");
    ck_assert_int_eq(READ("--workers", "2x", "a"), ERR_INPUT);
    ck_assert_int_eq(READ("--workers", "", "a"), ERR_INPUT);
    ck_assert_int_eq(READ("--workers", "99999999999999999999", "a"), ERR_INPUT);
}
END_TEST

START_TEST(a_missing_value_or_operand_is_told)
{
    ck_assert_int_eq(READ("a", "--dir"), ERR_INPUT);
    assert_says("--dir DIR");
    ck_assert_int_eq(READ("--quiet"), ERR_INPUT);
    assert_says("missing STUDY.yaml");
    ck_assert_int_eq(READ("a", "b"), ERR_INPUT);
    assert_says("unexpected argument 'b'");
    ck_assert_int_eq(READ("--quiet=yes", "a"), ERR_INPUT);
    assert_says("takes no value");
}
END_TEST

START_TEST(the_nearest_name_is_one_or_two_slips_away)
{
    const char *const names[] = {"run", "study", "version"};
    ck_assert_str_eq(options_nearest("rum", names, 3), "run");
    ck_assert_str_eq(options_nearest("studdy", names, 3), "study");
    ck_assert_str_eq(options_nearest("verison", names, 3), "version");
    ck_assert_ptr_null(options_nearest("deploy", names, 3));
    ck_assert_ptr_null(options_nearest("", names, 3));
}
END_TEST

TEST_SUITE(options, options_and_operands_may_come_in_any_order,
           an_option_may_be_given_many_times_when_it_is_a_list,
           two_dashes_end_the_options, help_wins_over_everything_that_follows,
           a_mistyped_option_brings_a_suggestion, a_number_out_of_range_says_the_range,
           a_missing_value_or_operand_is_told,
           the_nearest_name_is_one_or_two_slips_away)
