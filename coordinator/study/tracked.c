// SPDX-License-Identifier: Apache-2.0
// tracked.c - a study's place in memory, see tracked.h.
#include "coordinator/study/tracked.h"

#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>

#define TRACKED_CONF_MAX 1048576 // bytes of a resolved study

// The same text lies in the results; whether it is the same, its hash says.
static enum err restore_conf(struct driver *d, const struct study_row *row,
                             struct errinfo *why)
{
    char dir[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    char hash[HASH_HEX_MAX] = "";
    struct buf yaml = BUF_INIT;
    enum err e = tracked_results_dir(d, row->name, dir, why);
    if (e == ERR_OK) {
        e = file_path(path, sizeof(path), why, "%s/study.yaml", dir);
    }
    if (e == ERR_OK) {
        e = file_read(path, TRACKED_CONF_MAX, &yaml, why);
    }
    if (e == ERR_OK) {
        hash_bytes(yaml.data, yaml.len, hash);
    }
    if (e == ERR_OK && strcmp(hash, row->conf) == 0) {
        e = blob_put_bytes(d->blobs, yaml.data, yaml.len, hash, why);
        log_warn("study.mended", "study=%s what=settings", row->name);
    }
    buf_fini(&yaml);
    return e;
}

static enum err load_conf(struct driver *d, const struct study_row *row,
                          struct study_conf **out, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = blob_has(d->blobs, row->conf) ? ERR_OK : restore_conf(d, row, NULL);
    if (e == ERR_OK || e == ERR_NOTFOUND) {
        e = blob_path(d->blobs, row->conf, path, NULL, why);
    }
    if (e != ERR_OK) {
        return err_prefix(why, e, "study %s", row->name);
    }
    struct study_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    e = study_load(path, NULL, 0, conf, why);
    if (e != ERR_OK) {
        free(conf);
        return err_prefix(why, e, "study %s", row->name);
    }
    *out = conf;
    return ERR_OK;
}

static struct tracked *find(const struct driver *d, uint64_t study_id)
{
    struct tracked *t = d->studies;
    while (t && t->id != study_id) {
        t = t->next;
    }
    return t;
}

enum err tracked_open(struct driver *d, uint64_t study_id, struct tracked **out,
                      struct errinfo *why)
{
    *out = find(d, study_id);
    if (*out) {
        return ERR_OK;
    }
    struct study_row row;
    enum err e = study_row_get(d->store, study_id, &row);
    if (e != ERR_OK) {
        return err_set(why, e, "no study %llu", (unsigned long long)study_id);
    }
    struct study_conf *conf = NULL;
    e = load_conf(d, &row, &conf, why);
    if (e != ERR_OK) {
        return e;
    }
    struct tracked *t = calloc(1, sizeof(*t));
    BUG_ON(!t);
    t->driver = d;
    t->id = study_id;
    t->conf = conf;
    t->exhausted_at = TRACKED_NOT_EXHAUSTED;
    t->is_suspect = true; // an earlier process may have found damage
    t->next = d->studies;
    d->studies = t;
    *out = t;
    return ERR_OK;
}

void tracked_reset_slot(struct tracked *t)
{
    BUG_ON(t->slot.state == PLAN_JOB_RUNNING);
    fit_job_destroy(t->slot.fit);
    propose_job_destroy(t->slot.proposals);
    t->slot = (struct job_slot){0};
}

void tracked_destroy(struct tracked *t)
{
    tracked_reset_slot(t);
    devices_fini(&t->devices);
    free(t->conf);
    free(t);
}

void tracked_limit(const struct study_conf *conf, struct task_spec *spec)
{
    spec->memory_bytes = conf->limits.memory_bytes;
    spec->run_s = (uint32_t)conf->limits.run_s;
}

bool tracked_is_over(enum study_state s)
{
    return study_state_is_over(s);
}

enum err tracked_results_dir(const struct driver *d, const char *name,
                             char out[static FILE_PATH_MAX], struct errinfo *why)
{
    return file_path(out, FILE_PATH_MAX, why, "%s/results/%s", d->dir, name);
}
