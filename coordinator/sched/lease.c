// SPDX-License-Identifier: Apache-2.0
// lease.c - see lease.h. A dense array, and a map from the task to its place in it.
#include "coordinator/sched/lease.h"

#include "common/base/map.h"

#include <stdlib.h>

struct lease_table {
    struct map by_task;
    struct lease *slots;
    size_t len;
    size_t cap;
};

struct lease_table *lease_table_create(void)
{
    struct lease_table *t = calloc(1, sizeof(*t));
    BUG_ON(!t);
    return t;
}

void lease_table_destroy(struct lease_table *t)
{
    if (!t) {
        return;
    }
    map_fini(&t->by_task);
    free(t->slots);
    free(t);
}

static struct lease *find(const struct lease_table *t, uint64_t task_id)
{
    size_t i;
    return map_get(&t->by_task, task_id, &i) ? &t->slots[i] : NULL;
}

static void grow(struct lease_table *t)
{
    size_t cap = t->cap ? 2 * t->cap : 64;
    struct lease *slots = realloc(t->slots, cap * sizeof(*slots));
    BUG_ON(!slots);
    t->slots = slots;
    t->cap = cap;
}

enum err lease_grant(struct lease_table *t, const struct lease *l)
{
    if (find(t, l->task_id)) {
        return ERR_BUSY;
    }
    if (t->len == t->cap) {
        grow(t);
    }
    map_put(&t->by_task, l->task_id, t->len);
    t->slots[t->len++] = *l;
    return ERR_OK;
}

enum err lease_renew(struct lease_table *t, uint64_t task_id, uint64_t token,
                     uint64_t worker_id, bool has_started, int64_t deadline_ms)
{
    struct lease *l = find(t, task_id);
    if (!l) {
        return ERR_NOTFOUND;
    }
    if (l->token != token || l->worker_id != worker_id) {
        return ERR_STALE;
    }
    l->has_started |= has_started;
    l->deadline_ms = deadline_ms;
    return ERR_OK;
}

void lease_extend_all(struct lease_table *t, int64_t deadline_ms)
{
    for (size_t i = 0; i < t->len; i++) {
        if (t->slots[i].deadline_ms < deadline_ms) {
            t->slots[i].deadline_ms = deadline_ms;
        }
    }
}

enum err lease_settle(struct lease_table *t, uint64_t task_id, uint64_t token)
{
    struct lease *l = find(t, task_id);
    if (!l) {
        return ERR_NOTFOUND;
    }
    if (l->token != token) {
        return ERR_STALE;
    }
    map_remove(&t->by_task, task_id);
    const struct lease *last = &t->slots[--t->len];
    if (l != last) {
        *l = *last;
        map_put(&t->by_task, l->task_id, (size_t)(l - t->slots));
    }
    return ERR_OK;
}

const struct lease *lease_find(const struct lease_table *t, uint64_t task_id)
{
    return find(t, task_id);
}

size_t lease_count(const struct lease_table *t)
{
    return t->len;
}

const struct lease *lease_at(const struct lease_table *t, size_t i)
{
    BUG_ON(i >= t->len);
    return &t->slots[i];
}
