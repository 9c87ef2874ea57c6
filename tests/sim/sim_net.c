// SPDX-License-Identifier: Apache-2.0
// sim_net.c - see sim_net.h.
#include "tests/sim/sim_net.h"

#include "tests/sim/sim_agent.h"

static int64_t arrival_ms(struct sim_world *w)
{
    const struct sim_scenario *plan = &w->plan;
    int64_t at_ms = w->now_ms + 1;
    if (!sim_world_has_faults(w)) {
        return at_ms + sim_world_between(w, 0, 20);
    }
    at_ms += sim_world_between(w, 0, plan->delay_ms);
    return sim_world_chance(w, plan->p_late)
               ? at_ms + sim_world_between(w, 0, plan->late_ms)
               : at_ms;
}

static void post(struct sim_world *w, enum sim_event_kind kind, uint32_t agent,
                 const void *bytes, size_t n)
{
    struct sim_event *event = sim_world_at(w, arrival_ms(w), kind);
    event->agent = agent;
    event->life = sim_agent_connection(w, agent);
    buf_add(&event->bytes, bytes, n);
}

static void carry(struct sim_world *w, enum sim_event_kind kind, uint32_t agent,
                  const void *bytes, size_t n)
{
    bool has_faults = sim_world_has_faults(w);
    if (has_faults && (sim_agent_is_cut(w, agent, kind == SIM_HOME_HEARS) ||
                       sim_world_chance(w, w->plan.p_drop))) {
        return;
    }
    post(w, kind, agent, bytes, n);
    if (has_faults && sim_world_chance(w, w->plan.p_repeat)) {
        post(w, kind, agent, bytes, n);
    }
}

void sim_net_to_home(struct sim_world *w, uint32_t agent, const void *bytes, size_t n)
{
    carry(w, SIM_HOME_HEARS, agent, bytes, n);
}

void sim_net_to_agent(struct sim_world *w, uint32_t agent, const void *bytes, size_t n)
{
    carry(w, SIM_AGENT_HEARS, agent, bytes, n);
}
