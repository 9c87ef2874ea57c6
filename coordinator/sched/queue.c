// SPDX-License-Identifier: Apache-2.0
// queue.c - see queue.h. One pair of heaps per kind of task: what a worker cannot run
// is then never in the way of what it can.
#include "coordinator/sched/queue.h"

#include "common/base/heap.h"
#include "coordinator/sched/place.h"

#include <stdlib.h>

struct lane {
    struct heap ready;   // by id
    struct heap waiting; // by the time they become ready
};

struct queue {
    struct lane lanes[TASK_KINDS];
};

struct queue *queue_create(void)
{
    struct queue *q = calloc(1, sizeof(*q));
    BUG_ON(!q);
    return q;
}

void queue_destroy(struct queue *q)
{
    if (!q) {
        return;
    }
    for (int kind = 0; kind < TASK_KINDS; kind++) {
        heap_fini(&q->lanes[kind].ready);
        heap_fini(&q->lanes[kind].waiting);
    }
    free(q);
}

void queue_add(struct queue *q, const struct queue_task *t, int64_t now_ms)
{
    int priority = place_priority(t->kind); // checks the kind
    struct lane *lane = &q->lanes[t->kind];
    if (t->ready_ms > now_ms) {
        heap_push(&lane->waiting, (struct heap_item){t->ready_ms, t->id});
    } else {
        heap_push(&lane->ready, (struct heap_item){priority, t->id});
    }
}

static void wake(struct lane *lane, int priority, int64_t now_ms)
{
    const struct heap_item *first = heap_peek(&lane->waiting);
    struct heap_item item;
    while (first && first->key <= now_ms && heap_pop(&lane->waiting, &item)) {
        heap_push(&lane->ready, (struct heap_item){priority, item.id});
        first = heap_peek(&lane->waiting);
    }
}

bool queue_take(struct queue *q, uint32_t capabilities, int64_t now_ms,
                struct queue_task *out)
{
    struct lane *best = NULL;
    for (int kind = TASK_TRAIN; kind < TASK_KINDS; kind++) {
        struct lane *lane = &q->lanes[kind];
        if (!place_fits(capabilities, (enum task_kind)kind)) {
            continue;
        }
        wake(lane, place_priority((enum task_kind)kind), now_ms);
        const struct heap_item *first = heap_peek(&lane->ready);
        if (first && (!best || heap_item_before(*first, *heap_peek(&best->ready)))) {
            best = lane;
            out->kind = (enum task_kind)kind;
        }
    }
    struct heap_item item;
    if (!best || !heap_pop(&best->ready, &item)) {
        return false;
    }
    out->id = item.id;
    out->ready_ms = 0;
    return true;
}

size_t queue_count(const struct queue *q)
{
    size_t n = 0;
    for (int kind = 0; kind < TASK_KINDS; kind++) {
        n += q->lanes[kind].ready.len + q->lanes[kind].waiting.len;
    }
    return n;
}
