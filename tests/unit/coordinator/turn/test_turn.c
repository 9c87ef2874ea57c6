// SPDX-License-Identifier: Apache-2.0
// test_turn.c - the conversation with workers, without sockets and in virtual time.
#include "coordinator/sched/retry.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/turn/turn_bench.h"

static void result_that_wants_more(uint64_t task, uint64_t token)
{
    bench.m.kind = MSG_RESULT;
    bench.m.result = (struct msg_result){.session = 7,
                                         .task_id = task,
                                         .token = token,
                                         .wants_more = true,
                                         .outcome = OUTCOME_OK,
                                         .result = fixture_train_result()};
    memcpy(bench.m.result.result.train.checkpoint, bench.checkpoint, HASH_HEX_MAX);
    say(&alice);
}

START_TEST(hello_fetch_result_is_a_life)
{
    setup();
    with_worker(1);
    ck_assert_uint_eq(heard(MSG_WELCOME)->welcome.bulk_port, 20001);
    struct msg_lease lease = lease_of(&alice, 7);
    ck_assert_uint_eq(lease.spec.train.n_steps, 10);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    ck_assert_int_eq(stored(lease.task_id).state, TASK_DONE);
    ck_assert_uint_eq(fake_driver.n_ended, 1);
    ck_assert_int_eq(fake_driver.last_ended.state, TASK_DONE);
    ck_assert(turn_is_quiet(bench.turn));
    teardown();
}
END_TEST

START_TEST(a_result_that_wants_more_is_answered_with_the_next_lease)
{
    setup();
    with_worker(3);
    struct msg_lease lease = lease_of(&alice, 7);
    result_that_wants_more(lease.task_id, lease.token);
    end();
    ck_assert_uint_eq(bench.n_sent, 2); // in this order: the slot is free by then
    ck_assert_int_eq(bench.sent[0].result_reply.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(bench.sent[1].kind, MSG_LEASE);
    struct msg_lease next = bench.sent[1].lease;
    result_that_wants_more(lease.task_id, lease.token);
    end(); // said again, and only answered again
    ck_assert_uint_eq(count(MSG_LEASE, &alice), 0);
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_REPEATED);
    ck_assert_int_eq(verdict_of(next.task_id, next.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    ck_assert_uint_eq(count(MSG_LEASE, &alice), 0); // it did not want more
    teardown();
}
END_TEST

START_TEST(nothing_is_said_before_the_turn_has_ended)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    bench.n_sent = 0;
    result(&alice, 7, lease.task_id, lease.token, OUTCOME_OK);
    beat(&alice, 7, lease.task_id, lease.token, true);
    ck_assert_uint_eq(bench.n_sent, 0);
    end();
    ck_assert_uint_eq(bench.n_sent, 2);
    teardown();
}
END_TEST

START_TEST(a_worker_that_waits_is_given_a_task_when_there_is_one)
{
    setup();
    with_worker(0);
    fetch(&alice, 7, 1);
    end();
    ck_assert_uint_eq(heard(MSG_NO_TASK)->no_task.retry_ms, FETCH_POLL_MS);
    fake_driver.n_to_add = 1;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    end(); // the task is committed
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    ck_assert_ptr_null(heard(MSG_NO_TASK));
    teardown();
}
END_TEST

START_TEST(a_repeated_result_is_repeated_and_a_stale_one_is_stale)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_REPEATED);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token + 1, OUTCOME_OK),
                     VERDICT_STALE);
    ck_assert_int_eq(verdict_of(999, 1, OUTCOME_OK), VERDICT_STALE);
    ck_assert_uint_eq(fake_driver.n_ended, 1); // once
    struct msg_status_reply *status = &bench.m.status_reply;
    turn_status(bench.turn, status);
    ck_assert_uint_eq(status->results_accepted, 1);
    ck_assert_uint_eq(status->results_repeated, 1);
    ck_assert_uint_eq(status->results_stale, 2);
    teardown();
}
END_TEST

START_TEST(a_worker_is_busy_from_the_grant_to_the_result)
{
    setup();
    with_worker(1);
    struct msg_status_reply *status = &bench.m.status_reply;
    turn_status(bench.turn, status);
    ck_assert_str_eq(status->workers[0].state, "idle");
    struct msg_lease lease = lease_of(&alice, 7);
    turn_status(bench.turn, status); // before any beat
    ck_assert_str_eq(status->workers[0].state, "busy");
    ck_assert_uint_eq(status->workers[0].task_id, lease.task_id);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    turn_status(bench.turn, status);
    ck_assert_str_eq(status->workers[0].state, "idle");
    teardown();
}
END_TEST

START_TEST(two_results_for_one_task_in_one_turn_count_once)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    result(&alice, 7, lease.task_id, lease.token, OUTCOME_OK);
    result(&alice, 7, lease.task_id, lease.token, OUTCOME_OK);
    end();
    ck_assert_uint_eq(count(MSG_RESULT_REPLY, &alice), 2);
    ck_assert_int_eq(bench.sent[0].result_reply.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(bench.sent[1].result_reply.verdict, VERDICT_REPEATED);
    ck_assert_uint_eq(fake_driver.n_ended, 1);
    teardown();
}
END_TEST

START_TEST(anothers_token_is_stale)
{
    setup();
    with_worker(1);
    hello(&bob, 8);
    end();
    struct msg_lease lease = lease_of(&alice, 7);
    result(&bob, 8, lease.task_id, lease.token, OUTCOME_OK);
    end();
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_STALE);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    teardown();
}
END_TEST

static void assert_failed_once(uint64_t task_id, const char *expected)
{
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(stored(task_id).state, TASK_READY);
    ck_assert_uint_eq(stored(task_id).n_charged, 1);
    char error[LIMIT_TEXT];
    OK(task_last_error(fixture.store, task_id, error));
    ck_assert_msg(strstr(error, expected) != NULL, "%s", error);
    ck_assert(turn_is_quiet(bench.turn));
}

START_TEST(a_result_whose_artifact_is_missing_is_a_failed_attempt)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    fixture_hash(bench.checkpoint, 'f');
    result(&alice, 7, lease.task_id, lease.token, OUTCOME_OK);
    end();
    assert_failed_once(lease.task_id, "was not stored");
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_REPEATED);
    teardown();
}
END_TEST

START_TEST(a_result_of_another_kind_is_a_failed_attempt)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    bench.m.kind = MSG_RESULT;
    bench.m.result = (struct msg_result){.session = 7,
                                         .task_id = lease.task_id,
                                         .token = lease.token,
                                         .outcome = OUTCOME_OK};
    bench.m.result.result.kind = TASK_EVALUATE;
    say(&alice);
    end();
    assert_failed_once(lease.task_id, "another kind");
    teardown();
}
END_TEST

START_TEST(an_unknown_session_is_told_to_say_hello)
{
    setup();
    fetch(&alice, 7, 1);
    end();
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_STALE);
    teardown();
}
END_TEST

START_TEST(a_version_that_is_not_spoken_here_is_refused)
{
    setup();
    hello(&alice, 7);
    end();
    bench.m.hello.version_min = bench.m.hello.version_max = 2;
    say(&bob);
    end();
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_PROTO);
    ck_assert_str_eq(heard(MSG_REFUSED)->refused.text,
                     "protocol 2..2: this coordinator speaks 1..1");
    ck_assert_ptr_null(heard(MSG_WELCOME));
    teardown();
}
END_TEST

START_TEST(a_worker_of_several_versions_is_told_the_highest_that_both_speak)
{
    setup();
    hello(&alice, 7);
    end();
    bench.m.hello.version_max = 2; // one that is ahead of us
    say(&bob);
    end();
    ck_assert_ptr_null(heard(MSG_REFUSED));
    ck_assert_uint_eq(heard(MSG_WELCOME)->welcome.version, 1);
    teardown();
}
END_TEST

START_TEST(garbage_is_counted_answered_and_changes_nothing)
{
    setup();
    with_worker(1);
    static char large[LIMIT_MESSAGE_BYTES + 1];
    say_raw(&bob, "\xff\xff\xff garbage", 11);
    say_raw(&bob, "", 0);
    say_raw(&bob, large, sizeof(large));
    bench.m.kind = MSG_NO_TASK;
    bench.m.no_task = (struct msg_no_task){.retry_ms = 1};
    say(&bob); // not for this socket
    turn_misframed(bench.turn);
    end();
    ck_assert_uint_eq(count(MSG_REFUSED, &bob), 4);
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_eq(bench.m.status_reply.messages_refused, 5);
    lease_of(&alice, 7); // life goes on
    teardown();
}
END_TEST

START_TEST(a_lease_that_never_started_is_lost_without_a_charge)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    pass(LEASE_MS - 1);
    end();
    ck_assert_int_eq(stored(lease.task_id).state, TASK_LEASED);
    pass(1);
    end();
    ck_assert_int_eq(stored(lease.task_id).state, TASK_READY);
    ck_assert_uint_eq(stored(lease.task_id).n_charged, 0);
    struct msg_lease again = lease_of(&alice, 7);
    ck_assert_uint_eq(again.task_id, lease.task_id);
    ck_assert_uint_gt(again.token, lease.token);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK), VERDICT_STALE);
    teardown();
}
END_TEST

START_TEST(a_lease_that_started_is_charged_when_lost)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    pass(LEASE_MS);
    end();
    ck_assert_uint_eq(stored(lease.task_id).n_charged, 1);
    ck_assert_int_eq(stored(lease.task_id).state, TASK_READY);
    teardown();
}
END_TEST

START_TEST(a_coordinator_that_stood_still_takes_nothing_from_workers_it_could_not_hear)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    stand_still(INT64_C(10) * LEASE_MS); // stopped, or waiting for a disk
    end();
    ck_assert_int_eq(stored(lease.task_id).state, TASK_LEASED);
    pass(LEASE_MS - 1);
    end();
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    teardown();
}
END_TEST

START_TEST(a_worker_that_stays_silent_after_a_standstill_loses_its_lease)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    stand_still(INT64_C(10) * LEASE_MS);
    end();
    pass(LEASE_MS);
    end();
    ck_assert_int_eq(stored(lease.task_id).state, TASK_READY);
    teardown();
}
END_TEST

START_TEST(beats_renew_what_is_held_and_name_what_is_not)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    for (int i = 0; i < 5; i++) {
        pass(BEAT_MS);
        beat(&alice, 7, lease.task_id, lease.token, true);
        end();
        ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.n_cancelled, 0);
    }
    ck_assert_int_eq(stored(lease.task_id).state, TASK_LEASED);
    beat(&alice, 7, lease.task_id, lease.token + 5, true);
    end();
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.n_cancelled, 1);
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.cancelled[0], lease.task_id);
    teardown();
}
END_TEST

START_TEST(a_task_that_fails_three_times_is_buried_and_the_study_hears_of_it)
{
    setup();
    with_worker(1);
    struct msg_lease lease = {0};
    for (int i = 0; i < RETRY_BURY_AT; i++) {
        ck_assert_uint_eq(fake_driver.n_ended, 0);
        lease = lease_of(&alice, 7);
        ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_CRASH),
                         VERDICT_ACCEPTED);
        pass(RETRY_CAP_MS);
    }
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_CRASH),
                     VERDICT_REPEATED);
    ck_assert_int_eq(stored(lease.task_id).state, TASK_BURIED);
    ck_assert_uint_eq(fake_driver.n_ended, 1);
    ck_assert_int_eq(fake_driver.last_ended.state, TASK_BURIED);
    teardown();
}
END_TEST

START_TEST(a_released_task_goes_to_the_next_without_a_charge)
{
    setup();
    with_worker(1);
    hello(&bob, 8);
    end();
    struct msg_lease lease = lease_of(&alice, 7);
    bench.m.kind = MSG_RELEASE;
    bench.m.release = (struct msg_release){7, lease.task_id, lease.token};
    say(&alice);
    end();
    ck_assert_uint_eq(stored(lease.task_id).n_charged, 0);
    ck_assert_uint_eq(lease_of(&bob, 8).task_id, lease.task_id);
    teardown();
}
END_TEST

START_TEST(bye_gives_back_what_the_worker_holds)
{
    setup();
    with_worker(2);
    struct msg_lease a = lease_of(&alice, 7);
    struct msg_lease b = lease_of(&alice, 7);
    bench.m.kind = MSG_BYE;
    say(&alice);
    end();
    ck_assert_int_eq(stored(a.task_id).state, TASK_READY);
    ck_assert_int_eq(stored(b.task_id).state, TASK_READY);
    ck_assert(turn_is_quiet(bench.turn));
    fetch(&alice, 7, 1);
    end();
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_STALE);
    teardown();
}
END_TEST

START_TEST(who_leaves_is_given_nothing_in_the_same_turn)
{
    setup();
    with_worker(1);
    fetch(&alice, 7, 1);
    bench.m.kind = MSG_BYE;
    say(&alice);
    end();
    ck_assert_uint_eq(count(MSG_LEASE, &alice), 0);
    ck_assert(turn_is_quiet(bench.turn));
    teardown();
}
END_TEST

START_TEST(who_is_replaced_is_given_nothing_in_the_same_turn)
{
    setup();
    with_worker(1);
    fetch(&alice, 7, 1);
    hello_as("worker-7", &bob, 70);
    end();
    ck_assert_uint_eq(count(MSG_LEASE, &alice), 0);
    ck_assert(turn_is_quiet(bench.turn));
    teardown();
}
END_TEST

START_TEST(few_tasks_are_spread_over_many_workers)
{
    setup();
    with_worker(2);
    hello(&bob, 8);
    end();
    fetch(&alice, 7, 2);
    fetch(&bob, 8, 2);
    end();
    ck_assert_uint_eq(count(MSG_LEASE, &alice), 1);
    ck_assert_uint_eq(count(MSG_LEASE, &bob), 1);
    teardown();
}
END_TEST

START_TEST(after_a_restart_a_worker_keeps_what_it_presents)
{
    setup();
    with_worker(2);
    struct msg_lease lease = lease_of(&alice, 7);
    lease_of(&alice, 7);
    restart();
    pass(LEASE_MS - 1);
    end();
    hello(&bob, 7);
    bench.m.hello.n_held = 2;
    bench.m.hello.held[0] =
        (struct held_task){.task_id = lease.task_id, .token = lease.token};
    bench.m.hello.held[1] = (struct held_task){.task_id = lease.task_id, .token = 99};
    say(&bob);
    end();
    ck_assert_uint_eq(heard(MSG_WELCOME)->welcome.n_stale, 1);
    pass(LEASE_MS - 1);
    end(); // what was not presented is lost meanwhile
    result(&bob, 7, lease.task_id, lease.token, OUTCOME_OK);
    end();
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_ACCEPTED);
    ck_assert(turn_is_quiet(bench.turn));
    teardown();
}
END_TEST

START_TEST(after_a_restart_the_queue_is_as_it_was)
{
    setup();
    with_worker(3);
    struct msg_lease first = lease_of(&alice, 7);
    restart();
    hello(&alice, 7);
    end();
    ck_assert_uint_eq(lease_of(&alice, 7).task_id, first.task_id + 1);
    ck_assert_uint_eq(lease_of(&alice, 7).task_id, first.task_id + 2);
    fetch(&alice, 7, 1);
    end();
    ck_assert_ptr_nonnull(heard(MSG_NO_TASK));
    teardown();
}
END_TEST

START_TEST(what_a_killed_worker_held_goes_back_when_it_begins_anew)
{
    setup();
    with_worker(2);
    struct msg_lease started = lease_of(&alice, 7);
    struct msg_lease waiting = lease_of(&alice, 7);
    beat(&alice, 7, started.task_id, started.token, true);
    end();
    hello_as("worker-7", &bob, 70);
    end();
    ck_assert_int_eq(stored(started.task_id).state, TASK_READY);
    ck_assert_uint_eq(stored(started.task_id).n_charged, 1);
    ck_assert_int_eq(stored(waiting.task_id).state, TASK_READY);
    ck_assert_uint_eq(stored(waiting.task_id).n_charged, 0);
    ck_assert_uint_eq(lease_of(&bob, 70).task_id, waiting.task_id);
    pass(RETRY_BASE_MS);
    ck_assert_uint_eq(lease_of(&bob, 70).task_id, started.task_id);
    teardown();
}
END_TEST

START_TEST(it_goes_back_after_a_restart_of_the_coordinator_too)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    restart();
    hello_as("worker-7", &bob, 70);
    end();
    ck_assert_int_eq(stored(lease.task_id).state, TASK_READY);
    ck_assert_uint_eq(lease_of(&bob, 70).task_id, lease.task_id);
    teardown();
}
END_TEST

START_TEST(nothing_is_given_to_a_worker_that_was_replaced)
{
    setup();
    with_worker(0);
    fetch(&alice, 7, 2);
    end();
    hello_as("worker-7", &bob, 70);
    end();
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_str_eq(bench.m.status_reply.workers[0].state, "lost");
    fake_driver.n_to_add = 1;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    end();
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    lease_of(&bob, 70);
    pass(SESSION_LOST_MS + 1);
    fetch(&bob, 70, 1);
    end();
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_eq(bench.m.status_reply.n_workers, 1); // no need to show it longer
    teardown();
}
END_TEST

START_TEST(two_workers_of_one_name_stay_correct)
{
    setup();
    with_worker(3);
    struct msg_lease first = lease_of(&alice, 7);
    hello_as("worker-7", &bob, 70);
    end();
    struct msg_lease again = lease_of(&bob, 70);
    ck_assert_uint_eq(again.task_id, first.task_id);
    beat(&alice, 7, first.task_id, first.token, true);
    end();
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.cancelled[0], first.task_id);
    ck_assert_int_eq(verdict_of(first.task_id, first.token, OUTCOME_OK), VERDICT_STALE);
    struct msg_lease other = lease_of(&alice, 7); // it was found again
    hello_as("worker-7", &alice, 7);              // and is the earlier one still
    end();
    ck_assert_int_eq(stored(again.task_id).state, TASK_LEASED);
    result(&bob, 70, again.task_id, again.token, OUTCOME_OK);
    end();
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(verdict_of(other.task_id, other.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    teardown();
}
END_TEST

START_TEST(a_full_disk_stops_grants_and_promises_and_loses_nothing)
{
    setup();
    with_worker(2);
    struct msg_lease lease = lease_of(&alice, 7);
    store_limit_pages(fixture.store, 1);
    fake_driver.n_to_add = 5000; // more than the pages there are can hold
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    fetch(&alice, 7, 1);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    ck_assert_ptr_nonnull(heard(MSG_BEAT_REPLY)); // it still serves
    ck_assert(turn_is_failing(bench.turn));
    store_limit_pages(fixture.store, 1000000);
    fake_driver.n_to_add = 0;
    pass(TURN_RETRY_MS);
    end();
    ck_assert(!turn_is_failing(bench.turn));
    ck_assert_ptr_nonnull(heard(MSG_LEASE)); // the credit was remembered
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    teardown();
}
END_TEST

START_TEST(a_full_disk_is_told_to_who_keeps_room_for_it)
{
    setup();
    with_worker(1);
    store_limit_pages(fixture.store, 1);
    fake_driver.n_to_add = 5000;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    end();
    ck_assert_uint_eq(bench.n_disk_full, 1);
    store_limit_pages(fixture.store, 1000000);
    fake_driver.hooks.disk_full(fake_driver.hooks.arg); // a job beside the loop
    ck_assert_uint_eq(bench.n_disk_full, 2);
    teardown();
}
END_TEST

START_TEST(while_it_settles_only_results_count_and_nothing_new_begins)
{
    setup();
    with_worker(2);
    struct msg_lease lease = lease_of(&alice, 7);
    turn_settle_only(bench.turn, true);
    ck_assert(fake_driver.is_settling);
    unsigned n_advanced = fake_driver.n_advanced;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    fetch(&alice, 7, 1);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    ck_assert(!heard(MSG_NO_TASK)->no_task.is_draining); // it stays
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert(bench.m.status_reply.is_disk_full);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    ck_assert_uint_eq(fake_driver.n_advanced, n_advanced);
    turn_settle_only(bench.turn, false);
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE)); // the credit was remembered
    ck_assert_uint_gt(fake_driver.n_advanced, n_advanced);
    teardown();
}
END_TEST

START_TEST(while_it_settles_artifacts_come_from_who_holds_a_task_and_if_they_fit)
{
    setup();
    with_worker(1);
    ck_assert(turn_may_store(bench.turn, &alice.key, 1 << 30));
    turn_settle_only(bench.turn, true);
    ck_assert(!turn_may_store(bench.turn, &alice.key, 10));
    turn_settle_only(bench.turn, false);
    struct msg_lease lease = lease_of(&alice, 7);
    turn_settle_only(bench.turn, true);
    ck_assert(turn_may_store(bench.turn, &alice.key, ROOM_BYTES));
    ck_assert(!turn_may_store(bench.turn, &alice.key, ROOM_BYTES + 1));
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    ck_assert(!turn_may_store(bench.turn, &alice.key, 10));
    teardown();
}
END_TEST

START_TEST(a_failing_driver_undoes_the_result_it_was_told_of)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    fake_driver.ended_error = ERR_CORRUPT;
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK), 0);
    ck_assert_int_eq(stored(lease.task_id).state, TASK_LEASED);
    fake_driver.ended_error = ERR_OK;
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    teardown();
}
END_TEST

START_TEST(a_study_that_is_stuck_does_not_stop_the_others)
{
    setup();
    with_worker(1);
    fake_driver.advance_error = ERR_CORRUPT;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    struct msg_lease lease = lease_of(&alice, 7);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    teardown();
}
END_TEST

START_TEST(workers_of_a_study_that_is_over_are_told_to_stop)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    OK(store_begin(fixture.store, &fixture.why));
    OK(task_cancel(fixture.store, lease.task_id, &fixture.why));
    struct study_row study;
    OK(study_row_get(fixture.store, fixture.study_id, &study));
    study.state = STUDY_FAILED;
    OK(study_row_update(fixture.store, &study, &fixture.why));
    OK(store_commit(fixture.store, &fixture.why));
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    end();
    ck_assert(turn_is_quiet(bench.turn));
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.n_cancelled, 1);
    teardown();
}
END_TEST

START_TEST(workers_are_told_what_a_study_that_goes_on_cancelled)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    OK(store_begin(fixture.store, &fixture.why));
    OK(task_cancel(fixture.store, lease.task_id, &fixture.why));
    OK(store_commit(fixture.store, &fixture.why));
    fake_driver.hooks.tasks_cancelled(fake_driver.hooks.arg);
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    end();
    ck_assert(turn_is_quiet(bench.turn));
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.n_cancelled, 1);
    teardown();
}
END_TEST

START_TEST(a_drain_grants_nothing_more_and_says_so)
{
    setup();
    with_worker(2);
    struct msg_lease lease = lease_of(&alice, 7);
    turn_drain(bench.turn);
    end();
    ck_assert(heard(MSG_NO_TASK)->no_task.is_draining);
    fetch(&alice, 7, 1);
    end();
    ck_assert(heard(MSG_NO_TASK)->no_task.is_draining);
    ck_assert(!turn_is_quiet(bench.turn));
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    ck_assert(turn_is_quiet(bench.turn));
    teardown();
}
END_TEST

START_TEST(status_shows_workers_and_studies)
{
    setup();
    with_worker(1);
    struct msg_lease lease = lease_of(&alice, 7);
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    turn_status(bench.turn, &bench.m.status_reply);
    const struct msg_status_reply *status = &bench.m.status_reply;
    ck_assert_uint_eq(status->n_workers, 1);
    ck_assert_str_eq(status->workers[0].state, "busy");
    ck_assert_uint_eq(status->workers[0].task_id, lease.task_id);
    ck_assert_uint_eq(status->n_studies, 1);
    pass(SESSION_LOST_MS + 1);
    end();
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_str_eq(status->workers[0].state, "lost");
    teardown();
}
END_TEST

// ---- measuring

static void with_device(const char *device, unsigned n_tasks)
{
    struct task_row row = {.study_id = fixture.study_id, .stage = TASK_MEASURE_STAGE};
    row.spec.kind = TASK_MEASURE;
    fixture_hash(row.spec.study, 'a');
    row.spec.measure =
        (struct measure_task){.batch = 1, .frames = 100, .threads = 1, .budget_ms = 10};
    snprintf(row.spec.measure.architecture, sizeof(row.spec.measure.architecture),
             "2-64-64-64-1-1-1-96");
    snprintf(row.spec.measure.device, sizeof(row.spec.measure.device), "board");
    fake_driver.next_task = row;
    fake_driver.n_to_add = n_tasks;
    bench.m.kind = MSG_HELLO;
    bench.m.hello = (struct msg_hello){.version_min = 1,
                                       .version_max = 1,
                                       .name = "measurer",
                                       .session = 7,
                                       .slots = 2,
                                       .threads = 1,
                                       .capabilities = 14};
    snprintf(bench.m.hello.device, sizeof(bench.m.hello.device), "%s", device);
    say(&alice);
    end();
    ck_assert_ptr_nonnull(heard(MSG_WELCOME));
}

START_TEST(a_measurement_is_granted_to_its_device_alone_and_to_all_of_a_worker)
{
    setup();
    with_device("phone", 2);
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    teardown();
    setup();
    with_device("board", 2);
    fetch(&alice, 7, 1); // one of its slots is busy
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    fetch(&alice, 7, 2);
    end();
    ck_assert_uint_eq(count(MSG_LEASE, &alice), 1);
    teardown();
}
END_TEST

static void measured(const struct msg_lease *lease, uint32_t n_units)
{
    bench.m.kind = MSG_RESULT;
    bench.m.result = (struct msg_result){.session = 7,
                                         .task_id = lease->task_id,
                                         .token = lease->token,
                                         .outcome = OUTCOME_OK};
    struct task_result *r = &bench.m.result.result;
    r->kind = TASK_MEASURE;
    r->measure.whole = (struct timing){2, 3, 1, 9};
    r->measure.n_units = n_units;
    for (uint32_t i = 0; i < n_units; i++) {
        r->measure.units[i] = (struct timing){1, 1, 0, 9};
    }
    say(&alice);
    end();
}

START_TEST(a_measurement_of_other_units_is_a_failed_attempt)
{
    setup();
    with_device("board", 1);
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    struct msg_lease lease = heard(MSG_LEASE)->lease;
    measured(&lease, 5);
    assert_failed_once(lease.task_id, "it measured 5 units");
    pass(RETRY_CAP_MS);
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    lease = heard(MSG_LEASE)->lease;
    measured(&lease, 6);
    ck_assert_int_eq(stored(lease.task_id).state, TASK_DONE);
    ck_assert_double_eq(stored(lease.task_id).result.measure.whole.p90_ms, 3);
    teardown();
}
END_TEST

// ---- fine-tuning

static void with_finetuner(uint32_t capabilities)
{
    struct task_row row = {.study_id = fixture.study_id, .trial_id = 1};
    row.spec.kind = TASK_FINETUNE;
    fixture_hash(row.spec.study, 'a');
    fixture_hash(row.spec.pack, 'b');
    snprintf(row.spec.finetune.architecture, sizeof(row.spec.finetune.architecture),
             "1-64-64-1-1-96");
    fake_driver.next_task = row;
    fake_driver.n_to_add = 1;
    bench.m.kind = MSG_HELLO;
    bench.m.hello = (struct msg_hello){.version_min = 1,
                                       .version_max = 1,
                                       .name = "finetuner",
                                       .session = 7,
                                       .slots = 1,
                                       .threads = 1,
                                       .capabilities = capabilities};
    say(&alice);
    end();
    fetch(&alice, 7, 1);
    end();
}

static void finetuned(const struct msg_lease *lease, const char *network)
{
    bench.m.kind = MSG_RESULT;
    bench.m.result = (struct msg_result){.session = 7,
                                         .task_id = lease->task_id,
                                         .token = lease->token,
                                         .outcome = OUTCOME_OK};
    struct task_result *r = &bench.m.result.result;
    r->kind = TASK_FINETUNE;
    r->finetune.loss_last = 0.5;
    memcpy(r->finetune.evaluation.network, network, HASH_HEX_MAX);
    say(&alice);
    end();
}

START_TEST(a_fine_tuning_goes_to_who_can_and_its_network_comes_first)
{
    setup();
    with_finetuner(1u << TASK_TRAIN | 1u << TASK_EVALUATE);
    ck_assert_ptr_null(heard(MSG_LEASE));
    teardown();
    setup();
    with_finetuner(1u << TASK_FINETUNE);
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    struct msg_lease lease = heard(MSG_LEASE)->lease;
    char lost[HASH_HEX_MAX];
    fixture_hash(lost, 'f');
    finetuned(&lease, lost);
    assert_failed_once(lease.task_id, "its network ffff");
    pass(RETRY_CAP_MS);
    fetch(&alice, 7, 1);
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    lease = heard(MSG_LEASE)->lease;
    finetuned(&lease, bench.checkpoint); // whatever is there
    ck_assert_int_eq(stored(lease.task_id).state, TASK_DONE);
    ck_assert_double_eq(stored(lease.task_id).result.finetune.loss_last, 0.5);
    teardown();
}
END_TEST

START_TEST(a_session_is_its_keys_and_nobody_else_speaks_for_it)
{
    bench.has_keys = true;
    setup();
    struct route anna = under_key(&alice, 1);
    struct route thief = under_key(&bob, 2);
    fake_driver.n_to_add = 1;
    hello(&anna, 7);
    end();
    struct msg_lease lease = lease_of(&anna, 7);
    fetch(&thief, 7, 1);
    beat(&thief, 7, lease.task_id, lease.token, true);
    result(&thief, 7, lease.task_id, lease.token, OUTCOME_OK);
    hello(&thief, 7);
    end();
    ck_assert_uint_eq(count(MSG_REFUSED, &thief), 4);
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_AUTH);
    result(&anna, 7, lease.task_id, lease.token, OUTCOME_OK);
    end();
    ck_assert_int_eq(heard(MSG_RESULT_REPLY)->result_reply.verdict, VERDICT_ACCEPTED);
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_eq(bench.m.status_reply.refusals[REFUSAL_OWNER], 4);
    teardown();
}
END_TEST

START_TEST(a_session_stays_its_keys_over_a_restart)
{
    bench.has_keys = true;
    setup();
    struct route anna = under_key(&alice, 1);
    struct route thief = under_key(&bob, 2);
    hello(&anna, 7);
    end();
    restart();
    hello(&thief, 7);
    end();
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_AUTH);
    hello(&anna, 7);
    end();
    ck_assert_ptr_nonnull(heard(MSG_WELCOME));
    teardown();
}
END_TEST

START_TEST(a_worker_bears_the_name_of_its_key_and_takes_nobody_elses)
{
    bench.has_keys = true;
    setup();
    struct route anna = under_key(&alice, 1);
    struct route bert = under_key(&bob, 2);
    fake_driver.n_to_add = 1;
    hello_as("anna", &anna, 7);
    end();
    struct msg_lease lease = lease_of(&anna, 7);
    hello_as("anna", &bert, 8); // becomes bert/anna: nobody is replaced
    end();
    beat(&anna, 7, lease.task_id, lease.token, true);
    end();
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.n_cancelled, 0);
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_str_eq(bench.m.status_reply.workers[0].name, "anna");
    ck_assert_str_eq(bench.m.status_reply.workers[1].name, "bert/anna");
    struct route nobody = under_key(&bob, 3);
    hello_as("anna", &nobody, 9);
    end();
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_AUTH);
    teardown();
}
END_TEST

START_TEST(a_key_holds_what_its_workers_were_leased_and_the_artifacts_that_names)
{
    bench.has_keys = true;
    setup();
    struct route anna = under_key(&alice, 1);
    struct route bert = under_key(&bob, 2);
    fake_driver.n_to_add = 1;
    hello(&anna, 7);
    hello(&bert, 8);
    end();
    ck_assert(!turn_holds_task(bench.turn, &anna.key));
    struct msg_lease lease = lease_of(&anna, 7);
    ck_assert(turn_holds_task(bench.turn, &anna.key));
    ck_assert(turn_holds_artifact(bench.turn, &anna.key, lease.spec.pack));
    ck_assert(turn_holds_artifact(bench.turn, &anna.key, lease.spec.study));
    ck_assert(!turn_holds_artifact(bench.turn, &anna.key, bench.checkpoint));
    ck_assert(!turn_holds_task(bench.turn, &bert.key));
    ck_assert(!turn_holds_artifact(bench.turn, &bert.key, lease.spec.pack));
    result(&anna, 7, lease.task_id, lease.token, OUTCOME_OK);
    end();
    ck_assert(!turn_holds_artifact(bench.turn, &anna.key, lease.spec.pack));
    teardown();
}
END_TEST

START_TEST(who_may_not_speak_is_told_so_and_counted)
{
    setup();
    turn_denied(bench.turn, &alice, "not here", bench.now);
    end();
    ck_assert_int_eq(heard(MSG_REFUSED)->refused.code, ERR_AUTH);
    turn_status(bench.turn, &bench.m.status_reply);
    ck_assert_uint_eq(bench.m.status_reply.refusals[REFUSAL_RIGHTS], 1);
    ck_assert_uint_eq(bench.m.status_reply.messages_refused, 1);
    teardown();
}
END_TEST

TEST_SUITE(turn, a_measurement_is_granted_to_its_device_alone_and_to_all_of_a_worker,
           a_measurement_of_other_units_is_a_failed_attempt,
           a_fine_tuning_goes_to_who_can_and_its_network_comes_first,
           hello_fetch_result_is_a_life,
           a_result_that_wants_more_is_answered_with_the_next_lease,
           nothing_is_said_before_the_turn_has_ended,
           a_worker_that_waits_is_given_a_task_when_there_is_one,
           a_repeated_result_is_repeated_and_a_stale_one_is_stale,
           a_worker_is_busy_from_the_grant_to_the_result,
           two_results_for_one_task_in_one_turn_count_once, anothers_token_is_stale,
           a_result_whose_artifact_is_missing_is_a_failed_attempt,
           a_result_of_another_kind_is_a_failed_attempt,
           an_unknown_session_is_told_to_say_hello,
           a_version_that_is_not_spoken_here_is_refused,
           a_worker_of_several_versions_is_told_the_highest_that_both_speak,
           garbage_is_counted_answered_and_changes_nothing,
           a_lease_that_never_started_is_lost_without_a_charge,
           a_lease_that_started_is_charged_when_lost,
           a_coordinator_that_stood_still_takes_nothing_from_workers_it_could_not_hear,
           a_worker_that_stays_silent_after_a_standstill_loses_its_lease,
           beats_renew_what_is_held_and_name_what_is_not,
           a_task_that_fails_three_times_is_buried_and_the_study_hears_of_it,
           a_released_task_goes_to_the_next_without_a_charge,
           bye_gives_back_what_the_worker_holds,
           who_leaves_is_given_nothing_in_the_same_turn,
           who_is_replaced_is_given_nothing_in_the_same_turn,
           few_tasks_are_spread_over_many_workers,
           after_a_restart_a_worker_keeps_what_it_presents,
           after_a_restart_the_queue_is_as_it_was,
           what_a_killed_worker_held_goes_back_when_it_begins_anew,
           it_goes_back_after_a_restart_of_the_coordinator_too,
           nothing_is_given_to_a_worker_that_was_replaced,
           two_workers_of_one_name_stay_correct,
           a_full_disk_stops_grants_and_promises_and_loses_nothing,
           a_full_disk_is_told_to_who_keeps_room_for_it,
           while_it_settles_only_results_count_and_nothing_new_begins,
           while_it_settles_artifacts_come_from_who_holds_a_task_and_if_they_fit,
           a_failing_driver_undoes_the_result_it_was_told_of,
           a_study_that_is_stuck_does_not_stop_the_others,
           workers_of_a_study_that_is_over_are_told_to_stop,
           workers_are_told_what_a_study_that_goes_on_cancelled,
           a_drain_grants_nothing_more_and_says_so, status_shows_workers_and_studies,
           a_session_is_its_keys_and_nobody_else_speaks_for_it,
           a_session_stays_its_keys_over_a_restart,
           a_worker_bears_the_name_of_its_key_and_takes_nobody_elses,
           a_key_holds_what_its_workers_were_leased_and_the_artifacts_that_names,
           who_may_not_speak_is_told_so_and_counted)
