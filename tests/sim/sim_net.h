// SPDX-License-Identifier: Apache-2.0
// sim_net.h - the network between workers and coordinator: loses, delays, repeats and
// reorders messages, and is cut.
//
// A message belongs to a connection: when the worker or the coordinator is another
// process by the time it arrives, it is lost.
//
// Owns: nothing. Threads: one.
#ifndef TESTS_SIM_SIM_NET_H
#define TESTS_SIM_SIM_NET_H

#include "tests/sim/sim_world.h"

void sim_net_to_home(struct sim_world *w, uint32_t agent, const void *bytes, size_t n);
void sim_net_to_agent(struct sim_world *w, uint32_t agent, const void *bytes, size_t n);

#endif
