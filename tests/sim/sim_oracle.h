// SPDX-License-Identifier: Apache-2.0
// sim_oracle.h - what a simulated fleet must never do, whatever goes wrong.
//
// It hears what workers and coordinator say to each other and compares it with what is
// stored: a result that was acknowledged is stored once, under its token, for ever;
// tokens only grow; nobody's lease outlives a lease; attempts are charged only when
// they started or were reported, and within the budget.
//
// Owns: its notes. Borrows: the store, during a check. Threads: one.
#ifndef TESTS_SIM_SIM_ORACLE_H
#define TESTS_SIM_SIM_ORACLE_H

#include "tests/sim/sim_world.h"

struct store;

void sim_oracle_create(struct sim_world *w);
void sim_oracle_destroy(struct sim_world *w);

// The coordinator said LEASE.
void sim_oracle_granted(struct sim_world *w, uint64_t task, uint64_t token,
                        uint32_t agent);
// The coordinator heard a HELLO or BEAT that names the task.
void sim_oracle_renewed(struct sim_world *w, uint64_t token, uint32_t agent,
                        bool has_started);
// The coordinator heard that the attempt failed.
void sim_oracle_failed(struct sim_world *w, uint64_t token);
// A worker heard that its result counts. `mark` tells results of attempts apart.
void sim_oracle_acknowledged(struct sim_world *w, uint64_t task, uint64_t token,
                             double mark);
// Leases have a full period from now on: a restart, a standstill, a failing store.
void sim_oracle_excuse(struct sim_world *w);

void sim_oracle_check(struct sim_world *w, struct store *s);
void sim_oracle_check_end(struct sim_world *w, struct store *s);

// What a worker reports for this attempt.
double sim_oracle_mark(uint64_t token, uint32_t agent);

#endif
