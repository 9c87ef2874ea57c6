// SPDX-License-Identifier: Apache-2.0
// turn_order.c - the part of a turn about people: what they ask, and what they order.
//
// A question reads. An order is a turn of its own: it is answered after its commit.
#include "common/base/log.h"
#include "coordinator/store/attempt.h"
#include "coordinator/turn_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long llu;

// ---- TASK_LIST

struct listing {
    struct turn *t;
    struct msg_task_list_reply *out;
    enum err e;
    struct study_row study; // of the last task
};

static void cut(char *out, size_t cap, const char *text)
{
    snprintf(out, cap, "%s", text);
}

// A row whose worker or study cannot be read is shown without.
static void add_names(struct listing *l, const struct task_row *row,
                      struct listed_task *to)
{
    struct attempt_row attempt;
    if (l->study.id == row->study_id ||
        study_row_get(l->t->store, row->study_id, &l->study) == ERR_OK) {
        cut(to->study, sizeof(to->study), l->study.name);
    }
    if (row->worker_id != 0) {
        turn_worker_name(l->t, row->worker_id, to->worker);
    }
    if (row->state != TASK_DONE &&
        attempt_last_failed(l->t->store, row->id, &attempt) == ERR_OK) {
        cut(to->error, sizeof(to->error), attempt.error);
        if (to->worker[0] == '\0') {
            cut(to->worker, sizeof(to->worker), attempt.worker);
        }
    }
}

static bool list_one(void *arg, const struct task_row *row)
{
    struct listing *l = arg;
    struct msg_task_list_reply *out = l->out;
    struct listed_task *to = &out->tasks[out->n_tasks++];
    *to = (struct listed_task){.id = row->id,
                               .kind = row->spec.kind,
                               .state = row->state,
                               .n_charged = row->n_charged};
    turn_describe(row, to->what);
    add_names(l, row, to);
    return out->n_tasks < LIMIT_LISTED_TASKS;
}

static enum err find_study(struct turn *t, const char *name, struct study_row *out,
                           struct errinfo *why)
{
    enum err e = study_row_by_name(t->store, name, out);
    return e == ERR_NOTFOUND ? err_set(why, e, "there is no study called %s", name)
           : e != ERR_OK     ? err_set(why, e, "cannot look for study %s", name)
                             : ERR_OK;
}

static enum err on_task_list(struct turn *t, const struct msg *in, struct msg *answer,
                             struct errinfo *why)
{
    const struct msg_task_list *q = &in->task_list;
    struct listing l = {.t = t, .out = &answer->task_list_reply};
    struct study_row study = {.id = 0};
    uint64_t last = 0;
    answer->kind = MSG_TASK_LIST_REPLY;
    *l.out = (struct msg_task_list_reply){0};
    enum err e = q->study[0] ? find_study(t, q->study, &study, why) : ERR_OK;
    if (e == ERR_OK) {
        e = task_last_id(t->store, &last);
    }
    uint64_t end = q->after + LIMIT_LOOKED_AT;
    const struct task_range range = {.study_id = study.id,
                                     .state = (enum task_state)q->state,
                                     .after = q->after,
                                     .last = end};
    if (e == ERR_OK) {
        e = task_each_in(t->store, &range, list_one, &l, why);
    }
    bool is_full = l.out->n_tasks == LIMIT_LISTED_TASKS;
    uint64_t seen = is_full ? l.out->tasks[l.out->n_tasks - 1].id : end;
    l.out->next = seen < last ? seen : 0;
    return e;
}

// ---- TASK_KICK

static enum err on_task_kick(struct turn *t, const struct msg *in, struct msg *answer,
                             struct errinfo *why)
{
    const struct msg_task_kick *order = &in->task_kick;
    struct msg_order_reply *out = &answer->order_reply;
    enum err e = ERR_OK;
    for (uint32_t i = 0; i < order->n_ids && e == ERR_OK; i++) {
        struct task_row row;
        struct errinfo no = {0};
        e = task_get(t->store, order->ids[i], &row);
        if (e == ERR_NOTFOUND) {
            err_set(&no, e, "there is no task %llu", (llu)order->ids[i]);
        } else if (e == ERR_OK) {
            e = turn_kick_task(t, &row, &no);
        }
        out->n += e == ERR_OK;
        bool is_no = e == ERR_STALE || e == ERR_NOTFOUND;
        if (is_no && out->text[0] == '\0') {
            cut(out->text, sizeof(out->text), no.text);
        }
        e = is_no ? ERR_OK : e;
        if (e != ERR_OK) {
            return err_set(why, e, "%s", no.text);
        }
    }
    return turn_studies_go_on(t, why);
}

// ---- WORKER_ORDER

static enum err on_worker_order(struct turn *t, const struct msg *in,
                                struct msg *answer, struct errinfo *why)
{
    const struct msg_worker_order *o = &in->worker_order;
    answer->order_reply.n = 1;
    return o->order == WORKER_DRAIN ? turn_drain_worker(t, o->name, why)
                                    : turn_release_worker(t, o->name, why);
}

// ---- STUDY_ORDER, STUDY_SUBMIT

static enum err set_paused(struct turn *t, struct study_row *study, bool is_paused,
                           struct errinfo *why)
{
    if (study_state_is_over(study->state)) {
        return err_set(why, ERR_STALE, "study %s is %s", study->name,
                       study_state_name(study->state));
    }
    study->is_paused = is_paused;
    log_info(is_paused ? "study.paused" : "study.resumed", "study=%s", study->name);
    turn_note_study(t, study);
    return study_row_update(t->store, study, why);
}

static enum err on_study_order(struct turn *t, const struct msg *in, struct msg *answer,
                               struct errinfo *why)
{
    const struct msg_study_order *o = &in->study_order;
    struct study_row study;
    answer->order_reply.n = 1;
    enum err e = find_study(t, o->name, &study, why);
    if (e != ERR_OK) {
        return e;
    }
    if (o->order != STUDY_CANCEL) {
        return set_paused(t, &study, o->order == STUDY_PAUSE, why);
    }
    turn_mark_dirty(t, study.id);
    return driver_cancel_study(t->driver, study.id, why);
}

static enum err take_in(struct turn *t, const struct study_conf *conf,
                        struct msg_order_reply *out, struct errinfo *why)
{
    struct study_row row;
    uint64_t id = 0;
    enum err e = turn_take_study(t, conf, &id, why);
    if (e == ERR_OK) {
        e = driver_go_on(t->driver, id, why); // one that was cancelled
    }
    if (e == ERR_OK) {
        e = study_row_get(t->store, id, &row);
    }
    if (e == ERR_OK) {
        out->n = 1;
        snprintf(out->text, sizeof(out->text), "study %s is %s", row.name,
                 study_state_name(row.state));
    }
    return e;
}

static enum err on_study_submit(struct turn *t, const struct msg *in,
                                struct msg *answer, struct errinfo *why)
{
    const struct msg_study_submit *s = &in->study_submit;
    struct study_conf *conf = calloc(1, sizeof(*conf)); // too large for the stack
    BUG_ON(!conf);
    enum err e =
        s->dir[0] == '/'
            ? study_parse(s->text, strlen(s->text), s->file, s->dir, conf, why)
            : err_set(why, ERR_INPUT, "%s is no absolute path of a folder", s->dir);
    if (e == ERR_OK) {
        e = take_in(t, conf, &answer->order_reply, why);
    }
    free(conf);
    return e;
}

// ---- all of them

typedef enum err order_fn(struct turn *t, const struct msg *in, struct msg *answer,
                          struct errinfo *why);

static const struct order {
    order_fn *fn;
    bool writes;
} orders[MSG_KINDS] = {
    [MSG_TASK_LIST] = {on_task_list, false},
    [MSG_EXPLAIN] = {turn_explain, false},
    [MSG_TASK_KICK] = {on_task_kick, true},
    [MSG_WORKER_ORDER] = {on_worker_order, true},
    [MSG_STUDY_ORDER] = {on_study_order, true},
    [MSG_STUDY_SUBMIT] = {on_study_submit, true},
};

bool turn_takes_order(enum msg_kind kind)
{
    return orders[kind].fn != NULL;
}

static enum err carry_out(struct turn *t, const struct order *o, const struct msg *in,
                          struct msg *answer, struct errinfo *why)
{
    struct part part;
    answer->kind = MSG_ORDER_REPLY;
    answer->order_reply = (struct msg_order_reply){0};
    enum err e = turn_part_begin(t, &part, why);
    if (e == ERR_OK) {
        t->kicked.len = 0;
        e = turn_part_end(t, &part, o->fn(t, in, answer, why), why);
    }
    turn_end(t, t->now);
    if (e == ERR_OK && t->committed != ERR_OK) {
        return err_set(why, t->committed, "it could not be stored: see the log");
    }
    return e;
}

enum err turn_order(struct turn *t, const struct msg *in, struct turn_now now,
                    struct msg *answer, struct errinfo *why)
{
    const struct order *o = &orders[in->kind];
    BUG_ON(!o->fn);
    t->now = now;
    return o->writes ? carry_out(t, o, in, answer, why) : o->fn(t, in, answer, why);
}
