// SPDX-License-Identifier: Apache-2.0
// sim_home.h - the coordinator of a simulated fleet: the real turn over the real store,
// as a process that is killed at any point, stopped, and begun anew.
//
// Owns: store, turn. Threads: one.
#ifndef TESTS_SIM_SIM_HOME_H
#define TESTS_SIM_SIM_HOME_H

#include "tests/sim/sim_world.h"

void sim_home_create(struct sim_world *w); // with its studies, not yet started
void sim_home_destroy(struct sim_world *w);

// Events.
void sim_home_starts(struct sim_world *w, struct sim_event *e);
void sim_home_turn(struct sim_world *w, struct sim_event *e);
void sim_home_tick(struct sim_world *w, struct sim_event *e);
void sim_home_hears(struct sim_world *w, struct sim_event *e);
void sim_home_check(struct sim_world *w);

// Faults.
void sim_home_crash(struct sim_world *w);
void sim_home_pause(struct sim_world *w, int64_t ms);
void sim_home_fail_commits(struct sim_world *w, int64_t ms);
void sim_home_fill_disk(struct sim_world *w, int64_t ms);

bool sim_home_is_up(const struct sim_world *w);
bool sim_home_is_done(struct sim_world *w); // no task is left
// At the end of a run: rows, and what was said of them.
void sim_home_check_end(struct sim_world *w);

#endif
