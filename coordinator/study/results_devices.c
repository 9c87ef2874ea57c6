// SPDX-License-Identifier: Apache-2.0
// results_devices.c - see results_devices.h.
#include "coordinator/study/results_devices.h"

#include <jansson.h>
#include <stdlib.h>

#define TABLE_MAX_BYTES (64u << 20) // as one that is read

static bool add_row(void *arg, const struct device_row *row)
{
    struct results_devices *d = arg;
    BUG_ON(d->n == STUDY_DEVICES_MAX);
    d->items[d->n++] = (struct results_device){.row = *row};
    return true;
}

static enum err find(struct blob_store *blobs, const char *hash,
                     char out[static FILE_PATH_MAX], struct errinfo *why)
{
    return hash[0] ? blob_path(blobs, hash, out, NULL, why) : ERR_OK;
}

enum err results_devices_load(struct results_devices *d, struct store *s,
                              struct blob_store *blobs, uint64_t study_id,
                              struct errinfo *why)
{
    d->n = 0;
    enum err e = device_row_each(s, study_id, add_row, d, why);
    for (size_t i = 0; i < d->n && e == ERR_OK; i++) {
        struct results_device *item = &d->items[i];
        e = find(blobs, item->row.latencies, item->table_path, why);
        if (e == ERR_OK) {
            e = find(blobs, item->row.measured, item->measured_path, why);
        }
    }
    return e;
}

static enum err copy(const char *from, const char *dir, const char *what,
                     const char *device, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    if (from[0] == '\0') {
        return ERR_OK;
    }
    enum err e = file_path(path, sizeof(path), why, "%s/%s_%s.csv", dir, what, device);
    struct buf bytes = BUF_INIT;
    if (e == ERR_OK) {
        e = file_read(from, TABLE_MAX_BYTES, &bytes, why);
    }
    if (e == ERR_OK) {
        e = file_write(path, bytes.data, bytes.len, why);
    }
    buf_fini(&bytes);
    return e;
}

enum err results_devices_write(const struct results_devices *d, const char *dir,
                               struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < d->n && e == ERR_OK; i++) {
        const struct results_device *item = &d->items[i];
        e = copy(item->table_path, dir, "latency", item->row.name, why);
        if (e == ERR_OK) {
            e = copy(item->measured_path, dir, "measured", item->row.name, why);
        }
    }
    return e;
}

static void add_quality(json_t *o, const struct device_row *row)
{
    json_t *quality = json_pack(
        "{s:I, s:f, s:f, s:f}", "networks", (json_int_t)row->n_holdout, "spearman",
        row->spearman, "median_error", row->median_error, "p95_error", row->p95_error);
    BUG_ON(!quality || json_object_set_new(o, "held_out", quality) != 0);
}

struct json_t *results_devices_json(const struct results_devices *d)
{
    json_t *list = json_array();
    BUG_ON(!list);
    for (size_t i = 0; i < d->n; i++) {
        const struct device_row *row = &d->items[i].row;
        json_t *o =
            json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "name", row->name, "state",
                      device_state_name(row->state), "units", (json_int_t)row->n_units,
                      "networks", (json_int_t)row->n_networks, "noisy",
                      (json_int_t)row->n_noisy, "failed", (json_int_t)row->n_failed);
        BUG_ON(!o);
        if (row->measured[0]) {
            add_quality(o, row);
        }
        BUG_ON(json_array_append_new(list, o) != 0);
    }
    return list;
}
