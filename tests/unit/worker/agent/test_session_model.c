// SPDX-License-Identifier: Apache-2.0
// test_session_model.c - a session against a coordinator of a hundred lines, over a
// line that loses and delays, with restarts: no task is lost, none has two outcomes.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/agent/session.h"

#include <string.h>

#define TASKS         12
#define TOKENS        4096
#define LINE_MESSAGES 256
#define STEP_MS       INT64_C(100)
#define BEAT          1000
#define LEASE         INT64_C(3000) // three beats
#define ROUGH         3000          // steps with losses and restarts
#define SMOOTH        4000          // steps in which all must come to an end
#define N_SLOTS       3
#define DELAY_MAX     8 // steps
#define LOSS_ONE_IN   5
#define SESSION_ID    7

// ---- the line: in order, as one connection is

struct line {
    size_t n;
    int64_t at_ms[LINE_MESSAGES];
    struct msg *m[LINE_MESSAGES]; // the first n are on their way
};

// struct msg is large for the sake of one kind that does not come here.
#define COPY_BYTES (offsetof(struct msg, hello) + 2 * sizeof(struct msg_result))

static void line_init(struct line *l)
{
    for (size_t i = 0; i < LINE_MESSAGES; i++) {
        l->m[i] = calloc(1, sizeof(*l->m[i]));
    }
}

static void line_fini(struct line *l)
{
    for (size_t i = 0; i < LINE_MESSAGES; i++) {
        free(l->m[i]);
    }
}

static void line_put(struct line *l, const struct msg *m, int64_t at_ms)
{
    ck_assert_uint_lt(l->n, LINE_MESSAGES);
    if (l->n > 0 && l->at_ms[l->n - 1] > at_ms) {
        at_ms = l->at_ms[l->n - 1];
    }
    memcpy(l->m[l->n], m, COPY_BYTES);
    l->at_ms[l->n++] = at_ms;
}

// Valid until the next line_put; NULL: nothing has arrived.
static const struct msg *line_take(struct line *l, int64_t now_ms)
{
    if (l->n == 0 || l->at_ms[0] > now_ms) {
        return NULL;
    }
    struct msg *m = l->m[0];
    l->n--;
    for (size_t i = 0; i < l->n; i++) {
        l->m[i] = l->m[i + 1];
        l->at_ms[i] = l->at_ms[i + 1];
    }
    l->m[l->n] = m;
    return m;
}

_Static_assert(sizeof(struct msg_hello) <= 2 * sizeof(struct msg_result),
               "the largest message of a line is copied whole");

// ---- the coordinator

enum state { READY, LEASED, DONE };

struct task {
    enum state state;
    uint64_t token;
    int64_t deadline_ms;
};

struct world {
    struct rng r;
    int64_t now_ms;
    bool is_rough;
    struct line up, down;
    struct session *s;
    struct msg *m;
    bool knows_session;
    uint32_t credit;
    uint64_t last_token;
    struct task tasks[TASKS + 1];  // by id, from 1
    enum outcome reported[TOKENS]; // by token: what the worker said first
    bool is_over[TOKENS];          // accepted or failed
};

static bool chance(struct world *w, uint64_t one_in)
{
    return rng_below(&w->r, one_in) == 0;
}

static void transmit(struct world *w, struct line *l, const struct msg *m)
{
    if (w->is_rough && chance(w, LOSS_ONE_IN)) {
        return;
    }
    line_put(l, m, w->now_ms + STEP_MS * (int64_t)rng_below(&w->r, DELAY_MAX));
}

static bool renew(struct world *w, const struct held_task *h)
{
    struct task *t = &w->tasks[h->task_id];
    if (t->state != LEASED || t->token != h->token) {
        return false;
    }
    t->deadline_ms = w->now_ms + LEASE;
    return true;
}

static void on_hello(struct world *w, const struct msg_hello *hello, struct msg *out)
{
    w->knows_session = true;
    w->credit = 0;
    out->kind = MSG_WELCOME;
    out->welcome = (struct msg_welcome){
        .version = 1, .worker_id = 1, .lease_ms = LEASE, .beat_ms = BEAT};
    for (uint32_t i = 0; i < hello->n_held; i++) {
        if (!renew(w, &hello->held[i])) {
            out->welcome.stale[out->welcome.n_stale++] = hello->held[i].task_id;
        }
    }
    transmit(w, &w->down, out);
}

static void on_beat(struct world *w, const struct msg_beat *beat, struct msg *out)
{
    out->kind = MSG_BEAT_REPLY;
    out->beat_reply = (struct msg_beat_reply){0};
    for (uint32_t i = 0; i < beat->n_held; i++) {
        if (!renew(w, &beat->held[i])) {
            out->beat_reply.cancelled[out->beat_reply.n_cancelled++] =
                beat->held[i].task_id;
        }
    }
    transmit(w, &w->down, out);
}

static void on_result(struct world *w, const struct msg_result *r, struct msg *out)
{
    struct task *t = &w->tasks[r->task_id];
    enum verdict verdict = VERDICT_STALE;
    if (w->is_over[r->token]) {
        verdict = VERDICT_REPEATED;
    } else if (t->state == LEASED && t->token == r->token) {
        verdict = VERDICT_ACCEPTED;
        w->is_over[r->token] = true;
        t->state = r->outcome == OUTCOME_OK ? DONE : READY;
    }
    out->kind = MSG_RESULT_REPLY;
    out->result_reply = (struct msg_result_reply){r->task_id, r->token, verdict};
    transmit(w, &w->down, out);
}

static void on_release(struct world *w, const struct msg_release *r)
{
    struct task *t = &w->tasks[r->task_id];
    if (t->state == LEASED && t->token == r->token) {
        t->state = READY;
    }
}

static void coordinator_take(struct world *w, const struct msg *in, struct msg *out)
{
    if (!w->knows_session && in->kind != MSG_HELLO && in->kind != MSG_BYE) {
        out->kind = MSG_REFUSED;
        out->refused = (struct msg_refused){.code = ERR_STALE};
        transmit(w, &w->down, out);
        return;
    }
    switch (in->kind) {
    case MSG_HELLO: on_hello(w, &in->hello, out); break;
    case MSG_FETCH: w->credit = in->fetch.slots; break;
    case MSG_BEAT: on_beat(w, &in->beat, out); break;
    case MSG_RESULT: on_result(w, &in->result, out); break;
    case MSG_RELEASE: on_release(w, &in->release); break;
    case MSG_BYE: break;
    default: ck_abort_msg("a worker does not say %d", in->kind);
    }
}

static void grant(struct world *w, struct msg *out)
{
    for (uint64_t id = 1; id <= TASKS && w->credit > 0; id++) {
        struct task *t = &w->tasks[id];
        if (t->state != READY) {
            continue;
        }
        ck_assert_uint_lt(++w->last_token, TOKENS);
        *t = (struct task){LEASED, w->last_token, w->now_ms + LEASE};
        w->credit--;
        out->kind = MSG_LEASE;
        out->lease = (struct msg_lease){.task_id = id, .token = t->token};
        transmit(w, &w->down, out);
    }
}

static void coordinator_step(struct world *w)
{
    for (const struct msg *in; (in = line_take(&w->up, w->now_ms)) != NULL;) {
        coordinator_take(w, in, w->m);
    }
    for (uint64_t id = 1; id <= TASKS; id++) {
        struct task *t = &w->tasks[id];
        if (t->state == LEASED && w->now_ms >= t->deadline_ms) {
            t->state = READY;
        }
    }
    if (w->knows_session) {
        grant(w, w->m);
    }
}

static void restart(struct world *w)
{
    w->knows_session = false;
    w->credit = 0;
    for (uint64_t id = 1; id <= TASKS; id++) {
        w->tasks[id].deadline_ms = w->now_ms + LEASE;
    }
}

// ---- the worker

static void work(struct world *w, uint32_t i)
{
    const struct slot *slot = session_slot(w->s, i);
    if (slot->state == SLOT_STOPPING && chance(w, 3)) {
        session_forget(w->s, i, w->now_ms);
    } else if (slot->state == SLOT_HELD && w->is_rough && chance(w, 100)) {
        session_release(w->s, i, w->now_ms);
    } else if (slot->state == SLOT_HELD && chance(w, 15)) {
        const struct msg_result r = {
            .outcome = w->is_rough && chance(w, 2) ? OUTCOME_CRASH : OUTCOME_OK};
        session_finish(w->s, i, w->now_ms, &r);
    }
}

static void check_said(struct world *w, const struct msg *m)
{
    if (m->kind == MSG_RESULT) {
        enum outcome *first = &w->reported[m->result.token];
        ck_assert(*first == 0 || *first == m->result.outcome);
        *first = m->result.outcome;
    }
    for (uint32_t i = 0; m->kind == MSG_BYE && i < N_SLOTS; i++) {
        ck_assert_int_eq(session_slot(w->s, i)->state, SLOT_FREE);
    }
}

static void worker_step(struct world *w)
{
    for (const struct msg *in; (in = line_take(&w->down, w->now_ms)) != NULL;) {
        session_take(w->s, w->now_ms, in);
    }
    for (uint32_t i = 0; i < N_SLOTS; i++) {
        work(w, i);
    }
    while (session_next(w->s, w->now_ms, w->m)) {
        if (w->is_rough && chance(w, 20)) {
            break; // the socket takes no more now
        }
        check_said(w, w->m);
        session_sent(w->s, w->now_ms, w->m);
        transmit(w, &w->up, w->m);
    }
}

static void step(struct world *w)
{
    w->now_ms += STEP_MS;
    coordinator_step(w);
    worker_step(w);
}

// ---- tests

static struct world *world_open(uint64_t seed)
{
    const struct session_conf conf = {
        .id = SESSION_ID, .name = "w", .n_slots = N_SLOTS, .n_threads = 1};
    struct world *w = calloc(1, sizeof(*w));
    w->r = rng_stream(seed, RNG_TEST, 0, 0);
    w->now_ms = 1000;
    w->m = calloc(1, sizeof(*w->m));
    line_init(&w->up);
    line_init(&w->down);
    w->s = session_create(&conf, w->now_ms);
    return w;
}

static void world_close(struct world *w)
{
    line_fini(&w->up);
    line_fini(&w->down);
    session_destroy(w->s);
    free(w->m);
    free(w);
}

static uint32_t count(const struct world *w, enum state state)
{
    uint32_t n = 0;
    for (uint64_t id = 1; id <= TASKS; id++) {
        n += w->tasks[id].state == state;
    }
    return n;
}

static void be_rough(struct world *w)
{
    w->is_rough = true;
    for (int i = 0; i < ROUGH; i++) {
        if (chance(w, 400)) {
            restart(w);
        }
        if (count(w, DONE) == TASKS) { // the study goes on
            for (uint64_t id = 1; id <= TASKS; id++) {
                w->tasks[id].state = READY;
            }
        }
        step(w);
    }
    w->is_rough = false;
}

static void run_until_over(struct world *w, const bool *is_wanted)
{
    for (int i = 0; i < SMOOTH && !session_is_over(w->s, w->now_ms); i++) {
        step(w);
        if (count(w, DONE) == TASKS && *is_wanted) {
            session_drain(w->s);
        }
    }
}

START_TEST(every_task_comes_to_an_end_and_the_worker_leaves_in_order)
{
    const bool is_wanted = true;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct world *w = world_open(seed);
        be_rough(w);
        run_until_over(w, &is_wanted);
        ck_assert_uint_eq(count(w, DONE), TASKS);
        ck_assert(session_is_over(w->s, w->now_ms));
        ck_assert_int_eq(session_verdict(w->s, NULL), ERR_OK);
        world_close(w);
    }
}
END_TEST

START_TEST(a_drain_in_the_middle_of_trouble_loses_nothing)
{
    const bool is_wanted = false;
    for (uint64_t seed = 101; seed <= 106; seed++) {
        struct world *w = world_open(seed);
        be_rough(w);
        session_drain(w->s);
        run_until_over(w, &is_wanted);
        ck_assert(session_is_over(w->s, w->now_ms));
        for (int i = 0; i < (DELAY_MAX * STEP_MS + LEASE) / STEP_MS + 1; i++) {
            w->now_ms += STEP_MS;
            w->credit = 0; // it is gone
            coordinator_step(w);
        }
        ck_assert_uint_eq(count(w, LEASED), 0); // others can have the rest
        world_close(w);
    }
}
END_TEST

TEST_SUITE(session_model, every_task_comes_to_an_end_and_the_worker_leaves_in_order,
           a_drain_in_the_middle_of_trouble_loses_nothing)
