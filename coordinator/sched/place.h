// SPDX-License-Identifier: Apache-2.0
// place.h - which worker may run which task, and which task goes first.
//
// A worker advertises one bit per task kind; a task needs the bit of its kind. Pure.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SCHED_PLACE_H
#define COORDINATOR_SCHED_PLACE_H

#include "proto/msg.h"

#include <stdbool.h>
#include <stdint.h>

uint32_t place_need(enum task_kind kind); // the capability bit
bool place_fits(uint32_t capabilities, enum task_kind kind);

// Smaller goes first. TRAIN before EVALUATE: a round waits for its last shard, while
// evaluations only have to be there when the search is over.
int place_priority(enum task_kind kind);

#endif
