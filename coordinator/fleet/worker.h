// SPDX-License-Identifier: Apache-2.0
// worker.h - what the coordinator knows of one worker: its means and what it is doing.
//
// Owns: nothing; struct worker is a value. Threads: any.
#ifndef COORDINATOR_FLEET_WORKER_H
#define COORDINATOR_FLEET_WORKER_H

#include "proto/msg.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKER_NAME_MAX 64

struct worker {
    uint64_t id; // durable
    char name[WORKER_NAME_MAX];
    uint32_t capabilities; // bit per task kind
    uint32_t slots;
    uint32_t threads;
    uint64_t memory_bytes;
    char device[LIMIT_DEVICE_NAME]; // what it measures for; "" = nothing
    // Of its first task, by its last beat: what people are shown.
    uint64_t task_id; // 0 = idle
    struct task_progress progress;
};

// `name` is what it is called here (its key may have a say in that).
void worker_init(struct worker *w, uint64_t id, const char *name,
                 const struct msg_hello *hello);
bool worker_can(const struct worker *w, enum task_kind kind);
void worker_reported(struct worker *w, const struct held_task *held, uint32_t n_held);
void worker_status(const struct worker *w, bool is_lost, bool is_draining,
                   struct status_worker *out);

#endif
