// SPDX-License-Identifier: Apache-2.0
// test_session.c - what a worker says and when, without a socket in sight.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/agent/session.h"

#include <stdio.h>
#include <string.h>

#define BEAT 1000l

struct stage {
    struct session *s;
    struct msg *m;
    int64_t now_ms;
};

static struct stage stage_open(uint32_t n_slots)
{
    const struct session_conf conf = {
        .id = 7, .name = "w", .n_slots = n_slots, .n_threads = 1};
    struct stage t = {.m = calloc(1, sizeof(*t.m)), .now_ms = 1000};
    t.s = session_create(&conf, t.now_ms);
    return t;
}

static void stage_close(struct stage *t)
{
    session_destroy(t->s);
    free(t->m);
}

// The next message goes out; MSG_NONE when nothing is due.
static enum msg_kind say(struct stage *t)
{
    if (!session_next(t->s, t->now_ms, t->m)) {
        return MSG_NONE;
    }
    session_sent(t->s, t->now_ms, t->m);
    return t->m->kind;
}

static void hear(struct stage *t, const struct msg *m)
{
    session_take(t->s, t->now_ms, m);
}

static void hear_welcome(struct stage *t, uint64_t stale)
{
    t->m->kind = MSG_WELCOME;
    t->m->welcome = (struct msg_welcome){.version = 1,
                                         .worker_id = 3,
                                         .lease_ms = 3 * BEAT,
                                         .beat_ms = BEAT,
                                         .bulk_port = 20000};
    if (stale) {
        t->m->welcome.n_stale = 1;
        t->m->welcome.stale[0] = stale;
    }
    hear(t, t->m);
}

static void hear_lease(struct stage *t, uint64_t task_id, uint64_t token)
{
    t->m->kind = MSG_LEASE;
    t->m->lease = (struct msg_lease){.task_id = task_id,
                                     .token = token,
                                     .lease_ms = 1,
                                     .spec = {.kind = TASK_TRAIN}};
    hear(t, t->m);
}

static void hear_measure(struct stage *t, uint64_t task_id, uint64_t token)
{
    t->m->kind = MSG_LEASE;
    t->m->lease = (struct msg_lease){.task_id = task_id,
                                     .token = token,
                                     .lease_ms = 1,
                                     .spec = {.kind = TASK_MEASURE}};
    hear(t, t->m);
}

static void hear_no_task(struct stage *t, uint32_t retry_ms, bool is_draining)
{
    t->m->kind = MSG_NO_TASK;
    t->m->no_task = (struct msg_no_task){retry_ms, is_draining};
    hear(t, t->m);
}

static void hear_cancelled(struct stage *t, uint64_t task_id)
{
    t->m->kind = MSG_BEAT_REPLY;
    t->m->beat_reply = (struct msg_beat_reply){.n_cancelled = task_id ? 1 : 0};
    t->m->beat_reply.cancelled[0] = task_id;
    hear(t, t->m);
}

static void hear_verdict(struct stage *t, uint64_t task_id, uint64_t token)
{
    t->m->kind = MSG_RESULT_REPLY;
    t->m->result_reply = (struct msg_result_reply){task_id, token, VERDICT_ACCEPTED};
    hear(t, t->m);
}

static void hear_refused(struct stage *t, enum err code)
{
    t->m->kind = MSG_REFUSED;
    t->m->refused = (struct msg_refused){.code = code, .text = "no"};
    hear(t, t->m);
}

static void finish(struct stage *t, uint32_t i)
{
    const struct msg_result r = {.outcome = OUTCOME_ERROR, .error = "x"};
    session_finish(t->s, i, t->now_ms, &r);
}

static enum slot_state state(const struct stage *t, uint32_t i)
{
    return session_slot(t->s, i)->state;
}

// Welcomed, and one FETCH is out.
static struct stage stage_live(uint32_t n_slots)
{
    struct stage t = stage_open(n_slots);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_welcome(&t, 0);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    ck_assert_uint_eq(t.m->fetch.slots, n_slots);
    ck_assert_int_eq(say(&t), MSG_NONE);
    return t;
}

START_TEST(hello_is_repeated_until_welcome)
{
    struct stage t = stage_open(1);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    ck_assert_uint_eq(t.m->hello.session, 7);
    ck_assert_int_eq(say(&t), MSG_NONE);
    t.now_ms = session_due_ms(t.s);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_welcome(&t, 0);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    stage_close(&t);
}
END_TEST

START_TEST(what_could_not_go_out_stays_due)
{
    struct stage t = stage_open(1);
    ck_assert(session_next(t.s, t.now_ms, t.m));
    ck_assert(session_next(t.s, t.now_ms, t.m));
    ck_assert_int_eq(t.m->kind, MSG_HELLO);
    stage_close(&t);
}
END_TEST

START_TEST(fetch_comes_again_when_told_to_wait)
{
    struct stage t = stage_live(2);
    hear_no_task(&t, 400, false);
    ck_assert_int_eq(say(&t), MSG_NONE);
    ck_assert_int_eq(session_due_ms(t.s), t.now_ms + 400);
    t.now_ms += 400;
    ck_assert_int_eq(say(&t), MSG_FETCH);
    stage_close(&t);
}
END_TEST

START_TEST(a_fetch_without_answer_is_repeated_after_a_beat)
{
    struct stage t = stage_live(1);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    stage_close(&t);
}
END_TEST

START_TEST(leases_fill_the_slots_and_beats_name_them)
{
    struct stage t = stage_live(2);
    hear_lease(&t, 5, 1);
    hear_lease(&t, 6, 1);
    hear_lease(&t, 5, 1); // said twice
    ck_assert_int_eq(state(&t, 0), SLOT_HELD);
    ck_assert_int_eq(state(&t, 1), SLOT_HELD);
    session_started(t.s, 0);
    session_progress(t.s, 0, &(struct task_progress){.fraction = .5});
    ck_assert_int_eq(say(&t), MSG_NONE);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    ck_assert_uint_eq(t.m->beat.n_held, 2);
    ck_assert(t.m->beat.held[0].has_started && !t.m->beat.held[1].has_started);
    ck_assert_double_eq(t.m->beat.held[0].progress.fraction, .5);
    ck_assert_int_eq(say(&t), MSG_NONE); // no free slot: no FETCH
    stage_close(&t);
}
END_TEST

START_TEST(a_lease_without_a_slot_is_given_back)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 1);
    hear_lease(&t, 6, 4);
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_uint_eq(t.m->release.task_id, 6);
    ck_assert_uint_eq(t.m->release.token, 4);
    ck_assert_int_eq(say(&t), MSG_NONE);
    stage_close(&t);
}
END_TEST

START_TEST(a_result_is_repeated_until_its_verdict)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 2);
    finish(&t, 0);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    ck_assert_uint_eq(t.m->result.token, 2);
    ck_assert_uint_eq(t.m->result.session, 7);
    ck_assert_int_eq(say(&t), MSG_NONE);
    hear_verdict(&t, 5, 1); // of another attempt
    ck_assert_int_eq(state(&t, 0), SLOT_REPORTING);
    int n_results = 0;
    for (int i = 0; i < 12; i++) {
        t.now_ms += BEAT;
        for (enum msg_kind k = say(&t); k != MSG_NONE; k = say(&t)) {
            n_results += k == MSG_RESULT ? 1 : 0;
        }
        hear_cancelled(&t, 0);
    }
    ck_assert_int_eq(n_results, 2);
    hear_verdict(&t, 5, 2);
    ck_assert_int_eq(state(&t, 0), SLOT_FREE);
    stage_close(&t);
}
END_TEST

static enum msg_kind say_but_beats(struct stage *t)
{
    enum msg_kind k = say(t);
    return k == MSG_BEAT ? say(t) : k;
}

START_TEST(a_result_asks_for_the_next_task_and_fetch_only_when_none_came)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 2);
    finish(&t, 0);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    ck_assert(t.m->result.wants_more);
    hear_verdict(&t, 5, 2);
    ck_assert_int_eq(say(&t), MSG_NONE);
    t.now_ms += BEAT;
    ck_assert_int_eq(say_but_beats(&t), MSG_FETCH);
    hear_lease(&t, 6, 3);
    finish(&t, 0);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    t.m->kind = MSG_RESULT_REPLY;
    t.m->result_reply = (struct msg_result_reply){6, 3, VERDICT_STALE};
    hear(&t, t.m);
    ck_assert_int_eq(say(&t), MSG_FETCH); // that one brought nothing
    stage_close(&t);
}
END_TEST

START_TEST(the_result_of_a_draining_worker_asks_for_nothing)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 2);
    session_drain(t.s);
    finish(&t, 0);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    ck_assert(!t.m->result.wants_more);
    stage_close(&t);
}
END_TEST

START_TEST(silence_of_three_beats_means_hello_with_all_that_is_held)
{
    struct stage t = stage_live(2);
    hear_lease(&t, 5, 2);
    hear_lease(&t, 6, 3);
    finish(&t, 1);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    t.now_ms += 3 * BEAT;
    ck_assert_int_eq(say(&t), MSG_HELLO);
    ck_assert_uint_eq(t.m->hello.n_held, 2);
    ck_assert_int_eq(say(&t), MSG_NONE);
    hear_welcome(&t, 5);
    ck_assert_int_eq(state(&t, 0), SLOT_STOPPING);
    ck_assert_int_eq(say(&t), MSG_RESULT); // at once: the last one may be lost
    session_forget(t.s, 0, t.now_ms);
    ck_assert_int_eq(state(&t, 0), SLOT_FREE);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    ck_assert_uint_eq(t.m->fetch.slots, 1);
    stage_close(&t);
}
END_TEST

START_TEST(an_unknown_session_says_hello_again)
{
    struct stage t = stage_live(1);
    hear_refused(&t, ERR_STALE);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    ck_assert_int_eq(session_verdict(t.s, NULL), ERR_OK);
    stage_close(&t);
}
END_TEST

START_TEST(a_refused_hello_ends_it)
{
    struct errinfo why = {0};
    struct stage t = stage_open(1);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_refused(&t, ERR_PROTO);
    ck_assert(session_is_over(t.s, t.now_ms));
    ck_assert_int_eq(session_verdict(t.s, &why), ERR_PROTO);
    ck_assert_ptr_nonnull(strstr(why.text, "refuses"));
    ck_assert_int_eq(say(&t), MSG_NONE);
    stage_close(&t);
}
END_TEST

START_TEST(another_refusal_changes_nothing)
{
    struct stage t = stage_live(1);
    hear_refused(&t, ERR_PROTO);
    hear_refused(&t, ERR_LIMIT);
    ck_assert(!session_is_over(t.s, t.now_ms));
    ck_assert_int_eq(say(&t), MSG_NONE);
    stage_close(&t);
}
END_TEST

START_TEST(a_cancelled_task_is_stopped_and_not_reported)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 1);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    hear_cancelled(&t, 5);
    ck_assert_int_eq(state(&t, 0), SLOT_STOPPING);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    ck_assert_uint_eq(t.m->beat.n_held, 0);
    session_forget(t.s, 0, t.now_ms);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    stage_close(&t);
}
END_TEST

START_TEST(a_reply_to_an_older_beat_does_not_cancel_a_newer_lease)
{
    struct stage t = stage_live(2);
    hear_lease(&t, 5, 1);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    hear_lease(&t, 5, 2);
    ck_assert_int_eq(state(&t, 0), SLOT_STOPPING);
    ck_assert_int_eq(state(&t, 1), SLOT_HELD);
    hear_cancelled(&t, 5);
    ck_assert_int_eq(state(&t, 1), SLOT_HELD);
    ck_assert_uint_eq(session_slot(t.s, 1)->token, 2);
    stage_close(&t);
}
END_TEST

START_TEST(a_draining_worker_finishes_and_says_bye)
{
    struct stage t = stage_live(2);
    hear_lease(&t, 5, 1);
    session_drain(t.s);
    hear_lease(&t, 6, 1); // a FETCH crossed the signal
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_int_eq(say(&t), MSG_NONE);
    finish(&t, 0);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    ck_assert_int_eq(say(&t), MSG_NONE);
    ck_assert(!session_is_over(t.s, t.now_ms));
    hear_verdict(&t, 5, 1);
    ck_assert_int_eq(say(&t), MSG_BYE);
    ck_assert(session_is_over(t.s, t.now_ms));
    stage_close(&t);
}
END_TEST

START_TEST(a_draining_coordinator_drains_its_workers)
{
    struct stage t = stage_live(1);
    hear_no_task(&t, 1000, true);
    ck_assert(session_is_draining(t.s));
    ck_assert_int_eq(say(&t), MSG_BYE);
    ck_assert(session_is_over(t.s, t.now_ms));
    stage_close(&t);
}
END_TEST

START_TEST(leaving_at_once_gives_everything_back)
{
    struct stage t = stage_live(3);
    hear_lease(&t, 5, 1);
    hear_lease(&t, 6, 1);
    session_leave(t.s, t.now_ms);
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_int_eq(say(&t), MSG_BYE);
    ck_assert(session_is_over(t.s, t.now_ms));
    stage_close(&t);
}
END_TEST

START_TEST(a_draining_worker_does_not_wait_forever_for_a_coordinator_that_is_gone)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 1);
    session_drain(t.s);
    t.now_ms += DRAIN_MS;
    ck_assert_int_eq(say(&t), MSG_HELLO);
    ck_assert(!session_is_over(t.s, t.now_ms)); // it computes
    finish(&t, 0);
    ck_assert(session_is_over(t.s, t.now_ms)); // nobody takes the result
    stage_close(&t);
}
END_TEST

START_TEST(a_lease_is_kept_while_hello_waits_for_its_answer)
{
    struct stage t = stage_live(1);
    t.now_ms += 3 * BEAT;
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_lease(&t, 5, 1); // the coordinator was only slow
    ck_assert_int_eq(state(&t, 0), SLOT_HELD);
    hear_welcome(&t, 0);
    ck_assert_int_eq(state(&t, 0), SLOT_HELD);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    ck_assert_uint_eq(t.m->beat.n_held, 1);
    stage_close(&t);
}
END_TEST

START_TEST(nothing_is_leased_before_the_first_welcome)
{
    struct stage t = stage_open(1);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_lease(&t, 5, 1);
    ck_assert_int_eq(state(&t, 0), SLOT_FREE);
    stage_close(&t);
}
END_TEST

START_TEST(a_welcome_speaks_of_what_hello_named)
{
    struct stage t = stage_live(2);
    hear_lease(&t, 5, 1);
    t.now_ms += 3 * BEAT;
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_lease(&t, 5, 2); // lost meanwhile, and ours again
    hear_welcome(&t, 5);
    ck_assert_int_eq(state(&t, 0), SLOT_STOPPING);
    ck_assert_int_eq(state(&t, 1), SLOT_HELD);
    ck_assert_uint_eq(session_slot(t.s, 1)->token, 2);
    stage_close(&t);
}
END_TEST

START_TEST(two_refusals_are_answered_with_one_hello)
{
    struct stage t = stage_live(1);
    hear_refused(&t, ERR_STALE);
    ck_assert_int_eq(say(&t), MSG_HELLO);
    hear_refused(&t, ERR_STALE);
    ck_assert_int_eq(say(&t), MSG_NONE);
    stage_close(&t);
}
END_TEST

START_TEST(a_worker_that_cannot_do_a_task_rests_before_it_asks_again)
{
    struct stage t = stage_live(1);
    hear_lease(&t, 5, 1);
    session_release(t.s, 0, t.now_ms);
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_int_eq(say(&t), MSG_NONE);
    ck_assert_int_gt(session_due_ms(t.s), t.now_ms);
    for (int i = 0; i < 4; i++) {
        t.now_ms += BEAT;
        ck_assert_int_eq(say(&t), MSG_BEAT);
        ck_assert_int_eq(say(&t), MSG_NONE);
        hear_cancelled(&t, 0);
    }
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    stage_close(&t);
}
END_TEST

// ---- whatever comes, in whatever order

static void hear_anything(struct stage *t, struct rng *r)
{
    const uint64_t task = 1 + rng_below(r, 4);
    const uint64_t token = 1 + rng_below(r, 5);
    switch (rng_below(r, 6)) {
    case 0: hear_welcome(t, rng_below(r, 3) ? 0 : task); break;
    case 1: hear_lease(t, task, token); break;
    case 2: hear_cancelled(t, task); break;
    case 3: hear_verdict(t, task, token); break;
    case 4: hear_no_task(t, 100, false); break;
    default: hear_refused(t, ERR_STALE);
    }
}

static void work_on_anything(struct stage *t, struct rng *r)
{
    uint32_t i = (uint32_t)rng_below(r, session_n_slots(t->s));
    if (state(t, i) == SLOT_HELD) {
        finish(t, i);
    } else if (state(t, i) == SLOT_STOPPING) {
        session_forget(t->s, i, t->now_ms);
    }
}

static bool is_ours(const struct slot *slot)
{
    return slot->state == SLOT_HELD || slot->state == SLOT_REPORTING;
}

static void check_no_task_is_held_twice(const struct stage *t)
{
    for (uint32_t i = 0; i < session_n_slots(t->s); i++) {
        for (uint32_t j = 0; j < i; j++) {
            const struct slot *a = session_slot(t->s, i);
            const struct slot *b = session_slot(t->s, j);
            ck_assert(!is_ours(a) || !is_ours(b) || a->task_id != b->task_id);
        }
    }
}

START_TEST(random_conversations_keep_their_sense)
{
    struct rng r = rng_stream((uint64_t)_i, RNG_TEST, 0, 0);
    struct stage t = stage_open(3);
    for (int i = 0; i < 2000; i++) {
        t.now_ms += (int64_t)rng_below(&r, 700);
        hear_anything(&t, &r);
        work_on_anything(&t, &r);
        int n_said = 0;
        while (say(&t) != MSG_NONE) {
            ck_assert_int_lt(n_said++, 80);
        }
        ck_assert_int_gt(session_due_ms(t.s), t.now_ms); // all that was due was said
        check_no_task_is_held_twice(&t);
    }
    stage_close(&t);
}
END_TEST

START_TEST(nothing_is_fetched_beside_a_measurement)
{
    struct stage t = stage_open(3);
    say(&t);
    hear_welcome(&t, 0);
    ck_assert_int_eq(say(&t), MSG_FETCH);
    ck_assert_uint_eq(t.m->fetch.slots, 3);
    hear_measure(&t, 5, 1);
    ck_assert_int_eq(session_slot(t.s, 0)->state, SLOT_HELD);
    t.now_ms += BEAT;
    ck_assert_int_eq(say(&t), MSG_BEAT);
    ck_assert_int_eq(say(&t), MSG_NONE);
    const struct msg_result r = {.outcome = OUTCOME_ERROR};
    session_finish(t.s, 0, t.now_ms, &r);
    ck_assert_int_eq(say(&t), MSG_RESULT);
    ck_assert_int_eq(say(&t), MSG_NONE); // until its verdict is there
    stage_close(&t);
}
END_TEST

START_TEST(what_would_run_beside_a_measurement_is_given_back)
{
    struct stage t = stage_open(2);
    say(&t);
    hear_welcome(&t, 0);
    say(&t);
    hear_measure(&t, 5, 1);
    hear_lease(&t, 6, 2); // it crossed our silence
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_uint_eq(t.m->release.task_id, 6);
    stage_close(&t);
    t = stage_open(2);
    say(&t);
    hear_welcome(&t, 0);
    say(&t);
    hear_lease(&t, 6, 2);
    hear_measure(&t, 7, 3);
    ck_assert_int_eq(say(&t), MSG_RELEASE);
    ck_assert_uint_eq(t.m->release.task_id, 7);
    stage_close(&t);
}
END_TEST

TEST_SUITE(
    session, nothing_is_fetched_beside_a_measurement,
    what_would_run_beside_a_measurement_is_given_back, hello_is_repeated_until_welcome,
    what_could_not_go_out_stays_due, fetch_comes_again_when_told_to_wait,
    a_fetch_without_answer_is_repeated_after_a_beat,
    leases_fill_the_slots_and_beats_name_them, a_lease_without_a_slot_is_given_back,
    a_result_is_repeated_until_its_verdict,
    a_result_asks_for_the_next_task_and_fetch_only_when_none_came,
    the_result_of_a_draining_worker_asks_for_nothing,
    silence_of_three_beats_means_hello_with_all_that_is_held,
    an_unknown_session_says_hello_again, a_refused_hello_ends_it,
    another_refusal_changes_nothing, a_cancelled_task_is_stopped_and_not_reported,
    a_reply_to_an_older_beat_does_not_cancel_a_newer_lease,
    a_draining_worker_finishes_and_says_bye, a_draining_coordinator_drains_its_workers,
    leaving_at_once_gives_everything_back,
    a_draining_worker_does_not_wait_forever_for_a_coordinator_that_is_gone,
    a_lease_is_kept_while_hello_waits_for_its_answer,
    nothing_is_leased_before_the_first_welcome, a_welcome_speaks_of_what_hello_named,
    two_refusals_are_answered_with_one_hello,
    a_worker_that_cannot_do_a_task_rests_before_it_asks_again,
    random_conversations_keep_their_sense)
