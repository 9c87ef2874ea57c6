// SPDX-License-Identifier: Apache-2.0
// worker.c - see worker.h.
#include "coordinator/fleet/worker.h"

#include <stdio.h>
#include <string.h>

void worker_init(struct worker *w, uint64_t id, const char *name,
                 const struct msg_hello *hello)
{
    *w = (struct worker){.id = id,
                         .capabilities = hello->capabilities,
                         .slots = hello->slots,
                         .threads = hello->threads,
                         .memory_bytes = hello->memory_bytes};
    snprintf(w->name, sizeof(w->name), "%s", name);
    memcpy(w->device, hello->device, sizeof(w->device));
    worker_reported(w, hello->held, hello->n_held);
}

bool worker_can(const struct worker *w, enum task_kind kind)
{
    return w->capabilities & (1u << kind);
}

void worker_reported(struct worker *w, const struct held_task *held, uint32_t n_held)
{
    w->task_id = n_held > 0 ? held[0].task_id : 0;
    w->progress = n_held > 0 ? held[0].progress : (struct task_progress){0};
}

static const char *state_name(const struct worker *w, bool is_lost, bool is_draining)
{
    if (is_lost) {
        return "lost";
    }
    if (w->task_id != 0) {
        return is_draining ? "draining" : "busy";
    }
    return "idle";
}

void worker_status(const struct worker *w, bool is_lost, bool is_draining,
                   struct status_worker *out)
{
    *out = (struct status_worker){
        .id = w->id, .task_id = w->task_id, .progress = w->progress};
    memcpy(out->name, w->name, sizeof(out->name));
    snprintf(out->state, sizeof(out->state), "%s", state_name(w, is_lost, is_draining));
}
