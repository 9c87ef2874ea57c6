// SPDX-License-Identifier: Apache-2.0
// avoid.c - see avoid.h. A dense array, and a map from the task to its place in it.
#include "coordinator/sched/avoid.h"

#include "common/base/err.h"
#include "common/base/map.h"

#include <stdlib.h>

struct entry {
    uint64_t task_id;
    uint64_t who;
    int64_t until_ms;
};

struct avoid {
    struct map by_task;
    struct entry *entries;
    size_t len;
    size_t cap;
};

struct avoid *avoid_create(void)
{
    struct avoid *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    return a;
}

void avoid_destroy(struct avoid *a)
{
    if (a) {
        map_fini(&a->by_task);
        free(a->entries);
        free(a);
    }
}

// FNV-1a.
uint64_t avoid_who(const char *worker_name)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *c = worker_name; *c; c++) {
        h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    return h;
}

static struct entry *find(const struct avoid *a, uint64_t task_id)
{
    size_t i;
    return map_get(&a->by_task, task_id, &i) ? &a->entries[i] : NULL;
}

static struct entry *append(struct avoid *a, uint64_t task_id)
{
    if (a->len == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 64;
        struct entry *entries = realloc(a->entries, cap * sizeof(*entries));
        BUG_ON(!entries);
        a->entries = entries;
        a->cap = cap;
    }
    map_put(&a->by_task, task_id, a->len);
    return &a->entries[a->len++];
}

void avoid_note(struct avoid *a, uint64_t task_id, uint64_t who, int64_t until_ms)
{
    struct entry *e = find(a, task_id);
    if (!e && a->len == AVOID_MAX) {
        return;
    }
    if (!e) {
        e = append(a, task_id);
    }
    *e = (struct entry){task_id, who, until_ms};
}

bool avoid_says(const struct avoid *a, uint64_t task_id, uint64_t who, int64_t now_ms)
{
    const struct entry *e = find(a, task_id);
    return e && e->who == who && now_ms < e->until_ms;
}

void avoid_forget(struct avoid *a, uint64_t task_id)
{
    struct entry *e = find(a, task_id);
    if (!e) {
        return;
    }
    map_remove(&a->by_task, task_id);
    const struct entry *last = &a->entries[--a->len];
    if (e != last) {
        *e = *last;
        map_put(&a->by_task, e->task_id, (size_t)(e - a->entries));
    }
}

size_t avoid_count(const struct avoid *a)
{
    return a->len;
}
