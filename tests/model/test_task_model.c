// SPDX-License-Identifier: Apache-2.0
// test_task_model.c - the task store, the queue and the leases against a plain model
// under random operations, with rollbacks and reopenings in the middle.
#include "common/base/rng.h"
#include "coordinator/sched/lease.h"
#include "coordinator/sched/queue.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"

#define TASKS      40
#define OPERATIONS 6000
#define BURY_AT    3

// ---- the model: what a task is, in as few words as possible

struct model_task {
    enum task_state state;
    uint32_t n_charged;
    uint64_t token;
    uint64_t reported; // a token whose attempt was settled or failed; 0 = none
};

static struct model_task model[TASKS], committed[TASKS];
static uint64_t last_token, committed_token;

static enum err model_grant(struct model_task *m, uint64_t token)
{
    if (m->state != TASK_READY) {
        return ERR_STALE;
    }
    m->state = TASK_LEASED;
    m->token = token;
    return ERR_OK;
}

static enum err model_end(struct model_task *m, uint64_t token)
{
    if (m->state == TASK_LEASED && m->token == token) {
        return ERR_OK;
    }
    return token != 0 && m->reported == token ? ERR_BUSY : ERR_STALE;
}

static enum err model_settle(struct model_task *m, uint64_t token)
{
    enum err e = model_end(m, token);
    if (e == ERR_OK) {
        m->state = TASK_DONE;
        m->reported = token;
    }
    return e;
}

static enum err model_fail(struct model_task *m, uint64_t token, bool charge)
{
    enum err e = model_end(m, token);
    if (e == ERR_OK) {
        m->n_charged += charge;
        m->state = charge && m->n_charged >= BURY_AT ? TASK_BURIED : TASK_READY;
        m->reported = charge ? token : m->reported;
    }
    return e;
}

static enum err model_cancel(struct model_task *m)
{
    bool may = m->state == TASK_READY || m->state == TASK_LEASED;
    m->state = may ? TASK_CANCELLED : m->state;
    return may ? ERR_OK : ERR_STALE;
}

static enum err model_kick(struct model_task *m)
{
    if (m->state != TASK_BURIED) {
        return ERR_STALE;
    }
    m->state = TASK_READY;
    m->n_charged = 0;
    return ERR_OK;
}

// ---- the same operation on both

static uint64_t ids[TASKS];

static uint64_t some_token(struct rng *r, const struct model_task *m)
{
    switch (rng_below(r, 4)) {
    case 0: return rng_below(r, last_token + 2); // any, or one never granted
    case 1: return m->reported;
    default: return m->token;
    }
}

static void do_grant(size_t i)
{
    uint64_t token = 0;
    enum err e = task_grant(fixture.store, ids[i], 1, &token, NULL);
    ck_assert_int_eq(e, model_grant(&model[i], token));
    if (e == ERR_OK) {
        ck_assert_uint_gt(token, last_token);
        last_token = token;
    }
}

static void do_settle(struct rng *r, size_t i)
{
    uint64_t token = some_token(r, &model[i]);
    const struct task_result result = fixture_train_result();
    enum err e = task_settle(fixture.store, ids[i], token, &result, NULL);
    ck_assert_int_eq(e, model_settle(&model[i], token));
}

static void do_fail(struct rng *r, size_t i)
{
    uint64_t token = some_token(r, &model[i]);
    bool charge = rng_below(r, 4) == 0;
    enum task_state now = 0;
    const struct task_failure failure = {.outcome =
                                             charge ? OUTCOME_CRASH : OUTCOME_LOST,
                                         .error = "x",
                                         .is_charged = charge,
                                         .bury_at = BURY_AT};
    enum err e = task_fail(fixture.store, ids[i], token, &failure, &now, NULL);
    ck_assert_int_eq(e, model_fail(&model[i], token, charge));
    ck_assert(e != ERR_OK || now == model[i].state);
}

static void do_cancel(struct rng *r, size_t i)
{
    if (rng_below(r, 20) == 0) {
        ck_assert_int_eq(task_cancel(fixture.store, ids[i], NULL),
                         model_cancel(&model[i]));
    }
}

static void do_kick(size_t i)
{
    ck_assert_int_eq(task_kick(fixture.store, ids[i], NULL), model_kick(&model[i]));
}

static void commit(void)
{
    OK(store_commit(fixture.store, &fixture.why));
    memcpy(committed, model, sizeof(model));
    committed_token = last_token;
}

static void undo(void)
{
    store_rollback(fixture.store);
    memcpy(model, committed, sizeof(model));
    last_token = committed_token;
}

static void reopen(void)
{
    store_close(fixture.store); // what was not committed is lost
    memcpy(model, committed, sizeof(model));
    last_token = committed_token;
    OK(store_open(fixture.dir, &fixture.store, &fixture.why));
}

static void compare(void)
{
    for (size_t i = 0; i < TASKS; i++) {
        struct task_row row;
        OK(task_get(fixture.store, ids[i], &row));
        ck_assert_int_eq(row.state, model[i].state);
        ck_assert_uint_eq(row.token, model[i].token);
        ck_assert_uint_eq(row.n_charged, model[i].n_charged);
        ck_assert_int_eq(row.has_result, model[i].state == TASK_DONE);
    }
}

// A task that ended starts anew, so that the run never runs dry.
static void replace(size_t i)
{
    ids[i] = fixture_add_task();
    model[i] = (struct model_task){.state = TASK_READY};
}

static bool is_over(enum task_state s)
{
    return s != TASK_READY && s != TASK_LEASED;
}

static void one_operation(struct rng *r)
{
    size_t i = (size_t)rng_below(r, TASKS);
    OK(store_begin(fixture.store, &fixture.why));
    switch (rng_below(r, 9)) {
    case 0:
    case 1:
    case 2: do_grant(i); break;
    case 8: do_kick(i); break;
    case 3:
    case 4: do_settle(r, i); break;
    case 5:
    case 6: do_fail(r, i); break;
    default: do_cancel(r, i); break;
    }
}

// Ids are kept apart from the model: a rollback must not bring an old one back, so
// tasks are replaced in a transaction that is committed at once.
static void replace_ended(void)
{
    commit();
    OK(store_begin(fixture.store, &fixture.why));
    for (size_t i = 0; i < TASKS; i++) {
        if (is_over(model[i].state)) {
            replace(i);
        }
    }
    commit();
}

START_TEST(the_store_agrees_with_the_model_under_random_operations)
{
    fixture_open();
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    OK(store_begin(fixture.store, &fixture.why));
    for (size_t i = 0; i < TASKS; i++) {
        replace(i);
    }
    commit();
    for (int n = 0; n < OPERATIONS; n++) {
        one_operation(&r);
        uint64_t end = rng_below(&r, 300);
        if (end < 10) {
            commit();
        } else if (end < 13) {
            undo();
        } else if (end == 13) {
            reopen();
            compare();
        } else if (end == 14) {
            compare();
            replace_ended();
        }
    }
    commit();
    compare();
    fixture_close();
}
END_TEST

// ---- the queue and the leases against arrays

START_TEST(the_queue_agrees_with_a_scan_under_random_operations)
{
    enum { N = 60 };
    struct {
        bool is_queued;
        enum task_kind kind;
        int64_t ready_ms;
    } tasks[N] = {0};
    struct queue *q = queue_create();
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    int64_t now_ms = 0;
    for (int n = 0; n < 20000; n++) {
        size_t i = (size_t)rng_below(&r, N);
        now_ms += (int64_t)rng_below(&r, 3);
        if (rng_below(&r, 2) && !tasks[i].is_queued) {
            tasks[i].is_queued = true;
            tasks[i].kind = rng_below(&r, 2) ? TASK_TRAIN : TASK_EVALUATE;
            tasks[i].ready_ms = now_ms + (int64_t)rng_below(&r, 40);
            struct queue_task t = {
                .id = i, .kind = tasks[i].kind, .ready_ms = tasks[i].ready_ms};
            queue_add(q, &t, now_ms);
            continue;
        }
        uint32_t can = (uint32_t)rng_below(&r, 4) << TASK_TRAIN;
        size_t best = N;
        for (size_t k = 0; k < N; k++) {
            if (!tasks[k].is_queued || tasks[k].ready_ms > now_ms ||
                !(can & 1u << tasks[k].kind)) {
                continue;
            }
            if (best == N || tasks[k].kind < tasks[best].kind) {
                best = k; // training first, then the smallest id
            }
        }
        struct queue_task t;
        const struct place_offer offer = {can, "", true, 0};
        bool took = queue_take(q, &offer, now_ms, &t);
        ck_assert_int_eq(took, best < N);
        if (took) {
            ck_assert_uint_eq(t.id, best);
            tasks[best].is_queued = false;
        }
    }
    queue_destroy(q);
}
END_TEST

TEST_SUITE(task_model, the_store_agrees_with_the_model_under_random_operations,
           the_queue_agrees_with_a_scan_under_random_operations)
