// SPDX-License-Identifier: Apache-2.0
// problem.c - see problem.h.
#include "coordinator/search/problem.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// The table a latency is of; NULL when there is none, or none is named among several.
static const struct latency_table *table_of(const struct problem *p,
                                            const struct objective *o)
{
    if (!*o->device) {
        return p->n_devices == 1 ? p->devices[0].table : NULL;
    }
    for (int i = 0; i < p->n_devices; i++) {
        if (strcmp(p->devices[i].name, o->device) == 0) {
            return p->devices[i].table;
        }
    }
    return NULL;
}

static void list_devices(const struct problem *p, char *out, size_t cap)
{
    size_t at = 0;
    for (int i = 0; i < p->n_devices && at < cap; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i == 0 ? "" : ", ",
                               p->devices[i].name);
    }
}

static enum err check_objective(const struct problem *p, const struct objective *o,
                                struct errinfo *why)
{
    char name[OBJECTIVE_TEXT_MAX];
    char devices[PROBLEM_DEVICES_MAX * (DEVICE_NAME_MAX + 2)] = "";
    if (o->kind != OBJECTIVE_LATENCY || table_of(p, o)) {
        return ERR_OK;
    }
    if (p->n_devices == 0) {
        return err_set(why, ERR_INPUT, "%s needs a latency table, and there is none",
                       objective_print(o, name));
    }
    list_devices(p, devices, sizeof(devices));
    if (!*o->device) {
        return err_set(
            why, ERR_INPUT,
            "latency of which device? allowed: latency@DEVICE with one of %s", devices);
    }
    return err_set(why, ERR_INPUT,
                   "there is no latency table for device \"%s\"; allowed: %s",
                   o->device, devices);
}

static enum err check_limits(const struct problem *p, struct errinfo *why)
{
    if (p->n_objectives < 0 || p->n_objectives > PROBLEM_OBJECTIVES_MAX) {
        return err_set(why, ERR_INPUT, "%d objectives; allowed: up to %d",
                       p->n_objectives, PROBLEM_OBJECTIVES_MAX);
    }
    if (p->n_constraints < 0 || p->n_constraints > PROBLEM_CONSTRAINTS_MAX) {
        return err_set(why, ERR_INPUT, "%d constraints; allowed: up to %d",
                       p->n_constraints, PROBLEM_CONSTRAINTS_MAX);
    }
    if (p->n_frames < 1) {
        return err_set(why, ERR_INPUT, "MACs at %d frames; allowed: from 1",
                       p->n_frames);
    }
    return ERR_OK;
}

enum err problem_check(const struct problem *p, struct errinfo *why)
{
    BUG_ON(!p->space || p->n_devices < 0 || p->n_devices > PROBLEM_DEVICES_MAX);
    enum err e = check_limits(p, why);
    for (int i = 0; e == ERR_OK && i < p->n_objectives; i++) {
        e = check_objective(p, &p->objectives[i], why);
    }
    for (int i = 0; e == ERR_OK && i < p->n_constraints; i++) {
        e = check_objective(p, &p->constraints[i].objective, why);
    }
    return e == ERR_OK ? space_fits(p->space, &p->dims, why) : e;
}

double problem_cost(const struct problem *p, const struct objective *o,
                    const struct arch *a)
{
    if (o->kind == OBJECTIVE_LATENCY) {
        const struct latency_table *t = table_of(p, o);
        double ms;
        BUG_ON(!t); // problem_check
        return latency_of(t, a, &p->dims, &ms) ? ms : INFINITY;
    }
    struct complexity c = complexity_of(a, &p->dims, p->n_frames);
    switch (o->kind) {
    case OBJECTIVE_PARAMS: return (double)c.params;
    case OBJECTIVE_MACS: return (double)c.macs;
    case OBJECTIVE_BYTES: return (double)c.bytes;
    default: BUG_ON("not a cost");
    }
    return NAN;
}

double problem_excess_of(const struct constraint *c, double value)
{
    if (constraint_holds(c, value)) {
        return 0;
    }
    double over = (value - c->limit) / (c->limit > 0 ? c->limit : 1);
    return over > DBL_MIN ? over : DBL_MIN; // at the limit of a strict one
}

double problem_excess(const struct problem *p, const struct arch *a)
{
    double sum = 0;
    for (int i = 0; i < p->n_constraints; i++) {
        const struct constraint *c = &p->constraints[i];
        if (objective_is_cost(&c->objective)) {
            sum += problem_excess_of(c, problem_cost(p, &c->objective, a));
        }
    }
    return sum;
}

bool problem_admits(const struct problem *p, const struct arch *a)
{
    for (int i = 0; i < p->n_constraints; i++) {
        const struct constraint *c = &p->constraints[i];
        if (objective_is_cost(&c->objective) &&
            !constraint_holds(c, problem_cost(p, &c->objective, a))) {
            return false;
        }
    }
    return true;
}
