// SPDX-License-Identifier: Apache-2.0
// test_turn_fleet.c - workers that fail everything: what they may do, and what not.
#include "coordinator/fleet/quarantine.h"
#include "coordinator/sched/avoid.h"
#include "coordinator/sched/retry.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/turn/turn_bench.h"

// Alice (session 7, "worker-7") and bob (session 8, "worker-8"), and as many tasks.
static void with_two(unsigned n_tasks)
{
    with_worker(n_tasks);
    hello(&bob, 8);
    end();
}

static void both_again(void)
{
    hello(&alice, 7);
    hello(&bob, 8);
    end();
}

// Both beat all the while.
static void pass_alive(int64_t ms)
{
    for (; ms > 0; ms -= BEAT_MS) {
        pass(BEAT_MS);
        bench.m.kind = MSG_BEAT;
        bench.m.beat = (struct msg_beat){.session = 7};
        say(&alice);
        bench.m.beat.session = 8;
        say(&bob);
        end();
    }
}

static bool is_leased_to(const struct route *from, uint64_t session,
                         struct msg_lease *out)
{
    fetch(from, session, 1);
    end();
    const struct msg *m = heard(MSG_LEASE);
    if (m) {
        *out = m->lease;
    }
    return m != NULL;
}

static void report(const struct route *from, uint64_t session,
                   const struct msg_lease *lease, enum outcome outcome)
{
    result(from, session, lease->task_id, lease->token, outcome);
    end();
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_ACCEPTED);
}

static uint64_t fail_one(const struct route *from, uint64_t session)
{
    struct msg_lease lease;
    ck_assert(is_leased_to(from, session, &lease));
    report(from, session, &lease, OUTCOME_CRASH);
    return lease.task_id;
}

static void do_one(const struct route *from, uint64_t session, uint64_t task)
{
    struct msg_lease lease;
    ck_assert(is_leased_to(from, session, &lease));
    ck_assert_uint_eq(lease.task_id, task);
    report(from, session, &lease, OUTCOME_OK);
}

static const char *state_of(const char *name)
{
    struct msg_status_reply *status = &bench.m.status_reply;
    turn_status(bench.turn, status);
    for (uint32_t i = 0; i < status->n_workers; i++) {
        if (strcmp(status->workers[i].name, name) == 0) {
            return status->workers[i].state;
        }
    }
    return "unknown";
}

// Alice fails tasks 1, 2 and 3; bob does them.
static void make_alice_a_black_hole(void)
{
    with_two(6);
    ck_assert_uint_eq(fail_one(&alice, 7), 1);
    ck_assert_uint_eq(fail_one(&alice, 7), 2);
    ck_assert_uint_eq(fail_one(&alice, 7), 3);
    pass(RETRY_BASE_MS + 1000);
    do_one(&bob, 8, 1);
    do_one(&bob, 8, 2);
    do_one(&bob, 8, 3);
    end();
}

START_TEST(a_worker_that_fails_what_others_do_gets_no_grants)
{
    setup();
    make_alice_a_black_hole();
    struct msg_lease lease;
    ck_assert(!is_leased_to(&alice, 7, &lease));
    ck_assert(!heard(MSG_NO_TASK)->no_task.is_draining); // it may be let back in
    ck_assert_str_eq(state_of("worker-7"), "quarantined");
    ck_assert(is_leased_to(&bob, 8, &lease));
    teardown();
}
END_TEST

START_TEST(its_failures_are_refunded)
{
    setup();
    with_two(6);
    for (uint64_t task = 1; task <= 4; task++) {
        ck_assert_uint_eq(fail_one(&alice, 7), task);
        ck_assert_uint_eq(stored(task).n_charged, 1);
    }
    pass(RETRY_BASE_MS + 1000);
    do_one(&bob, 8, 1);
    do_one(&bob, 8, 2);
    ck_assert_uint_eq(stored(4).n_charged, 1); // two tasks may be luck
    do_one(&bob, 8, 3);
    end();
    ck_assert_uint_eq(stored(4).n_charged, 0);
    teardown();
}
END_TEST

START_TEST(quarantine_outlives_a_restart_and_ends_when_people_say_so)
{
    setup();
    make_alice_a_black_hole();
    restart();
    both_again();
    struct msg_lease lease;
    ck_assert(!is_leased_to(&alice, 7, &lease));
    bench.m.kind = MSG_WORKER_ORDER;
    bench.m.worker_order = (struct msg_worker_order){.order = WORKER_RELEASE};
    snprintf(bench.m.worker_order.name, 64, "worker-7");
    OK(turn_order(bench.turn, &bench.m, bench.now, &bench.sent[0], &fixture.why));
    ck_assert_str_eq(state_of("worker-7"), "idle");
    ck_assert(is_leased_to(&alice, 7, &lease));
    report(&alice, 7, &lease, OUTCOME_CRASH);
    restart(); // what it did before it was let in says nothing
    both_again();
    ck_assert(is_leased_to(&alice, 7, &lease));
    teardown();
}
END_TEST

START_TEST(the_record_outlives_a_restart)
{
    setup();
    with_two(6);
    fail_one(&alice, 7);
    fail_one(&alice, 7);
    fail_one(&alice, 7);
    restart();
    both_again();
    pass(RETRY_BASE_MS + 1000);
    do_one(&bob, 8, 1);
    do_one(&bob, 8, 2);
    do_one(&bob, 8, 3);
    end();
    ck_assert_str_eq(state_of("worker-7"), "quarantined");
    teardown();
}
END_TEST

START_TEST(a_task_that_a_black_hole_helped_to_bury_comes_back)
{
    setup();
    with_two(4);
    for (uint64_t task = 1; task <= 4; task++) {
        ck_assert_uint_eq(fail_one(&alice, 7), task);
    }
    for (uint64_t task = 1; task <= 2; task++) {
        pass_alive(RETRY_CAP_MS);
        do_one(&bob, 8, task);
    }
    for (int i = 0; i < RETRY_BURY_AT - 1; i++) { // bob fails 3, and only that
        pass_alive(RETRY_CAP_MS + AVOID_MS);
        ck_assert_uint_eq(fail_one(&bob, 8), 3);
    }
    ck_assert_int_eq(stored(3).state, TASK_BURIED);
    do_one(&bob, 8, 4);
    end();
    ck_assert_str_eq(state_of("worker-7"), "quarantined");
    ck_assert_int_eq(stored(3).state, TASK_READY);
    ck_assert_uint_eq(fake_driver.n_back, 1);
    ck_assert_uint_eq(fake_driver.n_went_on, 1);
    teardown();
}
END_TEST

START_TEST(three_failures_on_one_worker_bury_nothing_while_there_is_another)
{
    setup();
    with_two(1);
    for (int i = 0; i < RETRY_BURY_AT + 1; i++) {
        ck_assert_uint_eq(fail_one(&alice, 7), 1);
        pass_alive(RETRY_CAP_MS + AVOID_MS); // bob takes nothing
    }
    ck_assert_int_eq(stored(1).state, TASK_READY);
    ck_assert_uint_eq(stored(1).n_charged, RETRY_BURY_AT + 1);
    fail_one(&bob, 8);
    ck_assert_int_eq(stored(1).state, TASK_BURIED);
    teardown();
}
END_TEST

START_TEST(a_failed_task_goes_to_another_worker_first)
{
    setup();
    with_two(2);
    ck_assert_uint_eq(fail_one(&alice, 7), 1);
    pass(RETRY_BASE_MS + 1000);
    struct msg_lease lease;
    ck_assert(is_leased_to(&alice, 7, &lease));
    ck_assert_uint_eq(lease.task_id, 2); // although 1 is older
    ck_assert(is_leased_to(&bob, 8, &lease));
    ck_assert_uint_eq(lease.task_id, 1);
    teardown();
}
END_TEST

TEST_SUITE(turn_fleet, a_worker_that_fails_what_others_do_gets_no_grants,
           its_failures_are_refunded,
           quarantine_outlives_a_restart_and_ends_when_people_say_so,
           the_record_outlives_a_restart,
           a_task_that_a_black_hole_helped_to_bury_comes_back,
           three_failures_on_one_worker_bury_nothing_while_there_is_another,
           a_failed_task_goes_to_another_worker_first)
