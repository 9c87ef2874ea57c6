// SPDX-License-Identifier: Apache-2.0
// queue.h - the READY tasks in memory: studies share the workers by weight (share.h);
// within a study tasks go by priority, then by id; back-offs wait apart.
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
    uint64_t study_id;
    enum task_kind kind;
    int64_t ready_ms;               // monotonic clock; 0 = now
    char device[LIMIT_DEVICE_NAME]; // MEASURE
    uint64_t memory_bytes;          // it needs; 0 = not stated
    double charged_ms;              // by queue_take, to its study
};

struct queue *queue_create(void);
void queue_destroy(struct queue *q); // NULL is fine

// A study's weight, and whether its tasks wait. One that was never named has weight 1.
void queue_set_study(struct queue *q, uint64_t study_id, double weight, bool is_paused);

void queue_add(struct queue *q, const struct queue_task *t, int64_t now_ms);
// Takes the first task for such a slot, of the study whose turn it is among those that
// have one, and charges the study. False when there is none, or when a measurement
// waits for the rest of that worker to become free.
bool queue_take(struct queue *q, const struct place_offer *offer, int64_t now_ms,
                struct queue_task *out);
// It was not granted after all: back to where it was.
void queue_put_back(struct queue *q, const struct queue_task *t, int64_t now_ms);
// A task that was out at a restart: charged as if it were granted now.
double queue_charge(struct queue *q, uint64_t study_id, enum task_kind kind);
// A grant ended after `took_ms`, with a result or without.
void queue_ended(struct queue *q, uint64_t study_id, enum task_kind kind,
                 double charged_ms, int64_t took_ms, bool is_done);

size_t queue_count(const struct queue *q); // back-offs included
// Tasks of its study that go before it, and other studies that have tasks.
size_t queue_ahead(const struct queue *q, const struct queue_task *t);
size_t queue_others(const struct queue *q, uint64_t study_id);

#endif
