// SPDX-License-Identifier: Apache-2.0
// test_objective.c - what people may write for objectives and limits, and what they are
// told when it is something else.
#include "common/base/rng.h"
#include "common/conf/objective.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    const char *device;
    const char *printed;
    double limit;
    enum objective_kind kind;
    bool is_strict;
} good[] = {
    {"latency < 15ms", "", "latency < 15ms", 15, OBJECTIVE_LATENCY, true},
    {"latency<15", "", "latency < 15ms", 15, OBJECTIVE_LATENCY, true},
    {"  latency@pixel-3.a_B  <=  0.5 s ", "pixel-3.a_B", "latency@pixel-3.a_B <= 500ms",
     500, OBJECTIVE_LATENCY, false},
    {"latency@v100 <= 250us", "v100", "latency@v100 <= 0.25ms", .25, OBJECTIVE_LATENCY,
     false},
    {"params <= 2.5M", "", "params <= 2500000", 2.5e6, OBJECTIVE_PARAMS, false},
    {"params<=1e6", "", "params <= 1000000", 1e6, OBJECTIVE_PARAMS, false},
    {"macs <= 571M", "", "macs <= 571000000", 571e6, OBJECTIVE_MACS, false},
    {"macs < 1.2G", "", "macs < 1200000000", 1.2e9, OBJECTIVE_MACS, true},
    {"macs < 64K", "", "macs < 64000", 64e3, OBJECTIVE_MACS, true},
    {"params <= 500k", "", "params <= 500000", 5e5, OBJECTIVE_PARAMS, false},
    {"macs < 64k", "", "macs < 64000", 64e3, OBJECTIVE_MACS, true},
    {"bytes <= 300k", "", "bytes <= 300000", 3e5, OBJECTIVE_BYTES, false},
    {"bytes <= 1MiB", "", "bytes <= 1048576", 1048576, OBJECTIVE_BYTES, false},
    {"bytes <= 4KiB", "", "bytes <= 4096", 4096, OBJECTIVE_BYTES, false},
    {"bytes < 1GiB", "", "bytes < 1073741824", 1073741824, OBJECTIVE_BYTES, true},
    {"bytes < 1M", "", "bytes < 1000000", 1e6, OBJECTIVE_BYTES, true},
    {"eer < 3%", "", "eer < 3%", 3, OBJECTIVE_EER, true},
    {"eer <= 1.508", "", "eer <= 1.508%", 1.508, OBJECTIVE_EER, false},
    {"mindcf <= .1", "", "mindcf <= 0.1", .1, OBJECTIVE_MINDCF, false},
    {"mindcf <= 10%", "", "mindcf <= 0.1", .1, OBJECTIVE_MINDCF, false},
    {"params <= 0", "", "params <= 0", 0, OBJECTIVE_PARAMS, false},
};

START_TEST(limits_are_read_in_every_unit_and_printed_in_one)
{
    char text[OBJECTIVE_TEXT_MAX];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct constraint c;
        struct errinfo why = {0};
        ck_assert_msg(constraint_parse(good[i].text, &c, &why) == ERR_OK, "%s",
                      why.text);
        ck_assert_int_eq(c.objective.kind, good[i].kind);
        ck_assert_str_eq(c.objective.device, good[i].device);
        ck_assert_int_eq(c.is_strict, good[i].is_strict);
        ck_assert(fabs(c.limit - good[i].limit) <= 1e-15 * good[i].limit);
        ck_assert_str_eq(constraint_print(&c, text), good[i].printed);
    }
}
END_TEST

START_TEST(what_is_printed_reads_back_as_the_same)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < 2000; i++) {
        struct constraint c = {.is_strict = rng_below(&r, 2),
                               .limit = exp(rng_uniform(&r, -20, 30))};
        c.objective.kind = (enum objective_kind)rng_below(&r, OBJECTIVE_KINDS);
        if (c.objective.kind == OBJECTIVE_LATENCY) {
            snprintf(c.objective.device, DEVICE_NAME_MAX, "%s",
                     rng_below(&r, 2) ? "board" : "");
        }
        char text[OBJECTIVE_TEXT_MAX];
        struct constraint again;
        ck_assert_int_eq(constraint_parse(constraint_print(&c, text), &again, NULL),
                         ERR_OK);
        ck_assert_int_eq(again.objective.kind, c.objective.kind);
        ck_assert_str_eq(again.objective.device, c.objective.device);
        ck_assert_int_eq(again.is_strict, c.is_strict);
        ck_assert(again.limit == c.limit);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *sentence;
} bad[] = {
    {"", "constraint \"\": a constraint is OBJECTIVE < NUMBER or OBJECTIVE <= NUMBER, "
         "such as \"latency < 15ms\" or \"params <= 2.5M\""},
    {"latency 15ms",
     "constraint \"latency 15ms\": a constraint is OBJECTIVE < NUMBER or OBJECTIVE <= "
     "NUMBER, such as \"latency < 15ms\" or \"params <= 2.5M\""},
    {"params > 5",
     "constraint \"params > 5\": a constraint is OBJECTIVE < NUMBER or OBJECTIVE <= "
     "NUMBER, such as \"latency < 15ms\" or \"params <= 2.5M\""},
    {"params = 5",
     "constraint \"params = 5\": a constraint is OBJECTIVE < NUMBER or OBJECTIVE <= "
     "NUMBER, such as \"latency < 15ms\" or \"params <= 2.5M\""},
    {"speed < 5", "constraint \"speed < 5\": there is no objective \"speed\"; allowed: "
                  "eer, mindcf, params, macs, bytes, latency, latency@DEVICE"},
    {"< 5", "constraint \"< 5\": there is no objective \"\"; allowed: eer, mindcf, "
            "params, macs, bytes, latency, latency@DEVICE"},
    {"params@phone < 5", "constraint \"params@phone < 5\": params is the same on every "
                         "device; only latency takes @DEVICE"},
    {"latency@ < 5", "constraint \"latency@ < 5\": device \"\" is not a name; allowed: "
                     "1 to 31 letters, digits, '-', '_' and '.'"},
    {"latency@a b < 5", "constraint \"latency@a b < 5\": device \"a b\" is not a name; "
                        "allowed: 1 to 31 letters, digits, '-', '_' and '.'"},
    {"latency < 15 min", "constraint \"latency < 15 min\": latency is not limited in "
                         "\"min\"; allowed: us, ms, s"},
    {"latency < fast", "constraint \"latency < fast\": limit \"fast\" is not a number; "
                       "allowed: a decimal number from 0, and a unit of us, ms, s"},
    {"latency < -1", "constraint \"latency < -1\": limit \"-1\" is not a number; "
                     "allowed: a decimal number from 0, and a unit of us, ms, s"},
    {"params < 1MiB", "constraint \"params < 1MiB\": params is not limited in \"MiB\"; "
                      "allowed: K, M, G"},
    {"params < 1m",
     "constraint \"params < 1m\": params is not limited in \"m\"; allowed: K, M, G"},
    {"eer <= 3ms",
     "constraint \"eer <= 3ms\": eer is not limited in \"ms\"; allowed: %"},
    {"eer <=", "constraint \"eer <=\": limit \"\" is not a number; allowed: a decimal "
               "number from 0, and a unit of %"},
};

START_TEST(what_is_wrong_in_a_constraint_is_said_with_what_is_allowed)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct constraint c = {.limit = 7};
        struct errinfo why = {0};
        ck_assert_int_eq(constraint_parse(bad[i].text, &c, &why), ERR_INPUT);
        ck_assert_str_eq(why.text, bad[i].sentence);
        ck_assert(c.limit == 7); // untouched
    }
}
END_TEST

START_TEST(numbers_that_are_no_limits_are_refused)
{
    const char *texts[] = {"eer < inf",    "eer < nan",    "eer < 0x10", "eer < 1e999",
                           "eer < 1..2",   "eer < .",      "eer < 1e",   "eer << 1",
                           "eer <= < 1",   "eer < 1 2",    "eer <== 1",  "eer < +1",
                           "latency < 1m", "params <1 000"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct constraint c;
        ck_assert_msg(constraint_parse(texts[i], &c, NULL) == ERR_INPUT, "%s",
                      texts[i]);
    }
}
END_TEST

START_TEST(no_text_breaks_the_parser)
{
    const char alphabet[] = "latencyparmseer@<= .15KMGiB%us-_\x01\xff";
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    for (int i = 0; i < 100000; i++) {
        char text[48];
        size_t n = rng_below(&r, sizeof(text));
        for (size_t j = 0; j < n; j++) {
            text[j] = alphabet[rng_below(&r, sizeof(alphabet) - 1)];
        }
        text[n] = '\0';
        struct constraint c;
        struct objective o;
        struct errinfo why = {0};
        if (constraint_parse(text, &c, &why) != ERR_OK) {
            ck_assert_int_eq(why.code, ERR_INPUT);
        }
        if (objective_parse(text, &o, &why) == ERR_OK) {
            char printed[OBJECTIVE_TEXT_MAX];
            ck_assert_int_eq(objective_parse(objective_print(&o, printed), &o, NULL),
                             ERR_OK);
        }
    }
}
END_TEST

START_TEST(costs_are_what_needs_no_evaluation)
{
    const char *costs[] = {"params", "macs", "bytes", "latency", "latency@phone"};
    struct objective o;
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        ck_assert_int_eq(objective_parse(costs[i], &o, NULL), ERR_OK);
        ck_assert(objective_is_cost(&o));
    }
    ck_assert_int_eq(objective_parse(" eer ", &o, NULL), ERR_OK);
    ck_assert(!objective_is_cost(&o));
    ck_assert_int_eq(objective_parse("mindcf", &o, NULL), ERR_OK);
    ck_assert(!objective_is_cost(&o));
}
END_TEST

START_TEST(a_strict_limit_is_not_met_by_its_own_value_nor_any_by_a_nan)
{
    struct constraint c = {.is_strict = true, .limit = 15};
    ck_assert(!constraint_holds(&c, 15));
    ck_assert(constraint_holds(&c, nextafter(15, 0)));
    c.is_strict = false;
    ck_assert(constraint_holds(&c, 15));
    ck_assert(!constraint_holds(&c, nextafter(15, 16)));
    ck_assert(!constraint_holds(&c, NAN));
    ck_assert(!constraint_holds(&c, INFINITY));
}
END_TEST

TEST_SUITE(objective, limits_are_read_in_every_unit_and_printed_in_one,
           what_is_printed_reads_back_as_the_same,
           what_is_wrong_in_a_constraint_is_said_with_what_is_allowed,
           numbers_that_are_no_limits_are_refused, no_text_breaks_the_parser,
           costs_are_what_needs_no_evaluation,
           a_strict_limit_is_not_met_by_its_own_value_nor_any_by_a_nan)
