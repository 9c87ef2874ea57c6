// SPDX-License-Identifier: Apache-2.0
// test_share_model.c - studies that share workers: a simulated fleet whose slots are
// filled from the queue, with random arrivals, durations and weights.
#include "common/base/rng.h"
#include "coordinator/sched/queue.h"
#include "tests/lib/check_main.h"

#include <math.h>

#define STUDIES   3
#define SLOTS_MAX 8
#define HOUR_MS   3600000

struct slot {
    struct queue_task task;
    int64_t from_ms, until_ms;
    bool is_busy;
};

static struct {
    struct queue *q;
    struct rng r;
    unsigned n_slots;
    struct slot slots[SLOTS_MAX];
    double weight[STUDIES];
    int64_t mean_ms[STUDIES];        // of a study's tasks
    double served_ms[STUDIES];       // slot time that they had
    int64_t waits_since_ms[STUDIES]; // last grant; for starvation
    int64_t longest_wait_ms[STUDIES];
    uint64_t last_id;
} sim;

static void begin(uint64_t seed, unsigned n_slots)
{
    sim.q = queue_create();
    sim.r = rng_stream(seed, RNG_TEST, 0, 0);
    sim.n_slots = n_slots;
    sim.last_id = 0;
    for (unsigned i = 0; i < SLOTS_MAX; i++) {
        sim.slots[i] = (struct slot){.is_busy = false};
    }
    for (unsigned s = 0; s < STUDIES; s++) {
        sim.weight[s] = (double)(1 + rng_below(&sim.r, 4));
        sim.mean_ms[s] = INT64_C(1000) << rng_below(&sim.r, 5); // 1 to 16 s
        sim.served_ms[s] = 0;
        sim.waits_since_ms[s] = sim.longest_wait_ms[s] = 0;
        queue_set_study(sim.q, s + 1, sim.weight[s], false);
    }
}

static void add(unsigned study, int64_t now_ms)
{
    const struct queue_task t = {
        .id = ++sim.last_id, .study_id = study + 1, .kind = TASK_EVALUATE};
    queue_add(sim.q, &t, now_ms);
}

static void end_slot(struct slot *s, int64_t now_ms)
{
    if (s->is_busy && s->until_ms <= now_ms) {
        int64_t took_ms = s->until_ms - s->from_ms;
        s->is_busy = false;
        sim.served_ms[s->task.study_id - 1] += (double)took_ms;
        queue_ended(sim.q, s->task.study_id, s->task.kind, s->task.charged_ms, took_ms,
                    true);
    }
}

static void fill_slot(struct slot *s, int64_t now_ms)
{
    const struct place_offer offer = {1u << TASK_EVALUATE, "", true, 0};
    if (s->is_busy || !queue_take(sim.q, &offer, now_ms, &s->task)) {
        return;
    }
    unsigned study = (unsigned)s->task.study_id - 1;
    int64_t wait_ms = now_ms - sim.waits_since_ms[study];
    sim.waits_since_ms[study] = now_ms;
    if (wait_ms > sim.longest_wait_ms[study]) {
        sim.longest_wait_ms[study] = wait_ms;
    }
    s->is_busy = true;
    s->from_ms = now_ms;
    s->until_ms = now_ms + (int64_t)rng_below(&sim.r, (uint64_t)sim.mean_ms[study] * 2);
}

static void step(int64_t now_ms)
{
    for (unsigned i = 0; i < sim.n_slots; i++) {
        end_slot(&sim.slots[i], now_ms);
    }
    for (unsigned i = 0; i < sim.n_slots; i++) {
        fill_slot(&sim.slots[i], now_ms);
    }
}

static double share_of(unsigned study)
{
    double all = 0;
    for (unsigned s = 0; s < STUDIES; s++) {
        all += sim.served_ms[s];
    }
    return sim.served_ms[study] / all;
}

static double share_due(unsigned study)
{
    double all = 0;
    for (unsigned s = 0; s < STUDIES; s++) {
        all += sim.weight[s];
    }
    return sim.weight[study] / all;
}

START_TEST(studies_with_work_share_slot_time_by_weight_whatever_their_tasks_take)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        begin(seed, 1 + (unsigned)(seed % SLOTS_MAX));
        for (unsigned s = 0; s < STUDIES; s++) {
            for (int i = 0; i < 8000; i++) {
                add(s, 0);
            }
        }
        for (int64_t now_ms = 0; now_ms < HOUR_MS / 2; now_ms += 500) {
            step(now_ms);
        }
        for (unsigned s = 0; s < STUDIES; s++) {
            ck_assert_double_le(fabs(share_of(s) - share_due(s)), 0.05);
            ck_assert_int_lt(sim.longest_wait_ms[s], 15 * 60000 / (int)sim.n_slots);
        }
        queue_destroy(sim.q);
    }
}
END_TEST

static void add_many(unsigned study, int64_t now_ms)
{
    for (int i = 0; i < 20000; i++) {
        add(study, now_ms);
    }
}

// The third study's tasks come one by one all the while.
static void serve(int64_t from_ms, int64_t until_ms)
{
    for (int64_t now_ms = from_ms; now_ms < until_ms; now_ms += 500) {
        if (rng_below(&sim.r, 400) == 0) {
            add(2, now_ms);
        }
        step(now_ms);
    }
}

// The first always has work, the second is idle for half an hour and then has, too.
static void come_late(uint64_t seed)
{
    begin(seed, 4);
    add_many(0, 0);
    serve(0, HOUR_MS / 2);
    ck_assert_double_eq(sim.served_ms[1], 0);
    double before_ms = sim.served_ms[0];
    add_many(1, HOUR_MS / 2);
    serve(HOUR_MS / 2, HOUR_MS);
    double both = sim.served_ms[0] - before_ms + sim.served_ms[1];
    double due = sim.weight[1] / (sim.weight[0] + sim.weight[1]);
    ck_assert_double_le(fabs(sim.served_ms[1] / both - due), 0.06);
    ck_assert_double_gt(sim.served_ms[2], 0);
    queue_destroy(sim.q);
}

START_TEST(who_comes_and_goes_neither_starves_nor_saves_up)
{
    for (uint64_t seed = 100; seed < 120; seed++) {
        come_late(seed);
    }
}
END_TEST

START_TEST(a_paused_study_gets_nothing_and_goes_on_where_the_others_are)
{
    begin(7, 2);
    sim.weight[0] = sim.weight[1] = 1;
    queue_set_study(sim.q, 1, 1, false);
    queue_set_study(sim.q, 2, 1, true);
    for (int i = 0; i < 5000; i++) {
        add(0, 0);
        add(1, 0);
    }
    for (int64_t now_ms = 0; now_ms < HOUR_MS / 4; now_ms += 500) {
        step(now_ms);
    }
    ck_assert_double_eq(sim.served_ms[1], 0);
    double before_ms = sim.served_ms[0];
    queue_set_study(sim.q, 2, 1, false);
    for (int64_t now_ms = HOUR_MS / 4; now_ms < HOUR_MS / 2; now_ms += 500) {
        step(now_ms);
    }
    double first = sim.served_ms[0] - before_ms;
    ck_assert_double_le(fabs(first / (first + sim.served_ms[1]) - 0.5), 0.06);
    queue_destroy(sim.q);
}
END_TEST

TEST_SUITE(share_model,
           studies_with_work_share_slot_time_by_weight_whatever_their_tasks_take,
           who_comes_and_goes_neither_starves_nor_saves_up,
           a_paused_study_gets_nothing_and_goes_on_where_the_others_are)
