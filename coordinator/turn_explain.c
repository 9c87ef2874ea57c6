// SPDX-License-Identifier: Apache-2.0
// turn_explain.c - gathers what is known of a task, for explain.h to say.
#include "coordinator/sched/explain.h"
#include "coordinator/store/attempt.h"
#include "coordinator/store/worker_row.h"
#include "coordinator/turn_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)EXPLAIN_READY == TASK_READY && (int)EXPLAIN_LEASED == TASK_LEASED &&
                   (int)EXPLAIN_DONE == TASK_DONE &&
                   (int)EXPLAIN_BURIED == TASK_BURIED &&
                   (int)EXPLAIN_CANCELLED == TASK_CANCELLED,
               "enum explain_state follows enum task_state");

void turn_describe(const struct task_row *row, char out[static ARCH_STRING_MAX])
{
    switch (row->spec.kind) {
    case TASK_TRAIN:
        snprintf(out, ARCH_STRING_MAX, "stage %u, round %u, shard %u", row->stage + 1,
                 row->round + 1, row->shard + 1);
        return;
    case TASK_MEASURE:
        snprintf(out, ARCH_STRING_MAX, "%s", row->spec.measure.architecture);
        return;
    case TASK_FINETUNE:
        snprintf(out, ARCH_STRING_MAX, "%s", row->spec.finetune.architecture);
        return;
    default: snprintf(out, ARCH_STRING_MAX, "%s", row->spec.evaluate.architecture);
    }
}

void turn_worker_name(struct turn *t, uint64_t worker_id,
                      char out[static WORKER_NAME_MAX])
{
    struct worker_row row;
    out[0] = '\0';
    if (worker_row_get(t->store, worker_id, &row) == ERR_OK) {
        snprintf(out, WORKER_NAME_MAX, "%s", row.name);
    }
}

struct gathered {
    struct task_row row;
    struct study_row study;
    struct attempt_row failure;
    char what[ARCH_STRING_MAX];
    char worker[WORKER_NAME_MAX];
};

static struct explain_workers count_workers(const struct turn *t,
                                            const struct queue_task *task)
{
    struct explain_workers w = {0};
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        const struct session *s = session_at(t->sessions, i);
        w.n_all += !s->is_lost;
        if (s->is_lost || !turn_can_run(s, task)) {
            continue;
        }
        enum standing standing = quarantine_standing(t->quarantine, s->worker.name);
        w.n_able++;
        w.n_quarantined += standing == STANDING_QUARANTINED;
        w.n_drained += standing == STANDING_DRAINED;
        w.n_given += standing == STANDING_GOOD;
        w.n_free += standing == STANDING_GOOD && s->credit > 0;
        w.n_idle += standing == STANDING_GOOD && s->credit == s->worker.slots;
    }
    return w;
}

static void add_queue(struct turn *t, const struct gathered *g, struct explain_facts *f)
{
    const struct queue_task task = turn_queue_task(&g->row, 0);
    f->workers = count_workers(t, &task);
    f->device = g->row.spec.kind == TASK_MEASURE ? g->row.spec.measure.device : "";
    f->memory_bytes = g->row.spec.memory_bytes;
    f->study_is_paused = g->study.is_paused;
    f->n_ready_ahead = (uint32_t)queue_ahead(t->queue, &task);
    f->n_other_studies = (uint32_t)queue_others(t->queue, g->row.study_id);
    f->is_draining = t->is_draining;
    f->is_disk_full = t->is_settling;
    f->ready_in_ms = g->row.not_before_ms - t->now.wall_ms;
    if (g->failure.worker[0] &&
        avoid_says(t->avoid, g->row.id, avoid_who(g->failure.worker), t->now.mono_ms) &&
        turn_capable_names(t, &task) > 1) {
        f->avoids = g->failure.worker;
    }
}

static void add_lease(struct turn *t, const struct gathered *g, struct explain_facts *f)
{
    const struct lease *l = lease_find(t->leases, g->row.id);
    if (!l) {
        return;
    }
    f->has_started = l->has_started;
    f->lease_ends_in_ms = l->deadline_ms - t->now.mono_ms;
    for (size_t i = 0; i < session_count(t->sessions); i++) {
        const struct session *s = session_at(t->sessions, i);
        if (s->worker.id == l->worker_id && s->worker.task_id == g->row.id) {
            f->fraction = s->worker.progress.fraction;
        }
    }
}

static enum err gather(struct turn *t, uint64_t task_id, struct gathered *g,
                       struct errinfo *why)
{
    enum err e = task_get(t->store, task_id, &g->row);
    if (e == ERR_NOTFOUND) {
        return err_set(why, e, "there is no task %" PRIu64, task_id);
    }
    if (e == ERR_OK) {
        e = study_row_get(t->store, g->row.study_id, &g->study);
    }
    if (e == ERR_OK) {
        e = attempt_last_failed(t->store, task_id, &g->failure);
        e = e == ERR_NOTFOUND ? ERR_OK : e;
    }
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read task %" PRIu64, task_id);
    }
    turn_describe(&g->row, g->what);
    turn_worker_name(t, g->row.worker_id, g->worker);
    return ERR_OK;
}

enum err turn_explain(struct turn *t, const struct msg *in, struct msg *answer,
                      struct errinfo *why)
{
    struct gathered g = {.failure = {.outcome = 0}};
    enum err e = gather(t, in->explain.task_id, &g, why);
    if (e != ERR_OK) {
        return e;
    }
    struct explain_facts f = {.task_id = g.row.id,
                              .kind = g.row.spec.kind,
                              .what = g.what,
                              .state = (enum explain_state)g.row.state,
                              .study = g.study.name,
                              .study_state = study_state_name(g.study.state),
                              .study_is_over = study_state_is_over(g.study.state),
                              .study_error = g.study.error,
                              .worker = g.worker,
                              .n_charged = g.row.n_charged,
                              .outcome = g.failure.outcome,
                              .failed_by = g.failure.worker,
                              .failed_ago_ms = t->now.wall_ms - g.failure.ended_ms,
                              .error = g.failure.error,
                              .log_tail = g.failure.log_tail};
    add_queue(t, &g, &f);
    add_lease(t, &g, &f);
    struct buf text = BUF_INIT;
    explain(&f, &text);
    answer->kind = MSG_EXPLAIN_REPLY;
    snprintf(answer->explain_reply.text, sizeof(answer->explain_reply.text), "%s",
             text.data);
    buf_fini(&text);
    return ERR_OK;
}
