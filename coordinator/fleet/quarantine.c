// SPDX-License-Identifier: Apache-2.0
// quarantine.c - see quarantine.h. A dense array: only names that failed last, and
// those out of good standing, have a record, and they are few.
#include "coordinator/fleet/quarantine.h"

#include "common/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct failed_task {
    uint64_t id;
    bool is_done; // by a worker of another name
};

struct record {
    char name[WORKER_NAME_MAX];
    enum standing standing;
    char reason[STANDING_REASON_MAX];
    uint32_t n_failed;
    uint64_t from_token;
    uint32_t n_tasks, oldest; // a ring once it is full
    struct failed_task tasks[QUARANTINE_RECORD];
};

struct quarantine {
    struct record *records;
    size_t len;
    size_t cap;
};

struct quarantine *quarantine_create(void)
{
    struct quarantine *q = calloc(1, sizeof(*q));
    BUG_ON(!q);
    return q;
}

void quarantine_destroy(struct quarantine *q)
{
    if (q) {
        free(q->records);
        free(q);
    }
}

static struct record *find(const struct quarantine *q, const char *name)
{
    for (size_t i = 0; i < q->len; i++) {
        if (strcmp(q->records[i].name, name) == 0) {
            return &q->records[i];
        }
    }
    return NULL;
}

static void drop(struct quarantine *q, const struct record *r)
{
    size_t i = (size_t)(r - q->records);
    memmove(&q->records[i], &q->records[i + 1],
            (q->len - i - 1) * sizeof(q->records[0]));
    q->len--;
}

// Names may be new with every process: the oldest that nobody decided on goes.
static void make_room(struct quarantine *q)
{
    for (size_t i = 0; q->len >= QUARANTINE_NAMES && i < q->len; i++) {
        if (q->records[i].standing == STANDING_GOOD) {
            drop(q, &q->records[i]);
            return;
        }
    }
}

static struct record *find_or_add(struct quarantine *q, const char *name)
{
    struct record *r = find(q, name);
    if (r) {
        return r;
    }
    make_room(q);
    if (q->len == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 8;
        struct record *records = realloc(q->records, cap * sizeof(*records));
        BUG_ON(!records);
        q->records = records;
        q->cap = cap;
    }
    r = &q->records[q->len++];
    *r = (struct record){.standing = STANDING_GOOD};
    snprintf(r->name, sizeof(r->name), "%s", name);
    return r;
}

// ---- the record

static struct failed_task *find_task(struct record *r, uint64_t id)
{
    for (uint32_t i = 0; i < r->n_tasks; i++) {
        if (r->tasks[i].id == id) {
            return &r->tasks[i];
        }
    }
    return NULL;
}

static void add_task(struct record *r, uint64_t id)
{
    if (find_task(r, id)) {
        return;
    }
    uint32_t at = r->n_tasks;
    if (r->n_tasks < QUARANTINE_RECORD) {
        r->n_tasks++;
    } else {
        at = r->oldest;
        r->oldest = (r->oldest + 1) % QUARANTINE_RECORD;
    }
    r->tasks[at] = (struct failed_task){.id = id};
}

void quarantine_failed(struct quarantine *q, const char *name, uint64_t task_id,
                       uint64_t token)
{
    struct record *r = find_or_add(q, name);
    if (r->n_failed++ == 0 || token < r->from_token) {
        r->from_token = token;
    }
    add_task(r, task_id);
}

static void clear(struct record *r)
{
    r->n_failed = 0;
    r->n_tasks = r->oldest = 0;
}

void quarantine_succeeded(struct quarantine *q, const char *name, uint64_t task_id)
{
    const struct record *own = NULL;
    for (size_t i = 0; i < q->len; i++) {
        struct record *r = &q->records[i];
        struct failed_task *task = find_task(r, task_id);
        if (strcmp(r->name, name) == 0) {
            clear(r);
            own = r;
        } else if (task) {
            task->is_done = true;
        }
    }
    if (own && own->standing == STANDING_GOOD) {
        drop(q, own);
    }
}

// ---- the rule

static bool convicts(const struct record *r, struct quarantine_case *out)
{
    *out =
        (struct quarantine_case){.n_failed = r->n_failed, .from_token = r->from_token};
    memcpy(out->name, r->name, sizeof(out->name));
    for (uint32_t i = 0; i < r->n_tasks; i++) {
        if (!r->tasks[i].is_done) {
            continue;
        }
        if (out->n_done < QUARANTINE_TASKS) {
            out->examples[out->n_done] = r->tasks[i].id;
        }
        out->n_done++;
    }
    return r->standing == STANDING_GOOD && r->n_failed >= QUARANTINE_FAILURES &&
           out->n_done >= QUARANTINE_TASKS;
}

bool quarantine_next(const struct quarantine *q, struct quarantine_case *out)
{
    for (size_t i = 0; i < q->len; i++) {
        if (convicts(&q->records[i], out)) {
            return true;
        }
    }
    return false;
}

// ---- standings

void quarantine_set(struct quarantine *q, const char *name, enum standing standing,
                    const char *reason)
{
    struct record *r = find_or_add(q, name);
    if (standing == STANDING_GOOD) {
        drop(q, r);
        return;
    }
    r->standing = standing;
    snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

enum standing quarantine_standing(const struct quarantine *q, const char *name)
{
    const struct record *r = find(q, name);
    return r ? r->standing : STANDING_GOOD;
}

size_t quarantine_count(const struct quarantine *q)
{
    return q->len;
}

bool quarantine_entry(const struct quarantine *q, size_t i,
                      struct quarantine_entry *out)
{
    BUG_ON(i >= q->len);
    const struct record *r = &q->records[i];
    *out = (struct quarantine_entry){r->name, r->standing, r->reason};
    return r->standing != STANDING_GOOD;
}
