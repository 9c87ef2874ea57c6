// SPDX-License-Identifier: Apache-2.0
// sim_agent.c - see sim_agent.h. The only file here that sees the worker's side.
#include "tests/sim/sim_agent.h"

#include "proto/wire.h"
#include "tests/sim/sim_home.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_oracle.h"
#include "worker/agent/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MIN_MS   5   // as worker/agent/agent.c
#define STUCK_MS      100 // no coordinator to send to
#define AGENT_BITS    10  // of a connection; above: its number
#define POISONED_EACH 7   // tasks

typedef unsigned long long llu;

struct work {
    uint64_t token; // 0 = none
    bool has_started;
};

struct sim_agent {
    struct session *session; // NULL: down
    struct work works[SIM_SLOTS_MAX];
    uint32_t life;
    uint32_t n_slots;
    uint32_t capabilities;
    uint32_t n_connections;
    int64_t resume_ms; // stopped until then
    int64_t timer_ms;  // armed for
    int64_t up_cut_ms, down_cut_ms;
};

static struct msg heard, said; // large
static struct msg_result report;

// ---- life

void sim_agents_create(struct sim_world *w)
{
    w->agents = calloc(w->plan.n_agents, sizeof(*w->agents));
    BUG_ON(!w->agents);
    const uint32_t all = 1u << TASK_TRAIN | 1u << TASK_EVALUATE | 1u << TASK_MEASURE |
                         1u << TASK_FINETUNE;
    for (uint32_t i = 0; i < w->plan.n_agents; i++) {
        struct sim_agent *a = &w->agents[i];
        a->n_slots = (uint32_t)sim_world_between(w, 1, SIM_SLOTS_MAX);
        // The first can do everything; others often not.
        a->capabilities = i == 0 || sim_world_chance(w, 0.7)
                              ? all
                              : 1u << sim_world_between(w, TASK_TRAIN, TASK_FINETUNE);
    }
}

void sim_agents_destroy(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->plan.n_agents; i++) {
        session_destroy(w->agents[i].session);
    }
    free(w->agents);
}

uint32_t sim_agent_connection(const struct sim_world *w, uint32_t i)
{
    const struct sim_agent *a = &w->agents[i];
    return a->session ? a->n_connections << AGENT_BITS | i : 0;
}

uint32_t sim_agent_of(uint32_t connection)
{
    return connection & ((1u << AGENT_BITS) - 1);
}

static void name(const struct sim_world *w, uint32_t i, char *out, size_t cap)
{
    bool is_namesake = w->plan.has_namesakes && i == 1;
    snprintf(out, cap, "agent-%u", is_namesake ? 0 : i);
}

static void arm(struct sim_world *w, uint32_t i, int64_t at_ms)
{
    struct sim_agent *a = &w->agents[i];
    if (at_ms >= a->timer_ms && a->timer_ms > w->now_ms) {
        return;
    }
    a->timer_ms = at_ms;
    struct sim_event *e = sim_world_at(w, at_ms, SIM_AGENT_TIMER);
    e->agent = i;
    e->life = a->life;
}

static void die(struct sim_world *w, uint32_t i)
{
    struct sim_agent *a = &w->agents[i];
    session_destroy(a->session);
    a->session = NULL;
    memset(a->works, 0, sizeof(a->works));
    sim_world_at(w, w->now_ms + sim_world_between(w, 100, 20000), SIM_AGENT_STARTS)
        ->agent = i;
}

void sim_agent_starts(struct sim_world *w, struct sim_event *e)
{
    struct sim_agent *a = &w->agents[e->agent];
    struct session_conf conf = {.id = rng_u64(&w->rng) | 1,
                                .n_slots = a->n_slots,
                                .n_threads = 1,
                                .capabilities = a->capabilities,
                                .device = "board",
                                .memory_bytes = 1 << 30};
    name(w, e->agent, conf.name, sizeof(conf.name));
    a->session = session_create(&conf, w->now_ms);
    a->life++;
    a->n_connections++;
    a->resume_ms = 0;
    a->timer_ms = 0;
    sim_world_trace(w, "agent %u begins, session %llx", e->agent, (llu)conf.id);
    arm(w, e->agent, w->now_ms);
}

// ---- runners

static void plan_work(struct sim_world *w, uint32_t i, uint32_t slot, int64_t after_ms)
{
    struct sim_event *e = sim_world_at(w, w->now_ms + after_ms, SIM_AGENT_WORKS);
    e->agent = i;
    e->life = w->agents[i].life;
    e->slot = slot;
    e->token = w->agents[i].works[slot].token;
}

static bool is_poisoned(const struct sim_world *w, uint64_t task_id)
{
    return w->plan.has_poison && task_id % POISONED_EACH == 3;
}

static void fill_units(struct measure_result *r, const struct measure_task *task)
{
    r->n_units = (uint32_t)(task->architecture[0] - '0') + 4; // its depth
    r->whole = (struct timing){.median_ms = 1, .p90_ms = 1, .n = 3};
    for (uint32_t i = 0; i < r->n_units; i++) {
        r->units[i] = r->whole;
    }
}

static void fill_result(const struct slot *slot, uint32_t i)
{
    struct task_result *r = &report.result;
    r->kind = slot->spec.kind;
    double mark = sim_oracle_mark(slot->token, i);
    switch (slot->spec.kind) {
    case TASK_TRAIN:
        memcpy(r->train.checkpoint, slot->spec.study, HASH_HEX_MAX); // it is there
        r->train.seconds = mark;
        break;
    case TASK_EVALUATE:
        r->evaluate.n_trials = 1;
        r->evaluate.seconds = mark;
        break;
    case TASK_FINETUNE:
        memcpy(r->finetune.evaluation.network, slot->spec.study, HASH_HEX_MAX);
        r->finetune.evaluation.seconds = mark;
        break;
    default: fill_units(&r->measure, &slot->spec.measure); r->measure.seconds = mark;
    }
}

static void finish(struct sim_world *w, uint32_t i, uint32_t slot_at)
{
    struct sim_agent *a = &w->agents[i];
    const struct slot *slot = session_slot(a->session, slot_at);
    bool has_faults = sim_world_has_faults(w);
    report.outcome = OUTCOME_OK;
    report.error[0] = report.log_tail[0] = '\0';
    report.result = (struct task_result){0};
    if (is_poisoned(w, slot->task_id) ||
        (has_faults && sim_world_chance(w, w->plan.p_error))) {
        report.outcome =
            (enum outcome)sim_world_between(w, OUTCOME_ERROR, OUTCOME_TIMEOUT);
        snprintf(report.error, sizeof(report.error), "simulated");
    } else {
        fill_result(slot, i);
    }
    sim_world_trace(w, "agent %u ends task %llu token %llu: %s", i, (llu)slot->task_id,
                    (llu)slot->token, outcome_name(report.outcome));
    session_finish(a->session, slot_at, w->now_ms, &report);
}

static int64_t work_ms(struct sim_world *w)
{
    int64_t ms = sim_world_between(w, 1, w->plan.work_ms);
    return sim_world_chance(w, 0.05) ? 4 * ms : ms;
}

static void act_on_works(struct sim_world *w, uint32_t i, uint32_t slot_at)
{
    struct sim_agent *a = &w->agents[i];
    struct work *work = &a->works[slot_at];
    if (work->has_started) {
        finish(w, i, slot_at);
    } else if (sim_world_has_faults(w) && sim_world_chance(w, w->plan.p_release)) {
        session_release(a->session, slot_at, w->now_ms);
    } else {
        work->has_started = true;
        session_started(a->session, slot_at);
        plan_work(w, i, slot_at, work_ms(w));
    }
}

// ---- around the session

static void begin_work(struct sim_world *w, uint32_t i, uint32_t slot_at)
{
    const struct slot *slot = session_slot(w->agents[i].session, slot_at);
    struct work *work = &w->agents[i].works[slot_at];
    if (work->token != slot->token) {
        *work = (struct work){.token = slot->token};
        plan_work(w, i, slot_at, sim_world_between(w, 0, 1000));
    }
}

// Nothing runs beside a measurement.
static void check_alone(struct sim_world *w, uint32_t i)
{
    const struct session *s = w->agents[i].session;
    uint32_t n_running = 0;
    bool is_measuring = false;
    for (uint32_t k = 0; k < session_n_slots(s); k++) {
        const struct slot *slot = session_slot(s, k);
        n_running += slot->state == SLOT_HELD || slot->state == SLOT_STOPPING;
        is_measuring |= slot->state == SLOT_HELD && slot->spec.kind == TASK_MEASURE;
    }
    if (is_measuring && n_running > 1) {
        sim_world_fail(w, "agent %u runs %u tasks beside a measurement", i,
                       n_running - 1);
    }
}

static void act_on_slots(struct sim_world *w, uint32_t i)
{
    struct sim_agent *a = &w->agents[i];
    for (uint32_t k = 0; k < session_n_slots(a->session); k++) {
        switch (session_slot(a->session, k)->state) {
        case SLOT_HELD: begin_work(w, i, k); break;
        case SLOT_STOPPING: session_forget(a->session, k, w->now_ms); // fall through
        default: a->works[k] = (struct work){0};
        }
    }
}

static void say(struct sim_world *w, uint32_t i)
{
    struct buf bytes = BUF_INIT;
    wire_encode(&said, &bytes);
    sim_net_to_home(w, i, bytes.data, bytes.len);
    buf_fini(&bytes);
}

// What agent.c does in a step.
static void step(struct sim_world *w, uint32_t i)
{
    struct sim_agent *a = &w->agents[i];
    check_alone(w, i);
    act_on_slots(w, i);
    bool is_stuck = false;
    while (!is_stuck && session_next(a->session, w->now_ms, &said)) {
        is_stuck = !sim_home_is_up(w);
        if (!is_stuck) {
            say(w, i);
            session_sent(a->session, w->now_ms, &said);
        }
    }
    if (session_is_over(a->session, w->now_ms)) {
        sim_world_trace(w, "agent %u is over", i);
        die(w, i);
        return;
    }
    int64_t due_ms = session_due_ms(a->session);
    int64_t least_ms = w->now_ms + (is_stuck ? STUCK_MS : STEP_MIN_MS);
    arm(w, i, due_ms > least_ms ? due_ms : least_ms);
}

// A stopped process sees everything when it goes on. False: not now, or not at all.
static bool is_awake(struct sim_world *w, struct sim_event *e, uint32_t life)
{
    struct sim_agent *a = &w->agents[e->agent];
    if (!a->session || e->life != life) {
        return false;
    }
    if (a->resume_ms <= w->now_ms) {
        return true;
    }
    struct sim_event *later = sim_world_at(w, a->resume_ms, e->kind);
    struct buf spare = later->bytes;
    later->agent = e->agent;
    later->life = e->life;
    later->slot = e->slot;
    later->token = e->token;
    later->bytes = e->bytes;
    e->bytes = spare;
    return false;
}

void sim_agent_timer(struct sim_world *w, struct sim_event *e)
{
    if (is_awake(w, e, w->agents[e->agent].life)) {
        step(w, e->agent);
    }
}

void sim_agent_works(struct sim_world *w, struct sim_event *e)
{
    struct sim_agent *a = &w->agents[e->agent];
    if (!is_awake(w, e, a->life) || a->works[e->slot].token != e->token ||
        session_slot(a->session, e->slot)->state != SLOT_HELD) {
        return;
    }
    act_on_works(w, e->agent, e->slot);
    step(w, e->agent);
}

static void note_verdict(struct sim_world *w, uint32_t i)
{
    const struct session *s = w->agents[i].session;
    const struct msg_result_reply *r = &heard.result_reply;
    for (uint32_t k = 0; k < session_n_slots(s); k++) {
        const struct slot *slot = session_slot(s, k);
        if (slot->state == SLOT_REPORTING && slot->token == r->token &&
            slot->task_id == r->task_id && slot->result.outcome == OUTCOME_OK &&
            r->verdict != VERDICT_STALE) {
            sim_oracle_acknowledged(w, r->task_id, r->token,
                                    sim_oracle_mark(r->token, i));
        }
    }
}

void sim_agent_hears(struct sim_world *w, struct sim_event *e)
{
    if (!is_awake(w, e, sim_agent_connection(w, e->agent))) {
        return;
    }
    struct errinfo why = {0};
    if (wire_decode(e->bytes.data, e->bytes.len, &heard, &why) != ERR_OK) {
        sim_world_fail(w, "the coordinator's message is refused: %s", why.text);
        return;
    }
    sim_world_trace(w, "agent %u hears %s %s", e->agent, msg_kind_name(heard.kind),
                    heard.kind == MSG_REFUSED ? heard.refused.text : "");
    if (heard.kind == MSG_RESULT_REPLY) {
        note_verdict(w, e->agent);
    }
    session_take(w->agents[e->agent].session, w->now_ms, &heard);
    step(w, e->agent);
}

// ---- faults

void sim_agent_crash(struct sim_world *w, uint32_t i)
{
    if (w->agents[i].session) {
        sim_world_trace(w, "agent %u crashes", i);
        die(w, i);
    }
}

void sim_agent_pause(struct sim_world *w, uint32_t i, int64_t ms)
{
    sim_world_trace(w, "agent %u is stopped for %lld ms", i, (long long)ms);
    w->agents[i].resume_ms = w->now_ms + ms;
}

void sim_agent_drain(struct sim_world *w, uint32_t i)
{
    struct sim_agent *a = &w->agents[i];
    if (!a->session || a->resume_ms > w->now_ms) {
        return;
    }
    sim_world_trace(w, "agent %u drains", i);
    if (sim_world_chance(w, 0.3)) {
        session_leave(a->session, w->now_ms);
    } else {
        session_drain(a->session);
    }
    step(w, i);
}

void sim_agent_cut(struct sim_world *w, uint32_t i, bool up, bool down, int64_t ms)
{
    sim_world_trace(w, "agent %u is cut off for %lld ms: up=%d down=%d", i,
                    (long long)ms, up, down);
    w->agents[i].up_cut_ms = up ? w->now_ms + ms : w->agents[i].up_cut_ms;
    w->agents[i].down_cut_ms = down ? w->now_ms + ms : w->agents[i].down_cut_ms;
}

void sim_agent_reconnect(struct sim_world *w, uint32_t i)
{
    w->agents[i].n_connections++;
}

void sim_agents_heal(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->plan.n_agents; i++) {
        if (w->agents[i].resume_ms > w->now_ms) {
            w->agents[i].resume_ms = w->now_ms;
        }
    }
}

bool sim_agent_is_cut(const struct sim_world *w, uint32_t i, bool up)
{
    const struct sim_agent *a = &w->agents[i];
    return w->now_ms < (up ? a->up_cut_ms : a->down_cut_ms);
}

bool sim_agents_are_idle(const struct sim_world *w)
{
    for (uint32_t i = 0; i < w->plan.n_agents; i++) {
        const struct session *s = w->agents[i].session;
        for (uint32_t k = 0; s && k < session_n_slots(s); k++) {
            if (session_slot(s, k)->state != SLOT_FREE) {
                return false;
            }
        }
    }
    return true;
}
