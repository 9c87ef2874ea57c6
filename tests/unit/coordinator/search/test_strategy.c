// SPDX-License-Identifier: Apache-2.0
// test_strategy.c - what every strategy keeps: limits, no repeats, the same after a
// restart.
#include "common/base/rng.h"
#include "tests/unit/coordinator/search/search_fixture.h"

#include <string.h>

static struct space space;
static struct problem problems[2];

static struct strategy *create(const char *name, int n_problems, uint64_t seed)
{
    const struct strategy_settings small = {.population = 8};
    struct strategy *s = NULL;
    struct errinfo why = {0};
    enum err e = strategy_create(name, problems, n_problems, seed, &small, &s, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    return s;
}

static void with_coarse(void)
{
    fixture_coarse(&space);
    problems[0] = fixture_problem(&space, 2.5e6);
    problems[1] = fixture_problem(&space, 9e5);
}

static void with_small(double first, double second)
{
    fixture_small(&space);
    problems[0] = fixture_problem(&space, first);
    problems[1] = fixture_problem(&space, second);
}

static struct strategy_trial measured(const struct proposal *p)
{
    return (struct strategy_trial){
        .proposal = *p, .state = ARCHIVE_MEASURED, .values = {fixture_eer(&p->arch)}};
}

static void tell_measured(struct strategy *s, const struct proposal *p)
{
    const struct strategy_trial t = measured(p);
    strategy_tell(s, &t);
}

START_TEST(proposals_are_new_and_within_the_limits_of_their_problem)
{
    with_coarse();
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 2, 3);
        struct seen *seen = seen_create();
        for (uint32_t i = 0; i < 60; i++) {
            struct proposal p;
            ck_assert_uint_eq(strategy_ask(s, 1, &p), 1);
            ck_assert_uint_eq(p.number, i);
            ck_assert(space_contains(&space, &p.arch));
            ck_assert(problem_admits(&problems[i % 2], &p.arch));
            ck_assert(seen_add(seen, &p.arch));
            if (i % 5 != 0) {
                tell_measured(s, &p);
            }
        }
        ck_assert(!strategy_is_exhausted(s));
        seen_destroy(seen);
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(a_small_space_is_proposed_whole_and_only_once_and_then_exhausted)
{
    with_small(0, 0);
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 1, 1);
        struct seen *seen = seen_create();
        struct proposal p;
        while (strategy_ask(s, 1, &p) == 1) {
            ck_assert(seen_add(seen, &p.arch));
            tell_measured(s, &p);
        }
        ck_assert_uint_eq(seen_count(seen), 24);
        ck_assert(strategy_is_exhausted(s));
        ck_assert_uint_eq(strategy_ask(s, 1, &p), 0);
        seen_destroy(seen);
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(an_exhausted_problem_does_not_end_the_others)
{
    // Only the smallest architecture, 84,928 parameters, is within the first limit.
    with_small(85e3, 100e6);
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 2, 1);
        struct proposal p[64];
        ck_assert_uint_eq(strategy_ask(s, 64, p), 24);
        ck_assert(strategy_is_exhausted(s));
        ck_assert_uint_eq(p[2].number % 2, 1);
        strategy_destroy(s);
    }
}
END_TEST

// A search whose results come late and out of order: proposals of a random length of
// time, some of which fail. After each step it is rebuilt from its rows alone.
struct story {
    uint32_t n;
    struct strategy_trial rows[80];
};

static void tell_rows(struct strategy *s, const struct story *story)
{
    for (uint32_t i = 0; i < story->n; i++) {
        strategy_tell(s, &story->rows[i]);
    }
}

static void let_something_end(struct strategy *s, struct story *story, struct rng *r)
{
    struct strategy_trial *row = &story->rows[rng_below(r, story->n)];
    if (row->state == ARCHIVE_PENDING) {
        *row = measured(&row->proposal);
        row->state = rng_below(r, 6) == 0 ? ARCHIVE_FAILED : ARCHIVE_MEASURED;
        strategy_tell(s, row);
    }
}

static void expect_the_same_of_a_rebuilt_one(const char *name,
                                             const struct story *story,
                                             const struct proposal *expected, size_t n)
{
    struct strategy *s = create(name, 2, 7);
    struct proposal p[3];
    tell_rows(s, story);
    ck_assert_uint_eq(strategy_ask(s, n, p), n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(p[i].number, expected[i].number);
        ck_assert_msg(arch_equal(&p[i].arch, &expected[i].arch), "%s, proposal %u",
                      name, p[i].number);
    }
    strategy_destroy(s);
}

START_TEST(cut_anywhere_and_rebuilt_it_proposes_what_it_would_have)
{
    with_coarse();
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 2, 7);
        struct rng r = rng_stream(1, RNG_TEST, 0, 0);
        struct story story = {0};
        while (story.n < 50) {
            struct proposal p[3];
            size_t n = 1 + (size_t)rng_below(&r, 3);
            ck_assert_uint_eq(strategy_ask(s, n, p), n);
            expect_the_same_of_a_rebuilt_one(name, &story, p, n);
            for (size_t i = 0; i < n; i++) {
                story.rows[story.n++] =
                    (struct strategy_trial){.proposal = p[i], .state = ARCHIVE_PENDING};
            }
            for (int i = 0; i < 12; i++) {
                let_something_end(s, &story, &r);
            }
        }
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(rebuilding_survives_numbers_that_were_passed_over)
{
    with_small(85e3, 100e6);
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *whole = create(name, 2, 7);
        struct proposal wanted[24];
        ck_assert_uint_eq(strategy_ask(whole, 24, wanted), 24);
        strategy_destroy(whole);
        for (size_t n_told = 0; n_told < 24; n_told++) {
            struct strategy *s = create(name, 2, 7);
            for (size_t j = 0; j < n_told; j++) {
                strategy_tell(s, &(struct strategy_trial){.proposal = wanted[j]});
            }
            struct proposal p;
            ck_assert_uint_eq(strategy_ask(s, 1, &p), 1);
            ck_assert_uint_eq(p.number, wanted[n_told].number);
            ck_assert(arch_equal(&p.arch, &wanted[n_told].arch));
            strategy_destroy(s);
        }
    }
}
END_TEST

START_TEST(what_is_to_be_avoided_is_not_proposed)
{
    with_small(0, 0);
    struct arch smallest = space_smallest(&space);
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 1, 1);
        struct proposal p[64];
        strategy_avoid(s, &smallest);
        size_t n = strategy_ask(s, 64, p);
        ck_assert_uint_eq(n, 23);
        for (size_t i = 0; i < n; i++) {
            ck_assert(!arch_equal(&p[i].arch, &smallest));
        }
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(another_seed_proposes_otherwise)
{
    with_coarse();
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct proposal p[2];
        for (uint64_t seed = 0; seed < 2; seed++) {
            struct strategy *s = create(name, 1, seed);
            ck_assert_uint_eq(strategy_ask(s, 1, &p[seed]), 1);
            strategy_destroy(s);
        }
        ck_assert(!arch_equal(&p[0].arch, &p[1].arch));
    }
}
END_TEST

START_TEST(limits_that_next_to_nothing_meets_are_met)
{
    with_coarse();
    problems[0] = fixture_problem(&space, 443968); // the smallest network's
    problems[1] = fixture_problem(&space, 443968 - 1);
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 1, 1);
        struct proposal p[2];
        struct arch smallest = space_smallest(&space);
        ck_assert_uint_eq(strategy_ask(s, 2, p), 1);
        ck_assert(arch_equal(&p[0].arch, &smallest));
        ck_assert(strategy_is_exhausted(s));
        strategy_destroy(s);
    }
    problems[0] = problems[1];
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        struct strategy *s = create(name, 1, 1);
        struct proposal p;
        ck_assert_uint_eq(strategy_ask(s, 1, &p), 0);
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(limits_on_what_is_measured_are_searched_for)
{
    fixture_coarse(&space);
    for (size_t k = 0; strategy_names[k]; k++) {
        const char *name = strategy_names[k];
        if (!strcmp(name, "random")) {
            continue;
        }
        problems[0] = fixture_problem(&space, 0);
        problems[0].objectives[0].kind = OBJECTIVE_PARAMS;
        problems[0].objectives[1].kind = OBJECTIVE_EER;
        problems[0].n_objectives = 2;
        problems[0].n_constraints = 1;
        problems[0].constraints[0] =
            (struct constraint){.objective = {.kind = OBJECTIVE_EER}, .limit = .7};
        struct strategy *s = create(name, 1, 1);
        struct proposal p[10];
        for (int i = 0; i < 12; i++) {
            ck_assert_uint_eq(strategy_ask(s, 10, p), 10);
            for (int j = 0; j < 10; j++) {
                struct strategy_trial t = measured(&p[j]);
                t.values[1] = t.values[0];
                strategy_tell(s, &t);
            }
        }
        size_t best;
        const struct archive *a = strategy_archive(s, 0);
        ck_assert_uint_eq(archive_best(a, 1, &best), 1);
        ck_assert_msg(archive_at(a, best)->violation <= 0, "%s", name);
        strategy_destroy(s);
    }
}
END_TEST

START_TEST(wrong_names_and_settings_are_refused_with_what_is_allowed)
{
    struct strategy *s = NULL;
    struct errinfo why = {0};
    with_small(0, 0);
    ck_assert_ptr_eq(strategy_type_find("random"), &strategy_random);
    ck_assert_ptr_null(strategy_type_find("clever"));
    ck_assert_int_eq(strategy_create("clever", problems, 1, 1, NULL, &s, &why),
                     ERR_INPUT);
    const struct strategy_settings wrong[] = {
        {.population = -1}, {.mutation = 1.5}, {.mutation = NAN}, {.tournament = -3}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(strategy_create("mpea", problems, 1, 1, &wrong[i], &s, &why),
                         ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(why.text, "allowed"));
    }
}
END_TEST

TEST_SUITE(strategy, proposals_are_new_and_within_the_limits_of_their_problem,
           a_small_space_is_proposed_whole_and_only_once_and_then_exhausted,
           an_exhausted_problem_does_not_end_the_others,
           cut_anywhere_and_rebuilt_it_proposes_what_it_would_have,
           rebuilding_survives_numbers_that_were_passed_over,
           what_is_to_be_avoided_is_not_proposed, another_seed_proposes_otherwise,
           limits_that_next_to_nothing_meets_are_met,
           limits_on_what_is_measured_are_searched_for,
           wrong_names_and_settings_are_refused_with_what_is_allowed)
