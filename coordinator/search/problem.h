// SPDX-License-Identifier: Apache-2.0
// problem.h - what one search is for: a space, objectives to lower, limits to keep.
//
// Costs (parameters, MACs, bytes, latency) are known from the architecture alone, so
// constraints on them are checked before anything is evaluated; EER and minDCF come
// from evaluations. Strategies, the exhaustive search and the coordinator's admission
// use the same functions.
//
// Owns: nothing; borrows spaces and tables. Threads: any.
#ifndef COORDINATOR_SEARCH_PROBLEM_H
#define COORDINATOR_SEARCH_PROBLEM_H

#include "common/conf/objective.h"
#include "common/space/complexity.h"
#include "common/space/latency_table.h"
#include "common/space/space.h"

#define PROBLEM_OBJECTIVES_MAX  4
#define PROBLEM_CONSTRAINTS_MAX 8
#define PROBLEM_DEVICES_MAX     16

struct problem_device {
    char name[DEVICE_NAME_MAX];
    const struct latency_table *table;
};

struct problem {
    const struct space *space;
    struct net_dims dims;
    int n_frames; // MACs are counted at
    int n_objectives;
    struct objective objectives[PROBLEM_OBJECTIVES_MAX]; // lower is better
    int n_constraints;
    struct constraint constraints[PROBLEM_CONSTRAINTS_MAX];
    int n_devices;
    struct problem_device devices[PROBLEM_DEVICES_MAX];
};

// ERR_INPUT: a latency of a device that has no table, `latency` alone with several.
MUST_CHECK enum err problem_check(const struct problem *p, struct errinfo *why);

// A cost objective's value; infinity where a table does not cover the network.
double problem_cost(const struct problem *p, const struct objective *o,
                    const struct arch *a);

// By how much a value exceeds a limit, relative to the limit; 0 when it holds, never 0
// when it does not.
double problem_excess_of(const struct constraint *c, double value);

// By how much the constraints on costs are exceeded: the sum of the relative excesses,
// 0 when all hold.
double problem_excess(const struct problem *p, const struct arch *a);
bool problem_admits(const struct problem *p, const struct arch *a);

#endif
