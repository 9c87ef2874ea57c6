// SPDX-License-Identifier: Apache-2.0
// results.c - see results.h: gathers the parts and replaces the files.
#include "coordinator/study/results.h"

#include "coordinator/pareto/front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NETWORK_MAX_BYTES (1ull << 30) // a dense network is tens of megabytes

struct results *results_create(const char *dir, const struct study_conf *conf,
                               const struct study_row *study)
{
    struct results *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    snprintf(r->dir, sizeof(r->dir), "%s", dir);
    r->conf = *conf;
    r->study = *study;
    return r;
}

void results_destroy(struct results *r)
{
    if (!r) {
        return;
    }
    history_fini(&r->history);
    free(r->front);
    for (int i = 0; i < r->tables.n; i++) {
        free(r->device_fronts[i]);
    }
    fit_fini(&r->fit);
    free(r);
}

struct final_scope results_scope(const struct results *r)
{
    return (struct final_scope){
        .conf = &r->conf,
        .tables = &r->tables,
        .checkpoint = r->study.checkpoint,
        .trials = r->history.trials,
        .n_trials = r->history.n_trials,
    };
}

double results_latency(const struct results *r, int i, const struct arch *a)
{
    double ms;
    return latency_of(r->tables.devices[i].table, a, &r->conf.supernet, &ms) ? ms
                                                                             : INFINITY;
}

// ---- fronts

// What a front is over, beside EER: MACs (-1) or the latency of a table.
static double cost_of(const struct results *r, int table, const struct trial_row *t)
{
    return table < 0 ? (double)t->complexity.macs : results_latency(r, table, &t->arch);
}

// By cost, then EER: the order people read a front in.
static const struct trial_row **find_front(const struct results *r, int table,
                                           size_t *n_out)
{
    struct final_scope scope = results_scope(r);
    size_t cap = r->history.n_trials + 1;
    struct front_point *points = calloc(cap, sizeof(*points));
    size_t *found = calloc(cap, sizeof(*found));
    const struct trial_row **front = calloc(cap, sizeof(struct trial_row *));
    BUG_ON(!front || !points || !found);
    size_t n = 0;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        double cost = cost_of(r, table, t);
        if (t->is_measured && final_is_candidate(&scope, t) && isfinite(cost)) {
            points[n++] = (struct front_point){
                .id = i, .n_objectives = 2, .objective = {cost, t->result.eer_percent}};
        }
    }
    *n_out = front_find(points, n, found);
    for (size_t i = 0; i < *n_out; i++) {
        front[i] = &r->history.trials[points[found[i]].id];
    }
    free(found);
    free(points);
    return front;
}

void results_find_front(struct results *r)
{
    free(r->front);
    r->front = find_front(r, -1, &r->n_front);
    for (int i = 0; i < r->tables.n; i++) {
        free(r->device_fronts[i]);
        r->device_fronts[i] = find_front(r, i, &r->n_device_fronts[i]);
    }
}

// ---- files

static enum err write_text(const struct results *r, const char *name,
                           const struct buf *text, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/%s", r->dir, name);
    return e == ERR_OK ? file_write(path, text->data, text->len, why) : e;
}

static enum err write_device_fronts(const struct results *r, struct errinfo *why)
{
    enum err e = ERR_OK;
    for (int i = 0; i < r->tables.n && e == ERR_OK; i++) {
        char name[DEVICE_NAME_MAX + 16];
        struct buf text = BUF_INIT;
        snprintf(name, sizeof(name), "front-%s.csv", r->tables.devices[i].name);
        results_device_front_csv(r, i, &text);
        e = write_text(r, name, &text, why);
        buf_fini(&text);
    }
    return e;
}

static enum err write_parts(const struct results *r, struct errinfo *why)
{
    static const struct {
        const char *name;
        void (*print)(const struct results *, struct buf *);
    } parts[] = {
        {"trials.csv", results_trials_csv}, {"losses.csv", results_losses_csv},
        {"front.csv", results_front_csv},   {"front.json", results_front_json},
        {"run.json", results_run_json},     {"finetune.csv", results_finetune_csv},
    };
    // The last only where there is something in it.
    size_t n = sizeof(parts) / sizeof(parts[0]) - (study_finetunes(&r->conf) ? 0 : 1);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        struct buf text = BUF_INIT;
        parts[i].print(r, &text);
        e = write_text(r, parts[i].name, &text, why);
        buf_fini(&text);
    }
    return e == ERR_OK ? write_device_fronts(r, why) : e;
}

static enum err write_network(const char *dir, const struct results_network *n,
                              struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e =
        file_path(path, sizeof(path), why, "%s/%s.safetensors", dir, n->target);
    struct buf bytes = BUF_INIT;
    if (e == ERR_OK) {
        e = file_read(n->blob_path, NETWORK_MAX_BYTES, &bytes, why);
    }
    if (e == ERR_OK) {
        e = file_write(path, bytes.data, bytes.len, why);
    }
    buf_fini(&bytes);
    return e;
}

static enum err write_networks(const struct results *r, struct errinfo *why)
{
    char dir[FILE_PATH_MAX];
    enum err e = file_path(dir, sizeof(dir), why, "%s/networks", r->dir);
    if (e == ERR_OK && r->n_networks > 0) {
        e = file_make_dirs(dir, why);
    }
    for (size_t i = 0; i < r->n_networks && e == ERR_OK; i++) {
        e = write_network(dir, &r->networks[i], why);
    }
    return e;
}

// Networks first: front.json names only files that are there.
enum err results_write(struct results *r, struct errinfo *why)
{
    provenance_read(&r->provenance);
    results_find_front(r);
    enum err e = file_make_dirs(r->dir, why);
    if (e == ERR_OK && r->fit_path[0]) {
        fit_fini(&r->fit);
        e = fit_load(r->fit_path, &r->fit, why);
    }
    if (e == ERR_OK) {
        e = write_networks(r, why);
    }
    if (e == ERR_OK) {
        e = results_devices_write(&r->devices, r->dir, why);
    }
    return e == ERR_OK ? write_parts(r, why) : e;
}
