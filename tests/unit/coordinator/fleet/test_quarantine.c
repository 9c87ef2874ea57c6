// SPDX-License-Identifier: Apache-2.0
// test_quarantine.c - who is convicted, and who is not, however much fails.
#include "common/base/rng.h"
#include "coordinator/fleet/quarantine.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

static bool is_convicted(struct quarantine *q, const char *name)
{
    struct quarantine_case c;
    return quarantine_next(q, &c) && strcmp(c.name, name) == 0;
}

static void fail_three(struct quarantine *q, const char *name)
{
    quarantine_failed(q, name, 1, 11);
    quarantine_failed(q, name, 2, 12);
    quarantine_failed(q, name, 3, 13);
}

START_TEST(three_failures_of_tasks_that_others_did_convict)
{
    struct quarantine *q = quarantine_create();
    fail_three(q, "bad");
    quarantine_succeeded(q, "good", 1);
    quarantine_succeeded(q, "better", 2);
    ck_assert(!is_convicted(q, "bad"));
    quarantine_succeeded(q, "good", 3);
    struct quarantine_case c;
    ck_assert(quarantine_next(q, &c));
    ck_assert_str_eq(c.name, "bad");
    ck_assert_uint_eq(c.n_failed, 3);
    ck_assert_uint_eq(c.from_token, 11);
    ck_assert_uint_eq(c.examples[1], 2);
    quarantine_destroy(q);
}
END_TEST

START_TEST(one_task_convicts_nobody_however_often_it_fails)
{
    struct quarantine *q = quarantine_create();
    for (uint64_t token = 1; token < 50; token++) {
        quarantine_failed(q, "bad", 1, token);
    }
    quarantine_succeeded(q, "good", 1);
    ck_assert(!is_convicted(q, "bad"));
    quarantine_destroy(q);
}
END_TEST

START_TEST(tasks_that_nobody_can_do_convict_nobody)
{
    struct quarantine *q = quarantine_create();
    for (uint64_t task = 1; task < 50; task++) {
        quarantine_failed(q, "a", task, 2 * task);
        quarantine_failed(q, "b", task, 2 * task + 1);
    }
    struct quarantine_case c;
    ck_assert(!quarantine_next(q, &c));
    quarantine_destroy(q);
}
END_TEST

START_TEST(a_success_clears_the_record)
{
    struct quarantine *q = quarantine_create();
    fail_three(q, "bad");
    quarantine_succeeded(q, "bad", 9);
    quarantine_succeeded(q, "good", 1);
    quarantine_succeeded(q, "good", 2);
    quarantine_succeeded(q, "good", 3);
    ck_assert(!is_convicted(q, "bad"));
    ck_assert_uint_eq(quarantine_count(q), 0);
    quarantine_destroy(q);
}
END_TEST

START_TEST(who_is_let_back_in_has_a_clean_record)
{
    struct quarantine *q = quarantine_create();
    fail_three(q, "bad");
    quarantine_succeeded(q, "good", 1);
    quarantine_succeeded(q, "good", 2);
    quarantine_succeeded(q, "good", 3);
    quarantine_set(q, "bad", STANDING_QUARANTINED, "failed");
    ck_assert_int_eq(quarantine_standing(q, "bad"), STANDING_QUARANTINED);
    ck_assert(!is_convicted(q, "bad")); // already
    quarantine_set(q, "bad", STANDING_GOOD, "");
    ck_assert_int_eq(quarantine_standing(q, "bad"), STANDING_GOOD);
    ck_assert(!is_convicted(q, "bad"));
    quarantine_destroy(q);
}
END_TEST

START_TEST(a_storm_of_failures_leaves_the_first_tasks_to_be_compared)
{
    struct quarantine *q = quarantine_create();
    for (uint64_t task = 1; task <= QUARANTINE_RECORD; task++) {
        quarantine_failed(q, "bad", task, task);
    }
    quarantine_succeeded(q, "good", 1);
    quarantine_succeeded(q, "good", 2);
    quarantine_succeeded(q, "good", 3);
    ck_assert(is_convicted(q, "bad"));
    quarantine_destroy(q);
}
END_TEST

START_TEST(names_are_forgotten_before_memory_grows)
{
    struct quarantine *q = quarantine_create();
    quarantine_set(q, "held", STANDING_DRAINED, "by people");
    for (unsigned i = 0; i < QUARANTINE_NAMES + 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "host-%u", i);
        quarantine_failed(q, name, 1, i + 1);
    }
    ck_assert_uint_eq(quarantine_count(q), QUARANTINE_NAMES);
    ck_assert_int_eq(quarantine_standing(q, "held"), STANDING_DRAINED);
    quarantine_destroy(q);
}
END_TEST

// Workers that fail some tasks by chance, and one that fails them all.
#define GOOD 4

// One try at a task; true when it was done.
static bool try_one(struct quarantine *q, struct rng *r, uint64_t task, bool is_hard,
                    uint64_t token)
{
    uint64_t who = rng_below(r, GOOD + 1);
    char name[16];
    snprintf(name, sizeof(name), "w%u", (unsigned)who);
    if (quarantine_standing(q, name) != STANDING_GOOD) {
        return false;
    }
    if (who == GOOD || is_hard || rng_below(r, 100) == 0) {
        quarantine_failed(q, name, task, token);
        return false;
    }
    quarantine_succeeded(q, name, task);
    return true;
}

static void try_task(struct quarantine *q, struct rng *r, uint64_t task)
{
    bool is_hard = rng_below(r, 10) == 0; // nobody can do it
    bool is_done = false;
    for (uint64_t i = 0; i < 4 && !is_done; i++) {
        is_done = try_one(q, r, task, is_hard, 4 * task + i);
    }
}

static void shut_out(struct quarantine *q)
{
    struct quarantine_case c;
    if (quarantine_next(q, &c)) {
        ck_assert_str_eq(c.name, "w4");
        quarantine_set(q, c.name, STANDING_QUARANTINED, "");
    }
}

static void live(uint64_t seed)
{
    struct quarantine *q = quarantine_create();
    struct rng r = rng_stream(seed, RNG_TEST, 0, 0);
    for (uint64_t task = 1; task <= 200; task++) {
        try_task(q, &r, task);
        shut_out(q);
    }
    ck_assert_int_eq(quarantine_standing(q, "w4"), STANDING_QUARANTINED);
    quarantine_destroy(q);
}

START_TEST(of_a_random_fleet_the_black_hole_alone_is_shut_out)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        live(seed);
    }
}
END_TEST

TEST_SUITE(quarantine, three_failures_of_tasks_that_others_did_convict,
           one_task_convicts_nobody_however_often_it_fails,
           tasks_that_nobody_can_do_convict_nobody, a_success_clears_the_record,
           who_is_let_back_in_has_a_clean_record,
           a_storm_of_failures_leaves_the_first_tasks_to_be_compared,
           names_are_forgotten_before_memory_grows,
           of_a_random_fleet_the_black_hole_alone_is_shut_out)
