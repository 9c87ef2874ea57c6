// SPDX-License-Identifier: Apache-2.0
// turn_status.c - what people are shown of a turn: studies, workers, counters.
#include "common/base/log.h"
#include "coordinator/turn_inside.h"

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
        worker_status(&w, s->is_lost, t->is_draining, &out->workers[out->n_workers++]);
    }
}
