// SPDX-License-Identifier: Apache-2.0
// bench_driver.c - stands in for coordinator/study in bench_coordinator: one study
// whose EVALUATE tasks never run out. Everything else of that program is the
// coordinator's.
//
// VOXARCH_BENCH_READY tasks (default 512, 0 = none) are kept READY: those that ended
// are replaced in the turn after.
#include "coordinator/report/report.h"
#include "coordinator/study/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_DEFAULT 512

struct driver {
    struct driver_setup setup;
    uint64_t study_id;
    uint32_t n_wanted, n_ready;
};

static uint32_t wanted(void)
{
    const char *text = getenv("VOXARCH_BENCH_READY"); // NOLINT(concurrency-mt-unsafe)
    return text ? (uint32_t)strtoul(text, NULL, 10) : READY_DEFAULT;
}

static enum err find_study(struct driver *d, struct errinfo *why)
{
    struct study_row study = {.name = "bench", .state = STUDY_SEARCHING};
    enum err e = study_row_by_name(d->setup.store, study.name, &study);
    if (e == ERR_NOTFOUND) {
        e = store_begin(d->setup.store, why);
        e = e == ERR_OK ? study_row_insert(d->setup.store, &study, why) : e;
        e = e == ERR_OK ? store_commit(d->setup.store, why) : e;
    }
    d->study_id = study.id;
    return e;
}

enum err driver_create(const struct driver_setup *setup, struct driver **out,
                       struct errinfo *why)
{
    struct driver *d = calloc(1, sizeof(*d));
    BUG_ON(!d);
    d->setup = *setup;
    d->n_wanted = wanted();
    enum err e = find_study(d, why);
    struct task_counts n = {0};
    if (e == ERR_OK) {
        e = task_count(setup->store, d->study_id, &n);
    }
    d->n_ready = n.ready + n.leased;
    *out = d;
    d->setup.hooks.study_changed(d->setup.hooks.arg, d->study_id);
    return e;
}

void driver_destroy(struct driver *d)
{
    free(d);
}

enum err driver_add_study(struct driver *d, const struct study_conf *conf,
                          uint64_t *study_id, struct errinfo *why)
{
    (void)d;
    (void)conf;
    *study_id = 0;
    return err_set(why, ERR_INPUT, "the benchmark has one study, its own");
}

// As long as a real one: 250 bytes of specification.
static void fill(const struct driver *d, struct task_row *row)
{
    *row = (struct task_row){.study_id = d->study_id, .trial_id = 1};
    row->spec.kind = TASK_EVALUATE;
    memset(row->spec.study, 'a', HASH_HEX_LEN);
    memset(row->spec.pack, 'b', HASH_HEX_LEN);
    memset(row->spec.checkpoint, 'c', HASH_HEX_LEN);
    row->spec.evaluate.protocol = 1;
    snprintf(row->spec.evaluate.architecture, ARCH_STRING_MAX,
             "3-512-512-512-512-5-3-3-3-1536");
}

enum err driver_advance(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)study_id;
    struct task_row row;
    fill(d, &row);
    enum err e = ERR_OK;
    uint32_t n_added = 0;
    for (; e == ERR_OK && d->n_ready + n_added < d->n_wanted; n_added++) {
        e = task_insert(d->setup.store, &row, why);
        if (e == ERR_OK) {
            d->setup.hooks.task_added(d->setup.hooks.arg, &row);
        }
    }
    d->n_ready += e == ERR_OK ? n_added : 0;
    return e;
}

enum err driver_task_ended(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    (void)row;
    (void)why;
    d->n_ready--;
    return ERR_OK;
}

enum err driver_status(struct driver *d, uint64_t study_id, struct status_study *out)
{
    *out = (struct status_study){.id = study_id, .tasks_ready = d->n_ready};
    snprintf(out->name, sizeof(out->name), "bench");
    snprintf(out->state, sizeof(out->state), "searching");
    return ERR_OK;
}

bool driver_is_idle(const struct driver *d)
{
    (void)d;
    return false;
}

enum err report_write(const struct results *r, struct errinfo *why)
{
    (void)r;
    (void)why;
    return ERR_OK;
}

// ---- what this study never needs

void driver_settle_only(struct driver *d, bool is_settling)
{
    (void)d;
    (void)is_settling;
}

bool driver_uses(const struct driver *d, const char *hash)
{
    (void)d;
    (void)hash;
    return false;
}

void driver_artifact_lost(struct driver *d)
{
    (void)d;
}

bool driver_is_mending(const struct driver *d)
{
    (void)d;
    return false;
}

enum err driver_wants_task(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    (void)d;
    (void)row;
    return err_set(why, ERR_STALE, "the benchmark buries no tasks");
}

enum err driver_task_back(struct driver *d, const struct task_row *row,
                          struct errinfo *why)
{
    (void)d;
    (void)row;
    return err_set(why, ERR_STALE, "the benchmark buries no tasks");
}

enum err driver_go_on(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    (void)study_id;
    return err_set(why, ERR_STALE, "the benchmark's study does not fail");
}

enum err driver_cancel_study(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    (void)study_id;
    return err_set(why, ERR_STALE, "the benchmark's study does not end");
}
