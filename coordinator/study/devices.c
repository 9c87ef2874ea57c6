// SPDX-License-Identifier: Apache-2.0
// devices.c - see devices.h. One function per state of a device, chosen by table.
#include "coordinator/study/devices.h"

#include "common/base/log.h"
#include "common/space/latency_cover.h"
#include "coordinator/study/measured.h"
#include "coordinator/study/tracked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A network's share of the budget, in seconds, below which coarser tables are made
// instead: starting a runner and warming up take a part of it.
#define NETWORK_MIN_MS 1000
#define NETWORK_MAX_MS 20000 // more would not make a median better

enum part { PART_TABLE, PART_HOLDOUT };

struct step { // one device of one study
    struct driver *driver;
    struct tracked *tracked;
    const struct study_row *study;
    int place; // in the study file
    const struct study_device *conf;
    struct device_row row;
    bool is_new;     // the row is not in the store yet
    bool is_changed; // it was moved on
};

// ---- tasks

static bool add_row(void *arg, const struct task_row *row)
{
    measured_add(arg, row);
    return true;
}

static enum err load_part(struct store *store, uint64_t study_id, int place,
                          enum part part, struct measured_list *out,
                          struct errinfo *why)
{
    *out = (struct measured_list){0};
    enum err e = task_each_of_round(
        store, study_id, TASK_MEASURE_STAGE + (uint32_t)place, part, add_row, out, why);
    if (e != ERR_OK) {
        measured_fini(out);
        return e;
    }
    measured_count(out);
    return ERR_OK;
}

static enum err add_task(struct driver *d, struct task_row *row, struct errinfo *why)
{
    enum err e = task_insert(d->store, row, why);
    if (e == ERR_OK) {
        d->hooks.task_added(d->hooks.arg, row);
    }
    return e;
}

static enum err add_network(const struct step *s, enum part part, size_t i,
                            const struct arch *a, uint32_t budget_ms,
                            struct errinfo *why)
{
    const struct study_measure *m = &s->conf->measure;
    struct task_row row = {.study_id = s->study->id,
                           .stage = TASK_MEASURE_STAGE + (uint32_t)s->place,
                           .round = part,
                           .shard = (uint32_t)i};
    row.spec.kind = TASK_MEASURE;
    memcpy(row.spec.study, s->study->conf, sizeof(row.spec.study));
    row.spec.measure = (struct measure_task){.batch = (uint32_t)m->batch,
                                             .frames = (uint32_t)m->frames,
                                             .threads = (uint32_t)m->threads,
                                             .budget_ms = budget_ms};
    arch_print(a, row.spec.measure.architecture);
    memcpy(row.spec.measure.device, s->conf->name, sizeof(row.spec.measure.device));
    tracked_limit(s->tracked->conf, &row.spec);
    return add_task(s->driver, &row, why);
}

// ---- the start

static uint32_t share_ms(const struct study_measure *m, size_t n_networks)
{
    uint64_t ms = m->budget_s * 1000 / (n_networks > 0 ? n_networks : 1);
    return (uint32_t)(ms < 1 ? 1 : ms > NETWORK_MAX_MS ? NETWORK_MAX_MS : ms);
}

// The held-out ones lie evenly among the others: should the machine's pace drift, it
// does so for both alike.
static enum err add_networks(const struct step *s, const struct arch *cover, size_t n,
                             const struct arch *holdout, size_t n_holdout,
                             struct errinfo *why)
{
    uint32_t budget_ms = share_ms(&s->conf->measure, n + n_holdout);
    enum err e = ERR_OK;
    size_t done = 0;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        e = add_network(s, PART_TABLE, i, &cover[i], budget_ms, why);
        while (e == ERR_OK && done * n < (i + 1) * n_holdout) {
            e = add_network(s, PART_HOLDOUT, done, &holdout[done], budget_ms, why);
            done++;
        }
    }
    log_info("device.measuring",
             "study=%s device=%s networks=%zu held_out=%zu budget_ms=%u",
             s->study->name, s->conf->name, n, n_holdout, budget_ms);
    return e;
}

static enum err begin_measuring(struct step *s, struct errinfo *why)
{
    const struct study_measure *m = &s->conf->measure;
    const struct study_conf *conf = s->tracked->conf;
    uint64_t n_fit = m->budget_s * 1000 / NETWORK_MIN_MS;
    size_t n_max = n_fit > m->holdout ? (size_t)(n_fit - m->holdout) : 1;
    struct arch *cover = NULL;
    struct arch *holdout = calloc(m->holdout, sizeof(*holdout));
    BUG_ON(!holdout);
    size_t n = latency_cover_within(&conf->space, n_max, conf->seed, &cover);
    size_t n_holdout =
        latency_holdout(&conf->space, conf->seed, cover, n, m->holdout, holdout);
    enum err e = add_networks(s, cover, n, holdout, n_holdout, why);
    free(cover);
    free(holdout);
    return e;
}

static enum err keep_text(const struct step *s, const struct buf *text,
                          char hash[static HASH_HEX_MAX], struct errinfo *why)
{
    return blob_put_bytes(s->driver->blobs, text->data ? text->data : "", text->len,
                          hash, why);
}

static enum err keep_table(struct step *s, const struct latency_table *t,
                           struct errinfo *why)
{
    struct buf csv = BUF_INIT;
    latency_table_print(t, &csv);
    enum err e = keep_text(s, &csv, s->row.latencies, why);
    buf_fini(&csv);
    return e;
}

static void fail(struct step *s, const char *error)
{
    s->row.state = DEVICE_FAILED;
    snprintf(s->row.error, sizeof(s->row.error), "%s", error);
    s->is_changed = true;
}

// The file's content becomes an artifact: the study does not change with the file.
static enum err import(struct step *s, struct errinfo *why)
{
    struct latency_table *t = NULL;
    struct errinfo unread = {0};
    s->is_changed = true;
    if (latency_table_load(s->conf->latency_table, &t, &unread) != ERR_OK) {
        fail(s, unread.text);
        return ERR_OK;
    }
    enum err e = keep_table(s, t, why);
    s->row.n_units = (uint32_t)latency_table_count(t);
    s->row.state = DEVICE_DONE;
    latency_table_destroy(t);
    return e;
}

// ---- measuring, checking

static void describe(struct step *s, const struct measured_list *l, const char *what)
{
    struct devices *d = &s->tracked->devices;
    if (d->detail[0] == '\0') {
        snprintf(d->detail, sizeof(d->detail),
                 "%s on %s: %zu of %zu networks (by workers started with --device %s)",
                 what, s->conf->name, l->n - l->n_open, l->n, s->conf->name);
    }
}

static enum err end_measuring(struct step *s, const struct measured_list *l,
                              struct errinfo *why)
{
    if (l->n_done == 0) {
        char last[LIMIT_TEXT] = "";
        enum err e = task_last_error(s->driver->store, l->items[0].task_id, last);
        char error[LIMIT_TEXT];
        snprintf(error, sizeof(error), "no network could be measured: %s", last);
        fail(s, error);
        return e;
    }
    const struct net_dims *dims = &s->tracked->conf->supernet;
    struct latency_table *t = measured_table(l, s->conf, dims, &s->row);
    enum err e = keep_table(s, t, why);
    latency_table_destroy(t);
    s->row.state = DEVICE_CHECKING;
    s->is_changed = true;
    log_info("device.table",
             "study=%s device=%s units=%u networks=%u noisy=%u failed=%u",
             s->study->name, s->row.name, s->row.n_units, s->row.n_networks,
             s->row.n_noisy, s->row.n_failed);
    return e;
}

static enum err step_measuring(struct step *s, struct errinfo *why)
{
    if (s->conf->latency_table[0]) {
        return import(s, why);
    }
    struct measured_list l;
    enum err e =
        load_part(s->driver->store, s->study->id, s->place, PART_TABLE, &l, why);
    if (e != ERR_OK) {
        return e;
    }
    if (l.n == 0) {
        s->is_changed = true;
        e = begin_measuring(s, why);
    } else if (l.n_open == 0) {
        e = end_measuring(s, &l, why);
    } else {
        describe(s, &l, "measuring");
    }
    measured_fini(&l);
    return e;
}

static enum err open_table(const struct step *s, struct latency_table **out,
                           struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = blob_path(s->driver->blobs, s->row.latencies, path, NULL, why);
    if (e == ERR_OK) {
        e = latency_table_load(path, out, why);
    }
    return e == ERR_OK ? e : err_prefix(why, ERR_CORRUPT, "device %s", s->row.name);
}

static enum err check(struct step *s, const struct measured_list *cover,
                      const struct measured_list *holdout, struct errinfo *why)
{
    const struct net_dims *dims = &s->tracked->conf->supernet;
    struct latency_table *t = NULL;
    enum err e = open_table(s, &t, why);
    if (e != ERR_OK) {
        return e;
    }
    struct buf csv = BUF_INIT;
    measured_check(holdout, t, dims, &s->row);
    measured_print(cover, holdout, t, dims, &csv);
    e = keep_table(s, t, why);
    if (e == ERR_OK) {
        e = keep_text(s, &csv, s->row.measured, why);
    }
    buf_fini(&csv);
    latency_table_destroy(t);
    s->row.state = DEVICE_DONE;
    s->is_changed = true;
    log_info("device.checked",
             "study=%s device=%s held_out=%u spearman=%.4f median_error=%.4f "
             "p95_error=%.4f",
             s->study->name, s->row.name, s->row.n_holdout, s->row.spearman,
             s->row.median_error, s->row.p95_error);
    return e;
}

static enum err step_checking(struct step *s, struct errinfo *why)
{
    struct measured_list cover = {0};
    struct measured_list holdout;
    struct store *store = s->driver->store;
    enum err e = load_part(store, s->study->id, s->place, PART_HOLDOUT, &holdout, why);
    if (e != ERR_OK) {
        return e;
    }
    if (holdout.n_open > 0) {
        describe(s, &holdout, "checking the latency table");
    } else {
        e = load_part(store, s->study->id, s->place, PART_TABLE, &cover, why);
        if (e == ERR_OK) {
            e = check(s, &cover, &holdout, why);
        }
    }
    measured_fini(&cover);
    measured_fini(&holdout);
    return e;
}

static enum err step_over(struct step *s, struct errinfo *why)
{
    (void)s;
    (void)why;
    return ERR_OK;
}

// ---- all devices

struct rows {
    struct device_row items[STUDY_DEVICES_MAX];
    int n;
};

static bool add_device(void *arg, const struct device_row *row)
{
    struct rows *r = arg;
    BUG_ON(r->n == STUDY_DEVICES_MAX);
    r->items[r->n++] = *row;
    return true;
}

static const struct device_row *find_row(const struct rows *r, const char *name)
{
    for (int i = 0; i < r->n; i++) {
        if (strcmp(r->items[i].name, name) == 0) {
            return &r->items[i];
        }
    }
    return NULL;
}

static void start_step(struct step *s, const struct rows *rows)
{
    const struct device_row *row = find_row(rows, s->conf->name);
    s->is_new = !row;
    if (row) {
        s->row = *row;
        return;
    }
    s->row = (struct device_row){.study_id = s->study->id, .state = DEVICE_MEASURING};
    memcpy(s->row.name, s->conf->name, sizeof(s->row.name));
}

static enum err write_row(const struct step *s, struct errinfo *why)
{
    if (s->is_new) {
        return device_row_insert(s->driver->store, &s->row, why);
    }
    return s->is_changed ? device_row_update(s->driver->store, &s->row, why) : ERR_OK;
}

// As far as it goes without waiting.
static enum err run_step(struct step *s, struct errinfo *why)
{
    static enum err (*const by_state[])(struct step *, struct errinfo *) = {
        [DEVICE_MEASURING] = step_measuring,
        [DEVICE_CHECKING] = step_checking,
        [DEVICE_DONE] = step_over,
        [DEVICE_FAILED] = step_over,
    };
    enum device_state before;
    enum err e = ERR_OK;
    do {
        before = s->row.state;
        BUG_ON(before < DEVICE_MEASURING || before > DEVICE_FAILED);
        e = by_state[before](s, why);
    } while (e == ERR_OK && s->row.state != before);
    return e == ERR_OK ? write_row(s, why) : e;
}

// Tables in memory, in the study's order: those that are there.
static enum err keep_in_memory(const struct step *s, struct errinfo *why)
{
    struct devices *d = &s->tracked->devices;
    if (s->row.latencies[0] && !d->tables[s->place]) {
        return open_table(s, &d->tables[s->place], why);
    }
    return ERR_OK;
}

// Once all are there the list stays as it is: jobs beside the loop read it.
static void list_tables(struct tracked *t)
{
    if (t->tables.n + (int)t->devices.n_missing == t->conf->n_devices) {
        return;
    }
    t->tables.n = 0;
    for (int i = 0; i < t->conf->n_devices; i++) {
        if (t->devices.tables[i]) {
            struct problem_device *p = &t->tables.devices[t->tables.n++];
            memcpy(p->name, t->conf->devices[i].name, sizeof(p->name));
            p->table = t->devices.tables[i];
        }
    }
}

static enum err advance_one(struct step *s, const struct rows *rows,
                            char error[static LIMIT_TEXT], struct errinfo *why)
{
    struct devices *devices = &s->tracked->devices;
    start_step(s, rows);
    bool is_over =
        tracked_is_over(s->study->state); // then only what is there is of use
    enum err e = is_over ? ERR_OK : run_step(s, why);
    if (e == ERR_OK) {
        e = keep_in_memory(s, why);
    }
    devices->n_missing += !devices->tables[s->place];
    devices->n_open += s->row.state < DEVICE_DONE;
    if (e == ERR_OK && !is_over && s->row.state == DEVICE_FAILED && !error[0]) {
        snprintf(error, LIMIT_TEXT, "device %s: %.400s", s->row.name, s->row.error);
    }
    return e;
}

enum err devices_advance(struct driver *d, struct tracked *t,
                         const struct study_row *study, char error[static LIMIT_TEXT],
                         struct errinfo *why)
{
    error[0] = '\0';
    if (t->devices.is_known || t->conf->n_devices == 0) {
        return ERR_OK;
    }
    struct rows *rows = calloc(1, sizeof(*rows));
    BUG_ON(!rows);
    bool is_changed = false;
    enum err e = device_row_each(d->store, study->id, add_device, rows, why);
    t->devices.n_missing = t->devices.n_open = 0;
    t->devices.detail[0] = '\0';
    for (int i = 0; i < t->conf->n_devices && e == ERR_OK; i++) {
        struct step s = {.driver = d,
                         .tracked = t,
                         .study = study,
                         .place = i,
                         .conf = &t->conf->devices[i]};
        e = advance_one(&s, rows, error, why);
        is_changed |= s.is_changed;
    }
    free(rows);
    if (e == ERR_OK) {
        list_tables(t);
    }
    // What was written may be rolled back: then it has to be looked at again.
    t->devices.is_known = e == ERR_OK && !is_changed && error[0] == '\0';
    t->is_refresh_due |= is_changed;
    return e;
}

void devices_task_ended(struct tracked *t)
{
    t->devices.is_known = false;
}

// ---- a study that is tried again

static enum err try_again(struct driver *d, const struct measured_list *l,
                          struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < l->n && e == ERR_OK; i++) {
        const struct measured *m = &l->items[i];
        struct task_row row;
        if (m->state != TASK_CANCELLED && m->state != TASK_BURIED) {
            continue;
        }
        e = task_get(d->store, m->task_id, &row);
        if (e == ERR_OK) {
            row.not_before_ms = 0;
            e = add_task(d, &row, why);
        }
    }
    return e;
}

static enum err again_one(struct driver *d, uint64_t study_id, int place,
                          struct device_row *row, struct errinfo *why)
{
    enum err e = ERR_OK;
    if (row->state == DEVICE_DONE) {
        return ERR_OK;
    }
    for (enum part part = PART_TABLE; part <= PART_HOLDOUT && e == ERR_OK; part++) {
        struct measured_list l;
        e = load_part(d->store, study_id, place, part, &l, why);
        if (e == ERR_OK) {
            e = try_again(d, &l, why);
            measured_fini(&l);
        }
    }
    if (e == ERR_OK && row->state == DEVICE_FAILED) {
        row->state = DEVICE_MEASURING;
        row->error[0] = '\0';
        e = device_row_update(d->store, row, why);
    }
    return e;
}

enum err devices_again(struct driver *d, const struct study_conf *conf,
                       const struct study_row *study, struct errinfo *why)
{
    struct rows *rows = calloc(1, sizeof(*rows));
    BUG_ON(!rows);
    enum err e = device_row_each(d->store, study->id, add_device, rows, why);
    for (int i = 0; i < conf->n_devices && e == ERR_OK; i++) {
        for (int j = 0; j < rows->n && e == ERR_OK; j++) {
            if (strcmp(rows->items[j].name, conf->devices[i].name) == 0) {
                e = again_one(d, study->id, i, &rows->items[j], why);
            }
        }
    }
    free(rows);
    for (struct tracked *t = d->studies; t; t = t->next) {
        t->devices.is_known = t->devices.is_known && t->id != study->id;
    }
    return e;
}

void devices_fini(struct devices *d)
{
    for (int i = 0; i < STUDY_DEVICES_MAX; i++) {
        latency_table_destroy(d->tables[i]);
    }
}
