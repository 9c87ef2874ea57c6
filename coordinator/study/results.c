// SPDX-License-Identifier: Apache-2.0
// results.c - see results.h: gathers the parts and replaces the files.
#include "coordinator/study/results.h"

#include "coordinator/pareto/front.h"

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
    free(r);
}

struct final_scope results_scope(const struct results *r)
{
    return (struct final_scope){
        .conf = &r->conf,
        .checkpoint = r->study.checkpoint,
        .trials = r->history.trials,
        .n_trials = r->history.n_trials,
    };
}

// By MACs, then EER: the order people read a front in.
void results_find_front(struct results *r)
{
    struct final_scope scope = results_scope(r);
    size_t cap = r->history.n_trials + 1;
    const struct trial_row **candidates = calloc(cap, sizeof(struct trial_row *));
    struct front_point *points = calloc(cap, sizeof(*points));
    size_t *found = calloc(cap, sizeof(*found));
    BUG_ON(!candidates || !points || !found);
    size_t n = 0;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->is_measured && final_is_candidate(&scope, t)) {
            candidates[n] = t;
            points[n++] = (struct front_point){
                .id = t->id,
                .n_objectives = 2,
                .objective = {(double)t->complexity.macs, t->result.eer_percent}};
        }
    }
    r->n_front = front_find(points, n, found);
    free(r->front);
    r->front = calloc(r->n_front + 1, sizeof(struct trial_row *));
    BUG_ON(!r->front);
    for (size_t i = 0; i < r->n_front; i++) {
        r->front[i] = candidates[found[i]];
    }
    free(found);
    free(points);
    free(candidates);
}

static enum err write_part(const struct results *r, const char *name,
                           void (*print)(const struct results *, struct buf *),
                           struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/%s", r->dir, name);
    if (e != ERR_OK) {
        return e;
    }
    struct buf text = BUF_INIT;
    print(r, &text);
    e = file_write(path, text.data, text.len, why);
    buf_fini(&text);
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
        {"run.json", results_run_json},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && e == ERR_OK; i++) {
        e = write_part(r, parts[i].name, parts[i].print, why);
    }
    return e;
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
    if (e == ERR_OK) {
        e = write_networks(r, why);
    }
    if (e == ERR_OK) {
        e = results_devices_write(&r->devices, r->dir, why);
    }
    return e == ERR_OK ? write_parts(r, why) : e;
}
