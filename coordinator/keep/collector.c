// SPDX-License-Identifier: Apache-2.0
// collector.c - see collector.h.
#include "coordinator/keep/collector.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/blob/retire.h"

#include <stdlib.h>

struct collector {
    uv_loop_t *loop;
    char dir[FILE_PATH_MAX];
    char blob_dir[FILE_PATH_MAX];
    struct collect_rules rules;
    void *arg;
    bool (*is_in_use)(void *arg, const char *hash);
    uv_timer_t timer;
    uv_work_t work;
    bool is_working, is_timer_closed, is_stopping;
    bool is_hurried;
    int64_t began_ms;
    struct collect_rules now; // of the job in flight
    struct collect_list list;
    size_t n_removed; // of the job in flight; then:
    uint64_t removed_bytes;
    enum err code;
    struct errinfo why;
};

static enum err look(struct collector *c, struct store *s, struct blob_store *blobs)
{
    return collect_find(s, blobs, &c->now, clock_wall_ms() * 1000000, &c->list,
                        &c->why);
}

// ---- on the pool

static void look_on_pool(uv_work_t *work)
{
    struct collector *c = work->data;
    struct store *s = NULL;
    struct blob_store *blobs = NULL;
    c->code = store_open_readonly(c->dir, &s, &c->why);
    if (c->code == ERR_OK) {
        c->code = blob_store_open(c->blob_dir, NULL, &blobs, &c->why);
    }
    if (c->code == ERR_OK) {
        c->code = look(c, s, blobs);
    }
    blob_store_close(blobs);
    store_close(s);
}

static void remove_on_pool(uv_work_t *work)
{
    struct collector *c = work->data;
    struct blob_store *blobs = NULL;
    c->n_removed = 0;
    c->removed_bytes = 0;
    c->code = blob_store_open(c->blob_dir, NULL, &blobs, &c->why);
    for (size_t i = 0; i < c->list.n && c->code == ERR_OK; i++) {
        const struct blob_entry *item = &c->list.items[i];
        enum err e = blob_retire(blobs, item->hash, item->modified_ns, &c->why);
        if (e == ERR_OK) {
            c->n_removed++;
            c->removed_bytes += item->size_bytes;
        } else if (e != ERR_STALE && e != ERR_NOTFOUND) {
            c->code = e;
        }
    }
    blob_store_close(blobs);
}

// ---- on the loop

static void on_timer(uv_timer_t *timer);

static uint64_t rest_ms(const struct collector *c)
{
    uint64_t worked_ms = (uint64_t)(clock_mono_ms() - c->began_ms);
    uint64_t least_ms = c->is_hurried ? COLLECTOR_HURRY_MS : COLLECTOR_REST_MS;
    uint64_t fair_ms = (c->is_hurried ? 10 : 100) * worked_ms;
    return fair_ms > least_ms ? fair_ms : least_ms;
}

static void rest(struct collector *c)
{
    if (c->code != ERR_OK) { // costs disk, nothing else
        log_warn("collector.failed", "code=%s why=\"%s\"", err_name(c->code),
                 c->why.text);
    }
    collect_list_fini(&c->list);
    c->is_working = false;
    if (!c->is_stopping) {
        BUG_ON(uv_timer_start(&c->timer, on_timer, rest_ms(c), 0) != 0);
    }
}

static void after_removing(uv_work_t *work, int status)
{
    struct collector *c = work->data;
    (void)status; // never cancelled
    if (c->n_removed > 0) {
        log_info("artifacts.removed", "n=%zu bytes=%llu", c->n_removed,
                 (unsigned long long)c->removed_bytes);
    }
    rest(c);
}

static void keep_used(struct collector *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->list.n; i++) {
        if (!c->is_in_use(c->arg, c->list.items[i].hash)) {
            c->list.items[n++] = c->list.items[i];
        }
    }
    c->list.n = n;
}

static void after_looking(uv_work_t *work, int status)
{
    struct collector *c = work->data;
    (void)status;
    if (c->code == ERR_OK && !c->is_stopping) {
        keep_used(c);
    }
    if (c->code != ERR_OK || c->is_stopping || c->list.n == 0) {
        rest(c);
        return;
    }
    BUG_ON(uv_queue_work(c->loop, work, remove_on_pool, after_removing) != 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct collector *c = timer->data;
    c->is_working = true;
    c->began_ms = clock_mono_ms();
    c->now = c->rules;
    if (c->is_hurried) {
        c->now.superseded_ms = COLLECTOR_HURRY_MS;
    }
    BUG_ON(uv_queue_work(c->loop, &c->work, look_on_pool, after_looking) != 0);
}

void collector_hurry(struct collector *c, bool is_hurried)
{
    bool is_new = is_hurried && !c->is_hurried;
    c->is_hurried = is_hurried;
    if (is_new && !c->is_working) {
        BUG_ON(uv_timer_start(&c->timer, on_timer, 0, 0) != 0);
    }
}

enum err collector_create(const struct collector_setup *setup, struct collector **out,
                          struct errinfo *why)
{
    struct collector *c = calloc(1, sizeof(*c));
    BUG_ON(!c);
    c->loop = setup->loop;
    c->rules = setup->rules;
    c->arg = setup->arg;
    c->is_in_use = setup->is_in_use;
    enum err e = file_path(c->dir, sizeof(c->dir), why, "%s", setup->dir);
    if (e == ERR_OK) {
        e = file_path(c->blob_dir, sizeof(c->blob_dir), why, "%s", setup->blob_dir);
    }
    if (e != ERR_OK) {
        free(c);
        return e;
    }
    BUG_ON(uv_timer_init(c->loop, &c->timer) != 0);
    c->timer.data = c->work.data = c;
    BUG_ON(uv_timer_start(&c->timer, on_timer, COLLECTOR_REST_MS, 0) != 0);
    *out = c;
    return ERR_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    ((struct collector *)handle->data)->is_timer_closed = true;
}

void collector_destroy(struct collector *c)
{
    if (!c) {
        return;
    }
    c->is_stopping = true;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    while (c->is_working || !c->is_timer_closed) {
        uv_run(c->loop, UV_RUN_ONCE);
    }
    free(c);
}
