// SPDX-License-Identifier: Apache-2.0
// test_turn_order.c - what people ask and order, and what becomes of it.
#include "coordinator/sched/retry.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/turn/turn_bench.h"

static struct msg answer;

static enum err ask(void)
{
    fixture.why.text[0] = '\0';
    return turn_order(bench.turn, &bench.m, bench.now, &answer, &fixture.why);
}

static enum err order_study(enum study_order what, const char *name)
{
    bench.m.kind = MSG_STUDY_ORDER;
    bench.m.study_order = (struct msg_study_order){.order = what};
    snprintf(bench.m.study_order.name, sizeof(bench.m.study_order.name), "%s", name);
    return ask();
}

static enum err order_worker(enum worker_order what, const char *name)
{
    bench.m.kind = MSG_WORKER_ORDER;
    bench.m.worker_order = (struct msg_worker_order){.order = what};
    snprintf(bench.m.worker_order.name, sizeof(bench.m.worker_order.name), "%s", name);
    return ask();
}

static const char *explained(uint64_t task)
{
    bench.m.kind = MSG_EXPLAIN;
    bench.m.explain.task_id = task;
    OK(ask());
    ck_assert_int_eq(answer.kind, MSG_EXPLAIN_REPLY);
    return answer.explain_reply.text;
}

static bool explains(uint64_t task, const char *sentence)
{
    bool does = strstr(explained(task), sentence) != NULL;
    if (!does) {
        fprintf(stderr, "%s", answer.explain_reply.text);
    }
    return does;
}

static void bury(void)
{
    struct msg_lease lease;
    for (int i = 0; i < RETRY_BURY_AT; i++) {
        lease = lease_of(&alice, 7);
        ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_CRASH),
                         VERDICT_ACCEPTED);
        pass(RETRY_CAP_MS);
    }
    ck_assert_int_eq(stored(lease.task_id).state, TASK_BURIED);
}

static void kick(uint64_t id)
{
    bench.m.kind = MSG_TASK_KICK;
    bench.m.task_kick = (struct msg_task_kick){.n_ids = 1, .ids = {id}};
    OK(ask());
    ck_assert_int_eq(answer.kind, MSG_ORDER_REPLY);
}

START_TEST(a_kicked_task_is_handed_out_again_and_its_study_goes_on)
{
    setup();
    with_worker(1);
    bury();
    kick(1);
    ck_assert_uint_eq(answer.order_reply.n, 1);
    ck_assert_uint_eq(fake_driver.n_back, 1);
    ck_assert_uint_eq(fake_driver.n_went_on, 1);
    struct msg_lease lease = lease_of(&alice, 7);
    ck_assert_uint_eq(lease.task_id, 1);
    ck_assert_uint_eq(stored(1).n_charged, 0);
    teardown();
}
END_TEST

START_TEST(what_is_not_buried_or_not_wanted_is_not_kicked_and_says_so)
{
    setup();
    with_worker(1);
    kick(1);
    ck_assert_uint_eq(answer.order_reply.n, 0);
    ck_assert_ptr_nonnull(strstr(answer.order_reply.text, "ready, not buried"));
    kick(99);
    ck_assert_ptr_nonnull(strstr(answer.order_reply.text, "there is no task 99"));
    bury();
    fake_driver.wants_error = ERR_STALE;
    kick(1);
    ck_assert_uint_eq(answer.order_reply.n, 0);
    ck_assert_int_eq(stored(1).state, TASK_BURIED);
    teardown();
}
END_TEST

START_TEST(an_order_that_cannot_be_stored_is_not_said_to_be_done)
{
    setup();
    with_worker(1);
    bury();
    store_limit_pages(fixture.store, 1);
    fake_driver.n_to_add = 200; // more than the disk has room for
    bench.m.kind = MSG_TASK_KICK;
    bench.m.task_kick = (struct msg_task_kick){.n_ids = 1, .ids = {1}};
    enum err e = ask();
    enum task_state state = stored(1).state;
    ck_assert(e == ERR_OK ? state != TASK_BURIED : state == TASK_BURIED);
    teardown();
}
END_TEST

START_TEST(tasks_are_listed_page_by_page)
{
    setup();
    with_worker(LIMIT_LISTED_TASKS + 5);
    bench.m.kind = MSG_TASK_LIST;
    bench.m.task_list = (struct msg_task_list){.study = "a"};
    OK(ask());
    ck_assert_uint_eq(answer.task_list_reply.n_tasks, LIMIT_LISTED_TASKS);
    ck_assert_uint_eq(answer.task_list_reply.next, LIMIT_LISTED_TASKS);
    ck_assert_str_eq(answer.task_list_reply.tasks[0].study, "a");
    bench.m.task_list.after = answer.task_list_reply.next;
    OK(ask());
    ck_assert_uint_eq(answer.task_list_reply.n_tasks, 5);
    ck_assert_uint_eq(answer.task_list_reply.next, 0);
    bench.m.task_list = (struct msg_task_list){.state = TASK_BURIED};
    OK(ask());
    ck_assert_uint_eq(answer.task_list_reply.n_tasks, 0);
    snprintf(bench.m.task_list.study, 64, "nobody");
    ck_assert_int_eq(ask(), ERR_NOTFOUND);
    teardown();
}
END_TEST

START_TEST(a_list_tells_who_failed_a_task_and_how)
{
    setup();
    with_worker(1);
    bury();
    bench.m.kind = MSG_TASK_LIST;
    bench.m.task_list = (struct msg_task_list){.state = TASK_BURIED};
    OK(ask());
    const struct listed_task *t = &answer.task_list_reply.tasks[0];
    ck_assert_uint_eq(t->n_charged, RETRY_BURY_AT);
    ck_assert_str_eq(t->worker, "worker-7");
    ck_assert_str_eq(t->error, "killed");
    ck_assert_str_eq(t->what, "stage 2, round 3, shard 1");
    teardown();
}
END_TEST

START_TEST(a_drained_worker_finishes_and_is_sent_away_over_a_restart_too)
{
    setup();
    with_worker(3);
    struct msg_lease lease = lease_of(&alice, 7);
    OK(order_worker(WORKER_DRAIN, "worker-7"));
    end();
    ck_assert(heard(MSG_NO_TASK)->no_task.is_draining); // told at once
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    restart();
    hello(&alice, 7);
    end();
    fetch(&alice, 7, 2);
    end();
    ck_assert(heard(MSG_NO_TASK)->no_task.is_draining);
    OK(order_worker(WORKER_RELEASE, "worker-7"));
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    ck_assert_int_eq(order_worker(WORKER_DRAIN, "nobody"), ERR_NOTFOUND);
    teardown();
}
END_TEST

START_TEST(a_paused_study_hands_out_nothing_until_it_is_resumed)
{
    setup();
    with_worker(3);
    struct msg_lease lease = lease_of(&alice, 7);
    OK(order_study(STUDY_PAUSE, "a"));
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                     VERDICT_ACCEPTED);
    restart();
    hello(&alice, 7);
    end();
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    ck_assert(
        explains(2, "Its study is paused: voxarch study resume a lets it go on."));
    OK(order_study(STUDY_RESUME, "a"));
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_nonnull(heard(MSG_LEASE));
    ck_assert_int_eq(order_study(STUDY_PAUSE, "b"), ERR_NOTFOUND);
    teardown();
}
END_TEST

START_TEST(workers_of_a_cancelled_study_hear_so_by_beat)
{
    setup();
    with_worker(2);
    struct msg_lease lease = lease_of(&alice, 7);
    OK(order_study(STUDY_CANCEL, "a"));
    beat(&alice, 7, lease.task_id, lease.token, true);
    end();
    ck_assert_uint_eq(heard(MSG_BEAT_REPLY)->beat_reply.n_cancelled, 1);
    ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK), VERDICT_STALE);
    ck_assert(turn_is_quiet(bench.turn));
    fetch(&alice, 7, 2);
    end();
    ck_assert_ptr_null(heard(MSG_LEASE));
    ck_assert_int_eq(order_study(STUDY_PAUSE, "a"), ERR_STALE);
    teardown();
}
END_TEST

START_TEST(a_flaw_in_a_submitted_study_is_told_with_its_line)
{
    setup();
    bench.m.kind = MSG_STUDY_SUBMIT;
    bench.m.study_submit = (struct msg_study_submit){
        .file = "mine.yaml", .dir = "/", .text = "name: x\nseeed: 1\n"};
    ck_assert_int_eq(ask(), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(fixture.why.text, "mine.yaml:2"));
    snprintf(bench.m.study_submit.dir, sizeof(bench.m.study_submit.dir), "here");
    ck_assert_int_eq(ask(), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(fixture.why.text, "no absolute path"));
    teardown();
}
END_TEST

START_TEST(two_studies_take_turns)
{
    setup();
    struct study_row other = {.name = "b", .state = STUDY_TRAINING, .weight = 1};
    OK(store_begin(fixture.store, &fixture.why));
    OK(study_row_insert(fixture.store, &other, &fixture.why));
    OK(store_commit(fixture.store, &fixture.why));
    with_worker(6); // of study a
    fake_driver.next_task.study_id = other.id;
    fake_driver.n_to_add = 6;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, other.id);
    end();
    unsigned n_of[2] = {0};
    for (int i = 0; i < 8; i++) {
        struct msg_lease lease = lease_of(&alice, 7);
        n_of[stored(lease.task_id).study_id == other.id]++;
        stand_still(1000);
        ck_assert_int_eq(verdict_of(lease.task_id, lease.token, OUTCOME_OK),
                         VERDICT_ACCEPTED);
    }
    ck_assert_uint_eq(n_of[0], 4);
    ck_assert_uint_eq(n_of[1], 4);
    teardown();
}
END_TEST

START_TEST(every_reason_for_waiting_is_explained)
{
    setup();
    fake_driver.n_to_add = 3;
    fake_driver.hooks.study_changed(fake_driver.hooks.arg, fixture.study_id);
    end();
    ck_assert(explains(1, "No worker is connected."));
    hello(&alice, 7);
    end();
    ck_assert(explains(1, "All slots are busy: 1 worker could run it."));
    ck_assert(explains(3, "2 tasks of its study go before it."));
    struct msg_lease lease = lease_of(&alice, 7);
    ck_assert(explains(1, "worker-7 holds it and has not said yet that it started"));
    beat(&alice, 7, 1, lease.token, true);
    end();
    ck_assert(explains(1, "worker-7 holds it, 0 % done by its last beat"));
    ck_assert_int_eq(verdict_of(1, lease.token, OUTCOME_CRASH), VERDICT_ACCEPTED);
    ck_assert(explains(1, "It failed, and is tried again in"));
    ck_assert(explains(1, "s ago on worker-7: killed"));
    OK(order_worker(WORKER_DRAIN, "worker-7"));
    ck_assert(explains(2, "1 worker that could run it is drained."));
    turn_settle_only(bench.turn, true);
    ck_assert(explains(2, "The coordinator's disk is full"));
    turn_settle_only(bench.turn, false);
    turn_drain(bench.turn);
    ck_assert(explains(2, "The coordinator is draining"));
    bench.m.kind = MSG_EXPLAIN;
    bench.m.explain.task_id = 99;
    ck_assert_int_eq(ask(), ERR_NOTFOUND);
    teardown();
}
END_TEST

START_TEST(a_measurement_that_waits_is_explained)
{
    setup();
    fake_driver.next_task.spec.kind = TASK_MEASURE;
    fake_driver.next_task.spec.measure = (struct measure_task){
        .device = "board", .batch = 1, .frames = 100, .threads = 1, .budget_ms = 100};
    snprintf(fake_driver.next_task.spec.measure.architecture, ARCH_STRING_MAX,
             "1-64-64-1-1-192");
    with_worker(1);
    ck_assert(explains(1, "None of the 1 worker can run it: it needs one that can "
                          "measure on the device board (--device board)."));
    teardown();
}
END_TEST

TEST_SUITE(turn_order, a_kicked_task_is_handed_out_again_and_its_study_goes_on,
           what_is_not_buried_or_not_wanted_is_not_kicked_and_says_so,
           an_order_that_cannot_be_stored_is_not_said_to_be_done,
           tasks_are_listed_page_by_page, a_list_tells_who_failed_a_task_and_how,
           a_drained_worker_finishes_and_is_sent_away_over_a_restart_too,
           a_paused_study_hands_out_nothing_until_it_is_resumed,
           workers_of_a_cancelled_study_hear_so_by_beat,
           a_flaw_in_a_submitted_study_is_told_with_its_line, two_studies_take_turns,
           every_reason_for_waiting_is_explained, a_measurement_that_waits_is_explained)
