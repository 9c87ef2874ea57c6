// SPDX-License-Identifier: Apache-2.0
// aims.c - see aims.h.
#include "coordinator/study/aims.h"

#include <stdio.h>
#include <string.h>

static struct problem start(const struct study_conf *conf, const struct aims_tables *t)
{
    struct problem p = {
        .space = &conf->space,
        .dims = conf->supernet,
        .n_frames = conf->evaluate.frames,
        .n_objectives = 1,
        .objectives = {{.kind = OBJECTIVE_EER}},
        .n_devices = t->n,
    };
    memcpy(p.devices, t->devices, (size_t)t->n * sizeof(p.devices[0]));
    return p;
}

static void add_latency(struct problem *p, const char *device)
{
    struct objective *o = &p->objectives[p->n_objectives++];
    *o = (struct objective){.kind = OBJECTIVE_LATENCY};
    snprintf(o->device, sizeof(o->device), "%s", device);
}

static void add_costs(struct problem *p)
{
    if (p->n_devices == 0) {
        p->objectives[p->n_objectives++] = (struct objective){.kind = OBJECTIVE_MACS};
    }
    for (int i = 0; i < p->n_devices && p->n_objectives < PROBLEM_OBJECTIVES_MAX; i++) {
        add_latency(p, p->devices[i].name);
    }
}

void aims_of_targets(const struct study_conf *conf, const struct aims_tables *t,
                     bool serves_fronts, struct aims *out)
{
    out->n = conf->n_targets > 0 ? conf->n_targets : 1;
    for (int i = 0; i < out->n; i++) {
        struct problem *p = &out->problems[i];
        *p = start(conf, t);
        if (conf->n_targets > 0) {
            p->n_constraints = study_target_limits(&conf->targets[i], p->constraints);
        }
        if (serves_fronts) {
            add_costs(p);
        }
    }
}

void aims_of_fronts(const struct study_conf *conf, const struct aims_tables *t,
                    struct aims *out)
{
    out->n = t->n > 0 ? t->n : 1;
    for (int i = 0; i < out->n; i++) {
        struct problem *p = &out->problems[i];
        *p = start(conf, t);
        if (t->n > 0) {
            add_latency(p, t->devices[i].name);
        } else {
            add_costs(p);
        }
    }
}

static bool has_table(const struct problem *p, const char *device)
{
    for (int i = 0; i < p->n_devices; i++) {
        if (strcmp(p->devices[i].name, device) == 0) {
            return true;
        }
    }
    return false;
}

static bool keeps(const struct problem *p, const struct constraint *c,
                  const struct arch *a, double eer, double mindcf)
{
    switch (c->objective.kind) {
    case OBJECTIVE_EER: return constraint_holds(c, eer);
    case OBJECTIVE_MINDCF: return constraint_holds(c, mindcf);
    case OBJECTIVE_LATENCY:
        return has_table(p, c->objective.device) &&
               constraint_holds(c, problem_cost(p, &c->objective, a));
    default: return true;
    }
}

bool aims_accept(const struct problem *p, const struct arch *a, double eer,
                 double mindcf)
{
    for (int i = 0; i < p->n_constraints; i++) {
        if (!keeps(p, &p->constraints[i], a, eer, mindcf)) {
            return false;
        }
    }
    return true;
}
