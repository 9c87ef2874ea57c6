// SPDX-License-Identifier: Apache-2.0
// aims.h - what a study searches for, its targets and fronts, as problems for a search.
//
// One problem per target, or one without limits for a study that has none. The fronts
// that a study asks for are EER against the latency of each device, or against MACs
// where there are no devices.
//
// Owns: nothing; borrows the configuration and the tables. Threads: any.
#ifndef COORDINATOR_STUDY_AIMS_H
#define COORDINATOR_STUDY_AIMS_H

#include "common/conf/study.h"
#include "coordinator/search/problem.h"

// The latency tables of a study's devices, as far as they are there.
struct aims_tables {
    int n;
    struct problem_device devices[STUDY_DEVICES_MAX];
};

struct aims {
    int n;
    struct problem problems[STUDY_TARGETS_MAX];
};

_Static_assert(STUDY_LIMITS_MAX <= PROBLEM_CONSTRAINTS_MAX, "a problem holds them");
_Static_assert(STUDY_DEVICES_MAX <= PROBLEM_DEVICES_MAX, "a problem holds them");
_Static_assert(STUDY_DEVICES_MAX <= STUDY_TARGETS_MAX, "struct aims holds fronts");

// Problem i is for target i: its objective is EER, or for a strategy that serves fronts
// EER with the latencies of the first devices, or with MACs.
void aims_of_targets(const struct study_conf *conf, const struct aims_tables *t,
                     bool serves_fronts, struct aims *out);

// Problem i is the front of device i, or the one over EER and MACs; without limits.
void aims_of_fronts(const struct study_conf *conf, const struct aims_tables *t,
                    struct aims *out);

// Whether a network keeps the limits on what was measured and on latencies; those on
// its size are study_target_admits's. A latency without its table is not kept.
bool aims_accept(const struct problem *p, const struct arch *a, double eer,
                 double mindcf);

#endif
