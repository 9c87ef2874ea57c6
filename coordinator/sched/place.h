// SPDX-License-Identifier: Apache-2.0
// place.h - which worker may run which task, and which task goes first.
//
// A worker advertises one bit per task kind; a task needs the bit of its kind. MEASURE
// also needs a worker of its device, and all of it: nothing runs beside a measurement.
// A task that states how much memory it needs goes where a task may have as much. Pure.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SCHED_PLACE_H
#define COORDINATOR_SCHED_PLACE_H

#include "proto/msg.h"

#include <stdbool.h>
#include <stdint.h>

struct place_offer { // a free slot of a worker
    uint32_t capabilities;
    const char *device;    // its own; "" = none
    bool is_idle;          // all its slots are free
    uint64_t memory_bytes; // that a task may allocate there; 0 = not said
};

uint32_t place_need(enum task_kind kind); // the capability bit
// The device of a measurement is the caller's to compare.
bool place_fits(const struct place_offer *offer, enum task_kind kind,
                uint64_t memory_bytes);

// Smaller goes first. MEASURE before TRAIN: workers of a device are few, and the others
// train meanwhile. TRAIN before the rest: a round waits for its last shard, while
// evaluations only have to be there when the search is over. FINETUNE before EVALUATE:
// it takes longest, and a study's end waits for it.
int place_priority(enum task_kind kind);

#endif
