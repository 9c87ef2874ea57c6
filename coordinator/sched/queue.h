// SPDX-License-Identifier: Apache-2.0
// queue.h - the READY tasks in memory: by priority, then by id; back-offs wait apart.
//
// Rebuilt from the store at start and changed only after a commit. The store stays the
// authority: a task taken from here that is no longer READY there is simply dropped.
//
// Owns: its entries. Borrows: nothing. Threads: loop thread only.
#ifndef COORDINATOR_SCHED_QUEUE_H
#define COORDINATOR_SCHED_QUEUE_H

#include "coordinator/sched/place.h"

#include <stddef.h>

struct queue;

struct queue_task {
    uint64_t id;
    enum task_kind kind;
    int64_t ready_ms;               // monotonic clock; 0 = now
    char device[LIMIT_DEVICE_NAME]; // MEASURE
    uint64_t memory_bytes;          // it needs; 0 = not stated
};

struct queue *queue_create(void);
void queue_destroy(struct queue *q); // NULL is fine

void queue_add(struct queue *q, const struct queue_task *t, int64_t now_ms);
// Takes the first task for such a slot. False when there is none, or when a measurement
// waits for the rest of that worker to become free.
bool queue_take(struct queue *q, const struct place_offer *offer, int64_t now_ms,
                struct queue_task *out);
size_t queue_count(const struct queue *q); // back-offs included

#endif
