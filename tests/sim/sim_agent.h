// SPDX-License-Identifier: Apache-2.0
// sim_agent.h - simulated workers: the real session of an agent, and runners that are
// nothing but time.
//
// An agent does what worker/agent/agent.c does around its session: acts on the slots,
// says what is due, waits. It may crash, pause, drain and begin anew under its name.
//
// Owns: sessions. Threads: one.
#ifndef TESTS_SIM_SIM_AGENT_H
#define TESTS_SIM_SIM_AGENT_H

#include "tests/sim/sim_world.h"

void sim_agents_create(struct sim_world *w);
void sim_agents_destroy(struct sim_world *w);

// Events.
void sim_agent_starts(struct sim_world *w, struct sim_event *e);
void sim_agent_timer(struct sim_world *w, struct sim_event *e);
void sim_agent_works(struct sim_world *w, struct sim_event *e);
void sim_agent_hears(struct sim_world *w, struct sim_event *e);

// Faults.
void sim_agent_crash(struct sim_world *w, uint32_t i);
void sim_agent_pause(struct sim_world *w, uint32_t i, int64_t ms);
void sim_agent_drain(struct sim_world *w, uint32_t i);
void sim_agent_cut(struct sim_world *w, uint32_t i, bool up, bool down, int64_t ms);
void sim_agent_reconnect(struct sim_world *w, uint32_t i);
void sim_agents_heal(struct sim_world *w);

uint32_t sim_agent_connection(const struct sim_world *w, uint32_t i); // 0 = down
uint32_t sim_agent_of(uint32_t connection);
bool sim_agent_is_cut(const struct sim_world *w, uint32_t i, bool up);
// No agent holds a task or waits for a verdict.
bool sim_agents_are_idle(const struct sim_world *w);

#endif
