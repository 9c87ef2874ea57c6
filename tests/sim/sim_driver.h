// SPDX-License-Identifier: Apache-2.0
// sim_driver.h - stands in for coordinator/study: studies of so many tasks, decided
// from stored state alone, so that it goes on after a restart and decides again what a
// failed commit undid.
//
// Owns: nothing. Threads: one.
#ifndef TESTS_SIM_SIM_DRIVER_H
#define TESTS_SIM_SIM_DRIVER_H

#include "coordinator/study/driver.h"
#include "tests/sim/sim_scenario.h"

// `artifact`: the hash of one that is stored.
struct driver *sim_driver_init(struct store *s, struct driver_hooks hooks,
                               const struct sim_scenario *plan, const char *artifact);

#endif
