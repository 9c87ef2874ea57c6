// SPDX-License-Identifier: Apache-2.0
// sim_scenario.h - what one seed of the simulated fleet stands for: how many workers
// and tasks there are, and what goes wrong how often. A pure function of the seed.
//
// Every seed has a choice of faults of its own ("swarm testing"): what all faults
// together would drown, some seed shows alone.
//
// Owns: nothing; struct sim_scenario is a value. Threads: any.
#ifndef TESTS_SIM_SIM_SCENARIO_H
#define TESTS_SIM_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_AGENTS_MAX 1000
#define SIM_SLOTS_MAX  3
#define SIM_LARGE_EACH 1000 // seeds: one of them has a large fleet

enum sim_fault {
    SIM_AGENT_CRASH,  // kill -9; begins anew under its name
    SIM_AGENT_PAUSE,  // SIGSTOP, often past its leases
    SIM_AGENT_DRAIN,  // SIGTERM; begins anew
    SIM_CUT,          // a partition: one way, the other, or both
    SIM_RECONNECT,    // of one worker: another route
    SIM_HOME_CRASH,   // kill -9 of the coordinator at any point of a turn
    SIM_HOME_PAUSE,   // SIGSTOP of the coordinator
    SIM_COMMITS_FAIL, // every commit fails for a while
    SIM_DISK_FULL,    // the database cannot grow for a while
    SIM_CLOCK_STEP,   // the wall clock of the coordinator jumps
    SIM_FAULTS
};

struct sim_scenario {
    uint64_t seed;
    uint32_t n_agents;
    uint32_t n_studies;
    uint32_t n_tasks;      // of each study
    uint32_t window;       // of them in the queue or out at a time
    uint32_t cancel_after; // tasks done in study 2, then it is over; 0 = never
    int64_t faults_end_ms;
    int64_t fault_every_ms; // on average
    bool has[SIM_FAULTS];
    double p_drop, p_repeat, p_late; // of a message; late ones by up to late_ms
    int64_t delay_ms, late_ms;
    double p_error; // of an attempt
    double p_release;
    bool has_poison;    // some tasks fail always
    bool has_namesakes; // two workers were given one name
    int64_t work_ms;    // an attempt takes up to that, a few four times as long
};

// n_agents 0: what the seed says.
void sim_scenario_draw(struct sim_scenario *out, uint64_t seed, uint32_t n_agents);

#endif
