// SPDX-License-Identifier: Apache-2.0
// sim_world.c - see sim_world.h.
#include "tests/sim/sim_world.h"

#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_home.h"
#include "tests/sim/sim_oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_EVERY_MS 5000
#define START_MS       1000000
#define START_WALL_MS  1700000000000
#define PATIENCE_MS    3600000 // after the last fault: work, back-offs, leases
#define NO_EVENT       UINT32_MAX
#define SLOT_BITS      24 // of an event's id: its place; above: its number

// ---- draws and words

bool sim_world_chance(struct sim_world *w, double p)
{
    return p > 0 && rng_unit(&w->rng) < p;
}

int64_t sim_world_between(struct sim_world *w, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(&w->rng, (uint64_t)(high - low) + 1);
}

bool sim_world_has_faults(const struct sim_world *w)
{
    return w->now_ms < START_MS + w->plan.faults_end_ms;
}

void sim_world_fail(struct sim_world *w, const char *format, ...)
{
    w->is_over = true;
    if (w->failure[0]) {
        return;
    }
    int n = snprintf(w->failure, sizeof(w->failure),
                     "at %lld ms: ", (long long)(w->now_ms - START_MS));
    va_list args;
    va_start(args, format);
    vsnprintf(w->failure + n, sizeof(w->failure) - (size_t)n, format, args);
    va_end(args);
    sim_world_trace(w, "VIOLATION %s", w->failure);
}

void sim_world_trace(const struct sim_world *w, const char *format, ...)
{
    if (!w->is_traced) {
        return;
    }
    printf("%9lld  ", (long long)(w->now_ms - START_MS));
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

// ---- events

static uint32_t take_place(struct sim_world *w)
{
    if (w->free_event != NO_EVENT) {
        uint32_t at = w->free_event;
        w->free_event = w->events[at].next;
        return at;
    }
    if (w->n_events == w->cap_events) {
        uint32_t cap = w->cap_events ? 2 * w->cap_events : 256;
        struct sim_event *events = realloc(w->events, cap * sizeof(*events));
        BUG_ON(!events || cap >= 1u << SLOT_BITS);
        w->events = events;
        w->cap_events = cap;
    }
    w->events[w->n_events] = (struct sim_event){.kind = SIM_CHECK};
    return w->n_events++;
}

struct sim_event *sim_world_at(struct sim_world *w, int64_t at_ms,
                               enum sim_event_kind kind)
{
    uint32_t at = take_place(w);
    struct sim_event *e = &w->events[at];
    struct buf bytes = e->bytes; // kept from event to event
    buf_clear(&bytes);
    *e = (struct sim_event){.kind = kind, .bytes = bytes};
    // Of events at one time the first one added goes first.
    heap_push(&w->due, (struct heap_item){at_ms, w->n_queued++ << SLOT_BITS | at});
    return e;
}

// ---- faults

static uint32_t any_agent(struct sim_world *w)
{
    return (uint32_t)rng_below(&w->rng, w->plan.n_agents);
}

static void cut(struct sim_world *w)
{
    int64_t ways = sim_world_between(w, 1, 3);
    uint32_t agent = any_agent(w);
    int64_t ms = sim_world_between(w, 500, 60000);
    sim_agent_cut(w, agent, ways & 1, ways & 2, ms);
}

static void strike(struct sim_world *w, enum sim_fault fault)
{
    switch (fault) {
    case SIM_AGENT_CRASH: sim_agent_crash(w, any_agent(w)); break;
    case SIM_AGENT_PAUSE: {
        uint32_t agent = any_agent(w);
        sim_agent_pause(w, agent, sim_world_between(w, 500, 80000));
        break;
    }
    case SIM_AGENT_DRAIN: sim_agent_drain(w, any_agent(w)); break;
    case SIM_CUT: cut(w); break;
    case SIM_RECONNECT: sim_agent_reconnect(w, any_agent(w)); break;
    case SIM_HOME_CRASH: sim_home_crash(w); break;
    case SIM_HOME_PAUSE: sim_home_pause(w, sim_world_between(w, 500, 45000)); break;
    case SIM_COMMITS_FAIL:
        sim_home_fail_commits(w, sim_world_between(w, 1, 15000));
        break;
    case SIM_DISK_FULL: sim_home_fill_disk(w, sim_world_between(w, 500, 15000)); break;
    case SIM_CLOCK_STEP: w->wall_ms += sim_world_between(w, -7200000, 7200000); break;
    default: BUG_ON(true);
    }
}

static void fault_strikes(struct sim_world *w, struct sim_event *e)
{
    (void)e;
    if (!sim_world_has_faults(w)) {
        sim_world_trace(w, "faults end");
        sim_agents_heal(w);
        return;
    }
    enum sim_fault fault = (enum sim_fault)rng_below(&w->rng, SIM_FAULTS);
    if (w->plan.has[fault]) {
        strike(w, fault);
    }
    sim_world_at(w, w->now_ms + sim_world_between(w, 1, 2 * w->plan.fault_every_ms),
                 SIM_FAULT_STRIKES);
}

// ---- the run

static void check(struct sim_world *w, struct sim_event *e)
{
    (void)e;
    sim_home_check(w);
    int64_t end_ms = START_MS + w->plan.faults_end_ms;
    if (w->now_ms >= end_ms && sim_home_is_done(w) && sim_agents_are_idle(w)) {
        sim_home_check_end(w);
        w->is_over = true;
    } else if (w->now_ms > end_ms + PATIENCE_MS) {
        sim_world_fail(w, "an hour after the last fault not all is done");
    } else {
        sim_world_at(w, w->now_ms + CHECK_EVERY_MS, SIM_CHECK);
    }
}

typedef void handle_fn(struct sim_world *w, struct sim_event *e);

static handle_fn *const handlers[SIM_EVENT_KINDS] = {
    [SIM_AGENT_TIMER] = sim_agent_timer, [SIM_AGENT_STARTS] = sim_agent_starts,
    [SIM_AGENT_WORKS] = sim_agent_works, [SIM_AGENT_HEARS] = sim_agent_hears,
    [SIM_HOME_STARTS] = sim_home_starts, [SIM_HOME_TURN] = sim_home_turn,
    [SIM_HOME_TICK] = sim_home_tick,     [SIM_HOME_HEARS] = sim_home_hears,
    [SIM_FAULT_STRIKES] = fault_strikes, [SIM_CHECK] = check,
};

static void run_next(struct sim_world *w)
{
    struct heap_item item;
    BUG_ON(!heap_pop(&w->due, &item)); // there is always a check due
    w->wall_ms += item.key - w->now_ms;
    w->now_ms = item.key;
    w->n_run++;
    uint32_t at = (uint32_t)(item.id & ((1u << SLOT_BITS) - 1));
    struct sim_event e = w->events[at]; // handlers add events
    w->events[at].bytes = (struct buf)BUF_INIT;
    handlers[e.kind](w, &e);
    w->events[at].bytes = e.bytes;
    w->events[at].next = w->free_event;
    w->free_event = at;
}

static void begin(struct sim_world *w)
{
    w->rng = rng_stream(w->plan.seed, RNG_TEST, 2, 0);
    w->now_ms = START_MS;
    w->wall_ms = START_WALL_MS;
    w->free_event = NO_EVENT;
    sim_oracle_create(w);
    sim_agents_create(w);
    sim_home_create(w);
    sim_world_at(w, w->now_ms, SIM_HOME_STARTS);
    for (uint32_t i = 0; i < w->plan.n_agents; i++) {
        sim_world_at(w, w->now_ms + sim_world_between(w, 0, 3000), SIM_AGENT_STARTS)
            ->agent = i;
    }
    sim_world_at(w, w->now_ms + sim_world_between(w, 0, 2 * w->plan.fault_every_ms),
                 SIM_FAULT_STRIKES);
    sim_world_at(w, w->now_ms + CHECK_EVERY_MS, SIM_CHECK);
}

static void end(struct sim_world *w)
{
    sim_home_destroy(w);
    sim_agents_destroy(w);
    sim_oracle_destroy(w);
    for (uint32_t i = 0; i < w->n_events; i++) {
        buf_fini(&w->events[i].bytes);
    }
    free(w->events);
    heap_fini(&w->due);
}

bool sim_world_run(struct sim_world *w, const struct sim_scenario *plan,
                   const char *dir)
{
    bool is_traced = w->is_traced;
    *w = (struct sim_world){.plan = *plan, .dir = dir, .is_traced = is_traced};
    begin(w);
    while (!w->is_over) {
        run_next(w);
    }
    end(w);
    return !w->failure[0];
}
