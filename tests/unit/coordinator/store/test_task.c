// SPDX-License-Identifier: Apache-2.0
// test_task.c - the life of a task: grants, fencing tokens, ends.
#include "common/base/buf.h"
#include "coordinator/store/attempt.h"
#include "coordinator/store/worker_row.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"

static uint64_t grant(uint64_t id, uint64_t worker)
{
    uint64_t token = 0;
    OK(task_grant(fixture.store, id, worker, &token, &fixture.why));
    return token;
}

static enum err settle(uint64_t id, uint64_t token)
{
    const struct task_result r = fixture_train_result();
    return task_settle(fixture.store, id, token, &r, NULL);
}

static enum err end_badly(uint64_t id, uint64_t token, bool charge,
                          enum task_state *now)
{
    const struct task_failure failure = {.outcome = OUTCOME_CRASH,
                                         .error = "it fell",
                                         .log_tail = "its\nlast lines\n",
                                         .is_charged = charge,
                                         .bury_at = 3,
                                         .not_before_ms = 77};
    return task_fail(fixture.store, id, token, &failure, now, NULL);
}

static void begin(void)
{
    fixture_open();
    OK(store_begin(fixture.store, &fixture.why));
}

START_TEST(only_these_moves_are_allowed)
{
    for (int from = TASK_READY; from <= TASK_CANCELLED; from++) {
        for (int to = TASK_READY; to <= TASK_CANCELLED; to++) {
            bool allowed = (from == TASK_READY && to == TASK_LEASED) ||
                           (from == TASK_READY && to == TASK_CANCELLED) ||
                           (from == TASK_LEASED && to != TASK_LEASED) ||
                           (from == TASK_BURIED && to == TASK_READY) ||
                           (from == TASK_CANCELLED && to == TASK_READY);
            ck_assert_int_eq(task_may_move((enum task_state)from, (enum task_state)to),
                             allowed);
        }
    }
}
END_TEST

START_TEST(a_settled_task_keeps_its_result_and_its_winner)
{
    begin();
    uint64_t id = fixture_add_task();
    uint64_t token = grant(id, 5);
    OK(settle(id, token));
    OK(store_commit(fixture.store, &fixture.why));
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    ck_assert_int_eq(row.state, TASK_DONE);
    ck_assert_uint_eq(row.worker_id, 5);
    ck_assert(row.has_result);
    ck_assert_double_eq(row.result.train.loss, 1.5);
    ck_assert_uint_eq(row.result.train.n_utterances, 320);
    fixture_close();
}
END_TEST

START_TEST(a_task_is_granted_once_at_a_time)
{
    begin();
    uint64_t id = fixture_add_task();
    uint64_t token = grant(id, 1);
    uint64_t second = 0;
    ck_assert_int_eq(task_grant(fixture.store, id, 2, &second, NULL), ERR_STALE);
    OK(settle(id, token));
    ck_assert_int_eq(task_grant(fixture.store, id, 2, &second, NULL), ERR_STALE);
    ck_assert_int_eq(task_grant(fixture.store, id + 1, 2, &second, NULL), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

START_TEST(every_grant_has_a_larger_token_than_any_before)
{
    begin();
    uint64_t a = fixture_add_task();
    uint64_t b = fixture_add_task();
    uint64_t last = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t id = i % 2 ? a : b;
        uint64_t token = grant(id, 1);
        ck_assert_uint_gt(token, last);
        last = token;
        enum task_state now;
        OK(end_badly(id, token, false, &now));
    }
    fixture_close();
}
END_TEST

START_TEST(a_late_result_is_stale)
{
    begin();
    uint64_t id = fixture_add_task();
    uint64_t first = grant(id, 1);
    enum task_state now;
    const struct task_failure lost = {.outcome = OUTCOME_LOST, .error = "lost"};
    OK(task_fail(fixture.store, id, first, &lost, &now, NULL));
    ck_assert_int_eq(settle(id, first), ERR_STALE); // nobody has it
    uint64_t second = grant(id, 2);
    ck_assert_int_eq(settle(id, first), ERR_STALE); // another has it
    OK(settle(id, second));
    ck_assert_int_eq(settle(id, first), ERR_STALE); // another won
    ck_assert_int_eq(settle(id + 9, first), ERR_STALE);
    fixture_close();
}
END_TEST

START_TEST(the_winning_result_may_be_repeated)
{
    begin();
    uint64_t id = fixture_add_task();
    uint64_t token = grant(id, 1);
    OK(settle(id, token));
    ck_assert_int_eq(settle(id, token), ERR_BUSY);
    ck_assert_int_eq(settle(id, token), ERR_BUSY);
    fixture_close();
}
END_TEST

START_TEST(a_reported_failure_may_be_repeated_and_counts_once)
{
    begin();
    uint64_t id = fixture_add_task();
    uint64_t token = grant(id, 1);
    enum task_state now;
    OK(end_badly(id, token, true, &now));
    ck_assert_int_eq(end_badly(id, token, true, &now), ERR_BUSY);
    grant(id, 2);
    ck_assert_int_eq(end_badly(id, token, true, &now), ERR_BUSY);
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    ck_assert_uint_eq(row.n_charged, 1);
    ck_assert_int_eq(row.state, TASK_LEASED);
    fixture_close();
}
END_TEST

START_TEST(three_charged_attempts_bury_a_task_and_others_do_not)
{
    begin();
    uint64_t id = fixture_add_task();
    enum task_state now;
    for (int i = 0; i < 5; i++) {
        OK(end_badly(id, grant(id, 1), false, &now));
        ck_assert_int_eq(now, TASK_READY);
    }
    OK(end_badly(id, grant(id, 1), true, &now));
    OK(end_badly(id, grant(id, 1), true, &now));
    ck_assert_int_eq(now, TASK_READY);
    OK(end_badly(id, grant(id, 2), true, &now));
    ck_assert_int_eq(now, TASK_BURIED);
    char error[LIMIT_TEXT];
    OK(task_last_error(fixture.store, id, error));
    ck_assert_str_eq(error, "it fell");
    fixture_close();
}
END_TEST

static uint64_t add_worker(const char *name, uint64_t session)
{
    struct worker_row w = {.session = session, .slots = 1, .threads = 1};
    snprintf(w.name, sizeof(w.name), "%s", name);
    OK(worker_row_put(fixture.store, &w, &fixture.why));
    return w.id;
}

static enum task_state fail_on(uint64_t id, uint64_t worker)
{
    enum task_state now;
    const struct task_failure failure = {.outcome = OUTCOME_CRASH,
                                         .error = "it fell",
                                         .is_charged = true,
                                         .bury_at = 3,
                                         .bury_workers = 2};
    OK(task_fail(fixture.store, id, grant(id, worker), &failure, &now, &fixture.why));
    return now;
}

START_TEST(processes_of_one_name_are_one_worker_when_it_comes_to_burying)
{
    begin();
    uint64_t first = add_worker("gpu-1", 11);
    uint64_t again = add_worker("gpu-1", 12);
    uint64_t other = add_worker("gpu-2", 13);
    uint64_t id = fixture_add_task();
    ck_assert_int_eq(fail_on(id, first), TASK_READY);
    ck_assert_int_eq(fail_on(id, again), TASK_READY);
    ck_assert_int_eq(fail_on(id, again), TASK_READY);
    ck_assert_int_eq(fail_on(id, first), TASK_READY);
    ck_assert_int_eq(fail_on(id, other), TASK_BURIED);
    fixture_close();
}
END_TEST

START_TEST(a_kicked_task_begins_again_without_charges)
{
    begin();
    uint64_t id = fixture_add_task();
    enum task_state now = 0;
    for (int i = 0; i < 3; i++) {
        OK(end_badly(id, grant(id, 1), true, &now));
        ck_assert_int_eq(task_kick(fixture.store, id, NULL),
                         i < 2 ? ERR_STALE : ERR_OK);
    }
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    ck_assert_int_eq(row.state, TASK_READY);
    ck_assert_uint_eq(row.n_charged, 0);
    OK(end_badly(id, grant(id, 1), true, &now));
    OK(end_badly(id, grant(id, 1), true, &now));
    ck_assert_int_eq(now, TASK_READY); // the old ones do not count
    OK(end_badly(id, grant(id, 1), true, &now));
    ck_assert_int_eq(now, TASK_BURIED);
    ck_assert_int_eq(task_kick(fixture.store, 999, NULL), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

START_TEST(a_charge_is_refunded_once)
{
    begin();
    uint64_t id = fixture_add_task();
    enum task_state now;
    uint64_t token = grant(id, 1);
    OK(end_badly(id, token, true, &now));
    OK(end_badly(id, grant(id, 1), true, &now));
    OK(task_refund(fixture.store, id, token, &fixture.why));
    OK(task_refund(fixture.store, id, token, &fixture.why));
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    ck_assert_uint_eq(row.n_charged, 1);
    fixture_close();
}
END_TEST

static bool count_charge(void *arg, const struct attempt_row *row)
{
    *(uint64_t *)arg += row->token;
    return true;
}

START_TEST(the_charges_of_a_name_are_found_from_a_token_on)
{
    begin();
    uint64_t bad = add_worker("bad", 11);
    uint64_t good = add_worker("good", 12);
    uint64_t id = fixture_add_task();
    ck_assert_int_eq(fail_on(id, bad), TASK_READY);  // token 1
    ck_assert_int_eq(fail_on(id, good), TASK_READY); // token 2
    ck_assert_int_eq(fail_on(id, bad), TASK_BURIED); // token 3
    uint64_t sum = 0;
    OK(attempt_each_charged_to(fixture.store, "bad", 1, count_charge, &sum,
                               &fixture.why));
    ck_assert_uint_eq(sum, 1 + 3);
    sum = 0;
    OK(attempt_each_charged_to(fixture.store, "bad", 2, count_charge, &sum,
                               &fixture.why));
    ck_assert_uint_eq(sum, 3);
    struct attempt_row last;
    OK(attempt_last_failed(fixture.store, id, &last));
    ck_assert_str_eq(last.worker, "bad");
    ck_assert_uint_eq(last.token, 3);
    fixture_close();
}
END_TEST

START_TEST(a_cancelled_task_accepts_no_result)
{
    begin();
    uint64_t id = fixture_add_task();
    uint64_t token = grant(id, 1);
    OK(task_cancel(fixture.store, id, &fixture.why));
    ck_assert_int_eq(settle(id, token), ERR_STALE);
    ck_assert_int_eq(task_cancel(fixture.store, id, NULL), ERR_STALE);
    uint64_t ready = fixture_add_task();
    OK(task_cancel(fixture.store, ready, &fixture.why));
    fixture_close();
}
END_TEST

static bool count_visit(void *arg, const struct task_row *row)
{
    uint64_t *sum = arg;
    *sum = *sum * 10 + row->shard;
    return true;
}

START_TEST(the_tasks_of_a_round_come_by_shard)
{
    begin();
    for (uint32_t shard = 3; shard > 0; shard--) {
        struct task_row row = fixture_train_task();
        row.shard = shard;
        OK(task_insert(fixture.store, &row, &fixture.why));
    }
    struct task_row other = fixture_train_task();
    other.round = 3;
    other.shard = 9;
    OK(task_insert(fixture.store, &other, &fixture.why));
    uint64_t seen = 0;
    OK(task_each_of_round(fixture.store, fixture.study_id, 1, 2, count_visit, &seen,
                          &fixture.why));
    ck_assert_uint_eq(seen, 123);
    fixture_close();
}
END_TEST

START_TEST(tasks_are_counted_by_state)
{
    begin();
    uint64_t ids[4];
    for (int i = 0; i < 4; i++) {
        ids[i] = fixture_add_task();
    }
    OK(settle(ids[0], grant(ids[0], 1)));
    grant(ids[1], 1);
    OK(task_cancel(fixture.store, ids[2], &fixture.why));
    struct task_counts n;
    OK(task_count(fixture.store, fixture.study_id, &n));
    ck_assert_uint_eq(n.ready, 1);
    ck_assert_uint_eq(n.leased, 1);
    ck_assert_uint_eq(n.done, 1);
    ck_assert_uint_eq(n.cancelled, 1);
    ck_assert_uint_eq(n.buried, 0);
    fixture_close();
}
END_TEST

static bool add_failure(void *arg, const struct attempt_row *row)
{
    struct buf *out = arg;
    ck_assert_int_eq(row->outcome, OUTCOME_CRASH);
    ck_assert_str_eq(row->error, "it fell");
    ck_assert_str_eq(row->log_tail, "its\nlast lines\n");
    ck_assert_int_gt(row->ended_ms, 0);
    buf_addf(out, "%u by %s%s; ", (unsigned)row->task_id, row->worker,
             row->is_charged ? "" : " free");
    return out->len < 100;
}

START_TEST(failed_attempts_are_visited_from_the_last_one_back)
{
    begin();
    struct worker_row worker = {.session = 7, .name = "w"};
    struct study_row other = {.name = "b", .state = STUDY_TRAINING};
    struct buf seen = BUF_INIT;
    enum task_state now;
    OK(worker_row_put(fixture.store, &worker, &fixture.why));
    uint64_t a = fixture_add_task();
    uint64_t b = fixture_add_task();
    OK(end_badly(a, grant(a, worker.id), true, &now));
    OK(settle(b, grant(b, worker.id)));
    OK(end_badly(a, grant(a, 99), false, &now)); // one that nobody knows
    OK(study_row_insert(fixture.store, &other, &fixture.why));
    OK(attempt_each_failed(fixture.store, other.id, add_failure, &seen, &fixture.why));
    ck_assert_uint_eq(seen.len, 0);
    OK(attempt_each_failed(fixture.store, fixture.study_id, add_failure, &seen,
                           &fixture.why));
    ck_assert_str_eq(seen.data, "1 by  free; 1 by w; ");
    buf_fini(&seen);
    fixture_close();
}
END_TEST

static enum task_state state_of(uint64_t id)
{
    struct task_row row;
    OK(task_get(fixture.store, id, &row));
    return row.state;
}

START_TEST(what_was_undone_is_not_seen_again)
{
    fixture_open();
    uint64_t id = fixture_add_task();
    OK(store_part_begin(fixture.store, &fixture.why));
    grant(id, 1);
    ck_assert_int_eq(state_of(id), TASK_LEASED);
    store_part_undo(fixture.store);
    ck_assert_int_eq(state_of(id), TASK_READY);
    grant(id, 1);
    ck_assert_int_eq(state_of(id), TASK_LEASED);
    store_rollback(fixture.store);
    ck_assert_int_eq(state_of(id), TASK_READY);
    OK(store_begin(fixture.store, &fixture.why));
    ck_assert_int_eq(state_of(id), TASK_READY);
    fixture_close();
}
END_TEST

TEST_SUITE(task, only_these_moves_are_allowed, what_was_undone_is_not_seen_again,
           a_settled_task_keeps_its_result_and_its_winner,
           a_task_is_granted_once_at_a_time,
           every_grant_has_a_larger_token_than_any_before, a_late_result_is_stale,
           the_winning_result_may_be_repeated,
           a_reported_failure_may_be_repeated_and_counts_once,
           three_charged_attempts_bury_a_task_and_others_do_not,
           processes_of_one_name_are_one_worker_when_it_comes_to_burying,
           a_kicked_task_begins_again_without_charges, a_charge_is_refunded_once,
           the_charges_of_a_name_are_found_from_a_token_on,
           a_cancelled_task_accepts_no_result, the_tasks_of_a_round_come_by_shard,
           tasks_are_counted_by_state,
           failed_attempts_are_visited_from_the_last_one_back)
