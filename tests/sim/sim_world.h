// SPDX-License-Identifier: Apache-2.0
// sim_world.h - one seed's world: a clock that jumps from event to event.
//
// The real turn and the real session of a worker run on it, over the real store; time,
// network, processes and tasks are simulated (sim_net, sim_agent, sim_home,
// sim_driver). The oracle sees what is said and what is stored. Faults end at
// plan.faults_end_ms; then everything has to complete.
//
// Owns: the parts. Threads: one.
#ifndef TESTS_SIM_SIM_WORLD_H
#define TESTS_SIM_SIM_WORLD_H

#include "common/base/buf.h"
#include "common/base/heap.h"
#include "common/base/rng.h"
#include "tests/sim/sim_scenario.h"

#define SIM_NEVER      INT64_MAX
#define SIM_FAILED_MAX 512

enum sim_event_kind {
    SIM_AGENT_TIMER,
    SIM_AGENT_STARTS,
    SIM_AGENT_WORKS, // a runner starts, or ends
    SIM_AGENT_HEARS,
    SIM_HOME_STARTS,
    SIM_HOME_TURN,
    SIM_HOME_TICK,
    SIM_HOME_HEARS,
    SIM_FAULT_STRIKES,
    SIM_CHECK,
    SIM_EVENT_KINDS
};

struct sim_event {
    enum sim_event_kind kind;
    uint32_t agent;
    uint32_t life; // of whom it is for: another one does not get it
    uint32_t slot;
    uint64_t token;
    struct buf bytes; // a message
    uint32_t next;    // free list
};

struct sim_home;
struct sim_agent;
struct sim_oracle;

struct sim_world {
    struct sim_scenario plan;
    const char *dir; // of the store
    struct rng rng;
    int64_t now_ms;
    int64_t wall_ms; // of the coordinator
    struct heap due;
    struct sim_event *events;
    uint32_t n_events, cap_events, free_event;
    uint64_t n_queued, n_run;
    struct sim_home *home;
    struct sim_agent *agents;
    struct sim_oracle *oracle;
    bool is_over;
    bool is_traced;
    char failure[SIM_FAILED_MAX]; // "" = none
};

// Runs one seed to its end. False: w->failure says what was violated.
bool sim_world_run(struct sim_world *w, const struct sim_scenario *plan,
                   const char *dir);

// Adds an event; the caller fills in what it needs beyond time and kind.
struct sim_event *sim_world_at(struct sim_world *w, int64_t at_ms,
                               enum sim_event_kind kind);
bool sim_world_has_faults(const struct sim_world *w);
bool sim_world_chance(struct sim_world *w, double p);
int64_t sim_world_between(struct sim_world *w, int64_t low, int64_t high);
// The first violation is kept, and ends the run.
void sim_world_fail(struct sim_world *w, const char *format, ...) PRINTF(2, 3);
void sim_world_trace(const struct sim_world *w, const char *format, ...) PRINTF(2, 3);

#endif
