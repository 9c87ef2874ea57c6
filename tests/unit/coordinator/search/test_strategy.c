// SPDX-License-Identifier: Apache-2.0
// test_strategy.c - random search: within limits, no repeats, the same after a restart.
#include "coordinator/search/strategy.h"
#include "tests/lib/check_main.h"

#include <string.h>

#define HEAD     \
    "name: s\n"  \
    "seed: 11\n" \
    "data: {train: {manifest: m.tsv}, trials: t.txt}\n"
#define COARSE                                                      \
    "space: {depth: [2, 3, 4], width: [128, 176, 256, 384, 512],\n" \
    "        kernel: [1, 3, 5], cat: [384, 536, 768, 1152, 1536]}\n"
// (4 + 8) x 2 = 24 architectures.
#define SMALL "space: {depth: [1, 2], width: [64, 128], kernel: [1], cat: [96, 128]}\n"

static struct study_conf conf;

static struct strategy *create(const char *yaml)
{
    struct strategy *s;
    struct errinfo why = {0};
    enum err e = study_parse(yaml, strlen(yaml), "s.yaml", "/d", &conf, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    ck_assert_int_eq(strategy_create(&conf, &s, &why), ERR_OK);
    return s;
}

static struct strategy *recreate(void)
{
    struct strategy *s;
    ck_assert_int_eq(strategy_create(&conf, &s, NULL), ERR_OK);
    return s;
}

static const char coarse_with_targets[] =
    HEAD COARSE "targets:\n"
                "  - {name: phone, params: 2.5M, macs: 571M}\n"
                "  - {name: watch, macs: 204M, bytes: 4M}\n";

START_TEST(proposals_stay_within_the_limits_of_their_target)
{
    struct strategy *s = create(coarse_with_targets);
    struct proposal p[60];
    ck_assert_uint_eq(strategy_ask(s, 60, p), 60);
    for (uint32_t i = 0; i < 60; i++) {
        struct complexity c = complexity_of(&p[i].arch, &conf.supernet, 300);
        ck_assert_uint_eq(p[i].number, i);
        ck_assert(study_target_admits(&conf.targets[i % 2], &c));
        ck_assert(space_contains(&conf.space, &p[i].arch));
    }
    ck_assert(!strategy_is_exhausted(s));
    strategy_destroy(s);
}
END_TEST

START_TEST(without_targets_everything_is_within_limits)
{
    struct strategy *s = create(HEAD COARSE);
    struct proposal p[100];
    bool has_large = false;
    ck_assert_uint_eq(strategy_ask(s, 100, p), 100);
    for (int i = 0; i < 100; i++) {
        has_large |= p[i].arch.depth == 4;
    }
    ck_assert(has_large);
    strategy_destroy(s);
}
END_TEST

START_TEST(a_small_space_is_proposed_whole_and_only_once_and_then_exhausted)
{
    struct strategy *s = create(HEAD SMALL);
    struct proposal p[64];
    uint64_t count;
    ck_assert_int_eq(space_count(&conf.space, &count), ERR_OK);
    ck_assert_uint_eq(count, 24);
    ck_assert_uint_eq(strategy_ask(s, 10, p), 10);
    ck_assert_uint_eq(strategy_ask(s, 54, p + 10), count - 10);
    ck_assert(strategy_is_exhausted(s));
    ck_assert_uint_eq(strategy_ask(s, 1, p), 0);
    for (uint64_t i = 0; i < count; i++) {
        for (uint64_t j = 0; j < i; j++) {
            ck_assert(!arch_equal(&p[i].arch, &p[j].arch));
        }
    }
    strategy_destroy(s);
}
END_TEST

START_TEST(an_exhausted_target_does_not_end_the_others)
{
    // Only the smallest architecture, 84,928 parameters, serves the first target.
    struct strategy *s = create(HEAD SMALL "targets:\n"
                                           "  - {name: tiny, params: 85k}\n"
                                           "  - {name: any, params: 100M}\n");
    struct proposal p[64];
    size_t n = strategy_ask(s, 64, p);
    ck_assert_uint_eq(n, 24);
    ck_assert(strategy_is_exhausted(s));
    ck_assert_uint_eq(p[2].number % 2, 1);
    strategy_destroy(s);
}
END_TEST

START_TEST(a_rebuilt_strategy_goes_on_as_if_nothing_had_happened)
{
    struct strategy *whole = create(coarse_with_targets);
    struct proposal wanted[30];
    ck_assert_uint_eq(strategy_ask(whole, 30, wanted), 30);
    strategy_destroy(whole);
    for (size_t n_told = 0; n_told < 30; n_told += 7) {
        struct strategy *s = recreate();
        for (size_t i = 0; i < n_told; i++) {
            strategy_tell(s, &(struct strategy_trial){.proposal = wanted[i],
                                                      .is_measured = i % 2 == 0,
                                                      .eer = 0.1});
        }
        struct proposal p[30];
        ck_assert_uint_eq(strategy_ask(s, 30 - n_told, p), 30 - n_told);
        for (size_t i = n_told; i < 30; i++) {
            ck_assert_uint_eq(p[i - n_told].number, wanted[i].number);
            ck_assert(arch_equal(&p[i - n_told].arch, &wanted[i].arch));
        }
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(rebuilding_survives_numbers_that_were_passed_over)
{
    const char *yaml = HEAD SMALL "targets:\n"
                                  "  - {name: tiny, params: 85k}\n"
                                  "  - {name: any, params: 100M}\n";
    struct strategy *whole = create(yaml);
    struct proposal wanted[24];
    ck_assert_uint_eq(strategy_ask(whole, 24, wanted), 24);
    strategy_destroy(whole);
    struct strategy *s = recreate();
    for (size_t i = 0; i < 24; i++) {
        struct proposal p;
        ck_assert_uint_eq(strategy_ask(s, 1, &p), 1);
        ck_assert_uint_eq(p.number, wanted[i].number);
        ck_assert(arch_equal(&p.arch, &wanted[i].arch));
        strategy_destroy(s);
        s = recreate();
        for (size_t j = 0; j <= i; j++) {
            strategy_tell(s, &(struct strategy_trial){.proposal = wanted[j]});
        }
    }
    strategy_destroy(s);
}
END_TEST

START_TEST(what_is_to_be_avoided_is_not_proposed)
{
    struct strategy *s = create(HEAD SMALL);
    struct arch smallest = space_smallest(&conf.space);
    struct proposal p[64];
    strategy_avoid(s, &smallest);
    size_t n = strategy_ask(s, 64, p);
    ck_assert_uint_eq(n, 23);
    for (size_t i = 0; i < n; i++) {
        ck_assert(!arch_equal(&p[i].arch, &smallest));
    }
    strategy_destroy(s);
}
END_TEST

START_TEST(another_seed_proposes_otherwise)
{
    struct strategy *s = create(HEAD COARSE);
    struct proposal a;
    struct proposal b;
    ck_assert_uint_eq(strategy_ask(s, 1, &a), 1);
    strategy_destroy(s);
    conf.seed++;
    s = recreate();
    ck_assert_uint_eq(strategy_ask(s, 1, &b), 1);
    ck_assert(!arch_equal(&a.arch, &b.arch));
    strategy_destroy(s);
}
END_TEST

START_TEST(a_limit_that_few_paths_meet_in_a_large_space_ends_in_bounded_work)
{
    struct strategy *s = create(HEAD COARSE "targets: [{name: t, params: 443968}]\n");
    struct proposal p[8];
    size_t n = strategy_ask(s, 8, p);
    ck_assert_uint_le(n, 1); // the smallest network alone, if it is met at all
    ck_assert(strategy_is_exhausted(s));
    strategy_destroy(s);
}
END_TEST

START_TEST(strategies_have_names_and_others_are_refused)
{
    ck_assert_ptr_eq(strategy_type_find("random"), &strategy_random);
    ck_assert_ptr_null(strategy_type_find("clever"));
    struct strategy *s = create(HEAD SMALL);
    strategy_destroy(s);
    strcpy(conf.search.strategy, "clever");
    struct errinfo why = {0};
    ck_assert_int_eq(strategy_create(&conf, &s, &why), ERR_INPUT);
}
END_TEST

TEST_SUITE(strategy, proposals_stay_within_the_limits_of_their_target,
           without_targets_everything_is_within_limits,
           a_small_space_is_proposed_whole_and_only_once_and_then_exhausted,
           an_exhausted_target_does_not_end_the_others,
           a_rebuilt_strategy_goes_on_as_if_nothing_had_happened,
           rebuilding_survives_numbers_that_were_passed_over,
           what_is_to_be_avoided_is_not_proposed, another_seed_proposes_otherwise,
           a_limit_that_few_paths_meet_in_a_large_space_ends_in_bounded_work,
           strategies_have_names_and_others_are_refused)
