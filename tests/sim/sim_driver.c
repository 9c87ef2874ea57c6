// SPDX-License-Identifier: Apache-2.0
// sim_driver.c - see sim_driver.h.
#include "tests/sim/sim_driver.h"

#include "coordinator/store/loss.h"

#include <stdio.h>
#include <string.h>

#define CANCELLED_STUDY 2 // the one that may be over before all of its tasks are

static struct {
    struct store *store;
    struct driver_hooks hooks;
    const struct sim_scenario *plan;
    char artifact[HASH_HEX_MAX];
} sim;

struct driver *sim_driver_init(struct store *s, struct driver_hooks hooks,
                               const struct sim_scenario *plan, const char *artifact)
{
    sim.store = s;
    sim.hooks = hooks;
    sim.plan = plan;
    snprintf(sim.artifact, sizeof(sim.artifact), "%s", artifact);
    return (struct driver *)&sim;
}

enum err driver_add_study(struct driver *d, const struct study_conf *conf,
                          uint64_t *study_id, struct errinfo *why)
{
    (void)d;
    (void)conf;
    *study_id = 0;
    return err_set(why, ERR_INPUT, "the simulation makes its studies itself");
}

// ---- the next task

static void fill_train(struct task_row *row, uint32_t number)
{
    row->stage = 1;
    row->round = number;
    memcpy(row->spec.pack, sim.artifact, HASH_HEX_MAX);
    row->spec.train = (struct train_task){.stage = 1,
                                          .round = number,
                                          .n_shards = 1,
                                          .stride = 1,
                                          .n_steps = 1,
                                          .n_batches = 1000000};
}

static void fill_evaluate(struct task_row *row)
{
    row->trial_id = 1;
    memcpy(row->spec.pack, sim.artifact, HASH_HEX_MAX);
    snprintf(row->spec.evaluate.architecture, ARCH_STRING_MAX, "1-64-64-1-1-192");
    row->spec.evaluate.protocol = 1;
}

static void fill_finetune(struct task_row *row)
{
    row->trial_id = 1;
    memcpy(row->spec.pack, sim.artifact, HASH_HEX_MAX);
    snprintf(row->spec.finetune.architecture, ARCH_STRING_MAX, "1-64-64-1-1-192");
}

static void fill_measure(struct task_row *row, uint32_t number)
{
    row->stage = TASK_MEASURE_STAGE;
    row->shard = number;
    struct measure_task *m = &row->spec.measure;
    *m = (struct measure_task){
        .device = "board", .batch = 1, .frames = 100, .threads = 1, .budget_ms = 100};
    snprintf(m->architecture, sizeof(m->architecture), "1-64-64-1-1-192");
}

static enum err insert(uint64_t study_id, uint32_t number, struct errinfo *why)
{
    struct task_row row = {.study_id = study_id};
    memcpy(row.spec.study, sim.artifact, HASH_HEX_MAX);
    row.spec.kind = (enum task_kind)(TASK_TRAIN + number % (TASK_KINDS - TASK_TRAIN));
    switch (row.spec.kind) {
    case TASK_TRAIN: fill_train(&row, number); break;
    case TASK_EVALUATE: fill_evaluate(&row); break;
    case TASK_FINETUNE: fill_finetune(&row); break;
    default: fill_measure(&row, number);
    }
    enum err e = task_insert(sim.store, &row, why);
    if (e == ERR_OK) {
        sim.hooks.task_added(sim.hooks.arg, &row);
    }
    return e;
}

static enum err insert_more(uint64_t study_id, const struct task_counts *n,
                            struct errinfo *why)
{
    uint32_t n_open = n->ready + n->leased;
    uint32_t n_made = n_open + n->done + n->buried + n->cancelled;
    enum err e = ERR_OK;
    for (; e == ERR_OK && n_open < sim.plan->window && n_made < sim.plan->n_tasks;
         n_open++) {
        e = insert(study_id, n_made++, why);
    }
    return e;
}

// ---- the end of a study

struct open_tasks {
    uint64_t ids[4 * SIM_AGENTS_MAX];
    size_t n;
};

static bool note_open(void *arg, const struct task_row *row)
{
    struct open_tasks *open = arg;
    if (row->state == TASK_READY || row->state == TASK_LEASED) {
        open->ids[open->n++] = row->id;
    }
    return true;
}

static enum err cancel_open(uint64_t study_id, struct errinfo *why)
{
    static struct open_tasks open;
    open.n = 0;
    enum err e = task_each(sim.store, study_id, 0, note_open, &open, why);
    for (size_t i = 0; i < open.n && e == ERR_OK; i++) {
        e = task_cancel(sim.store, open.ids[i], why);
    }
    return e;
}

static enum err end_study(struct study_row *study, struct errinfo *why)
{
    enum err e = cancel_open(study->id, why);
    study->state = STUDY_DONE;
    return e == ERR_OK ? study_row_update(sim.store, study, why) : e;
}

static bool is_over(uint64_t study_id, const struct task_counts *n)
{
    uint32_t n_ended = n->done + n->buried;
    return n_ended >= sim.plan->n_tasks ||
           (study_id == CANCELLED_STUDY && sim.plan->cancel_after > 0 &&
            n_ended >= sim.plan->cancel_after);
}

// A buried task may come back when its worker is quarantined.
enum err driver_wants_task(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    (void)d;
    (void)row;
    (void)why;
    return ERR_OK;
}

enum err driver_task_back(struct driver *d, const struct task_row *row,
                          struct errinfo *why)
{
    (void)d;
    (void)row;
    (void)why;
    return ERR_OK;
}

enum err driver_cancel_study(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    (void)study_id;
    (void)why;
    return ERR_OK;
}

enum err driver_go_on(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    (void)study_id;
    (void)why;
    return ERR_OK;
}

enum err driver_advance(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    struct study_row study;
    struct task_counts n;
    enum err e = study_row_get(sim.store, study_id, &study);
    if (e == ERR_OK) {
        e = task_count(sim.store, study_id, &n);
    }
    if (e != ERR_OK) {
        return err_set(why, ERR_IO, "study %llu cannot be read",
                       (unsigned long long)study_id);
    }
    if (study.state == STUDY_DONE) {
        return ERR_OK;
    }
    return is_over(study_id, &n) ? end_study(&study, why)
                                 : insert_more(study_id, &n, why);
}

static double seconds_of(const struct task_result *r)
{
    switch (r->kind) {
    case TASK_TRAIN: return r->train.seconds;
    case TASK_EVALUATE: return r->evaluate.seconds;
    case TASK_FINETUNE: return r->finetune.evaluation.seconds;
    default: return r->measure.seconds;
    }
}

enum err driver_task_ended(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    (void)d;
    if (row->state != TASK_DONE) {
        return ERR_OK;
    }
    const struct loss_row loss = {.study_id = row->study_id,
                                  .position = row->id,
                                  .seconds = seconds_of(&row->result)};
    return loss_insert(sim.store, &loss, why);
}

enum err driver_status(struct driver *d, uint64_t study_id, struct status_study *out)
{
    (void)d;
    *out = (struct status_study){.id = study_id};
    return ERR_OK;
}

bool driver_is_mending(const struct driver *d)
{
    (void)d;
    return false;
}

void driver_settle_only(struct driver *d, bool is_settling)
{
    (void)d;
    (void)is_settling;
}
