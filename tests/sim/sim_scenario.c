// SPDX-License-Identifier: Apache-2.0
// sim_scenario.c - see sim_scenario.h.
#include "tests/sim/sim_scenario.h"

#include "common/base/rng.h"

static uint32_t between(struct rng *r, uint32_t low, uint32_t high)
{
    return low + (uint32_t)rng_below(r, high - low + 1);
}

static bool chance(struct rng *r, double p)
{
    return rng_unit(r) < p;
}

static void draw_small(struct sim_scenario *s, struct rng *r)
{
    s->n_agents = between(r, 1, 6);
    s->n_tasks = between(r, 2, 12);
    s->window = between(r, 1, 8);
    s->fault_every_ms = between(r, 1000, 15000);
    s->work_ms = between(r, 100, 20000);
}

// Busy all the time, so that its messages are about tasks.
static void draw_large(struct sim_scenario *s, struct rng *r, uint32_t n_agents)
{
    s->n_agents = n_agents;
    s->n_tasks = 2 * n_agents;
    s->window = 2 * n_agents;
    s->fault_every_ms = between(r, 20, 400);
    s->work_ms = between(r, 10000, 40000);
}

static void draw_faults(struct sim_scenario *s, struct rng *r)
{
    for (int i = 0; i < SIM_FAULTS; i++) {
        s->has[i] = chance(r, 0.4);
    }
    s->faults_end_ms = between(r, 20000, 90000);
    s->p_drop = chance(r, 0.5) ? rng_uniform(r, 0, 0.3) : 0;
    s->p_repeat = chance(r, 0.5) ? rng_uniform(r, 0, 0.3) : 0;
    s->p_late = chance(r, 0.5) ? rng_uniform(r, 0, 0.2) : 0;
    s->delay_ms = between(r, 1, 300);
    s->late_ms = between(r, 1000, 60000);
    s->p_error = chance(r, 0.5) ? rng_uniform(r, 0, 0.4) : 0;
    s->p_release = chance(r, 0.3) ? rng_uniform(r, 0, 0.3) : 0;
    s->has_poison = chance(r, 0.3);
    s->has_namesakes = chance(r, 0.1);
}

void sim_scenario_draw(struct sim_scenario *out, uint64_t seed, uint32_t n_agents)
{
    struct rng r = rng_stream(seed, RNG_TEST, 1, 0);
    *out = (struct sim_scenario){.seed = seed, .n_studies = between(&r, 1, 2)};
    draw_faults(out, &r);
    if (n_agents == 0 && seed % SIM_LARGE_EACH == SIM_LARGE_EACH - 1) {
        n_agents = SIM_AGENTS_MAX;
    }
    if (n_agents > 16) {
        draw_large(out, &r, n_agents);
    } else {
        draw_small(out, &r);
        out->n_agents = n_agents > 0 ? n_agents : out->n_agents;
    }
    if (out->n_studies == 2 && chance(&r, 0.5)) {
        out->cancel_after = between(&r, 0, out->n_tasks / 2) + 1;
    }
}
