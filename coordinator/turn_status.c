// SPDX-License-Identifier: Apache-2.0
// turn_status.c - what people are shown of a turn: studies, workers, counters.
#include "common/base/log.h"
#include "coordinator/turn_inside.h"

#include <stdio.h>
#include <string.h>

bool turn_is_failing(const struct turn *t)
{
    return t->is_sick && t->now.mono_ms < t->retry_ms - TURN_RETRY_MS + TURN_FAILING_MS;
}

struct turn_gauge turn_gauge(const struct turn *t)
{
    struct turn_gauge g = {.n_leased = lease_count(t->leases),
                           .n_waiting = queue_count(t->queue)};
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        g.n_workers += !session_at(t->sessions, i)->is_lost;
    }
    return g;
}

struct status_visit {
    struct turn *t;
    struct msg_status_reply *out;
};

static bool add_study_status(void *arg, const struct study_row *row)
{
    struct status_visit *v = arg;
    struct status_study *at = &v->out->studies[v->out->n_studies];
    if (driver_status(v->t->driver, row->id, at) == ERR_OK) {
        v->out->n_studies++;
    }
    return v->out->n_studies < LIMIT_STATUS_STUDIES;
}

// What a worker does: what its last beat said, or what it was handed since.
static struct worker worker_now(const struct turn *t, const struct session *s)
{
    struct worker w = s->worker;
    for (size_t i = 0; w.task_id == 0 && i < lease_count(t->leases); i++) {
        const struct lease *lease = lease_at(t->leases, i);
        if (lease->worker_id == w.id) {
            w.task_id = lease->task_id;
        }
    }
    return w;
}

static void add_standing(const struct turn *t, const char *name,
                         struct status_worker *to)
{
    struct quarantine_entry entry;
    for (size_t i = 0; i < quarantine_count(t->quarantine); i++) {
        if (quarantine_entry(t->quarantine, i, &entry) &&
            strcmp(entry.name, name) == 0) {
            bool is_busy = to->task_id != 0;
            snprintf(to->state, sizeof(to->state), "%s",
                     entry.standing == STANDING_QUARANTINED ? "quarantined"
                     : is_busy                              ? "draining"
                                                            : "drained");
            snprintf(to->reason, sizeof(to->reason), "%s", entry.reason);
        }
    }
}

static bool is_shown(const struct msg_status_reply *out, const char *name)
{
    for (uint32_t i = 0; i < out->n_workers; i++) {
        if (strcmp(out->workers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

// Those that are not connected, and would be given nothing if they were.
static void add_absent(const struct turn *t, struct msg_status_reply *out)
{
    struct quarantine_entry entry;
    size_t n = quarantine_count(t->quarantine);
    for (size_t i = 0; i < n && out->n_workers < LIMIT_STATUS_WORKERS; i++) {
        if (!quarantine_entry(t->quarantine, i, &entry) || is_shown(out, entry.name)) {
            continue;
        }
        struct status_worker *to = &out->workers[out->n_workers++];
        *to = (struct status_worker){.id = UINT64_MAX};
        snprintf(to->name, sizeof(to->name), "%s", entry.name);
        add_standing(t, entry.name, to);
    }
}

void turn_status(struct turn *t, struct msg_status_reply *out)
{
    *out =
        (struct msg_status_reply){.is_draining = t->is_draining,
                                  .is_disk_full = t->is_settling,
                                  .results_accepted = t->counters.accepted,
                                  .results_repeated = t->counters.repeated,
                                  .results_stale = t->counters.stale,
                                  .messages_refused = refusals_messages(&t->refusals)};
    refusals_add_to(&t->refusals, out->refusals);
    struct status_visit v = {t, out};
    if (study_row_each(t->store, add_study_status, &v, NULL) != ERR_OK) {
        log_warn("status.incomplete", "studies=%u", out->n_studies);
    }
    size_t n = session_count(t->sessions);
    for (size_t i = 0; i < n && i < LIMIT_STATUS_WORKERS; i++) {
        const struct session *s = session_at(t->sessions, i);
        struct worker w = worker_now(t, s);
        struct status_worker *to = &out->workers[out->n_workers++];
        worker_status(&w, s->is_lost, t->is_draining, to);
        add_standing(t, s->worker.name, to);
    }
    add_absent(t, out);
}
