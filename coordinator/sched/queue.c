// SPDX-License-Identifier: Apache-2.0
// queue.c - see queue.h. One pair of heaps per kind of task, device and need of memory:
// what a worker cannot run is then never in the way of what it can.
#include "coordinator/sched/queue.h"

#include "common/base/heap.h"

#include <stdlib.h>
#include <string.h>

struct lane { // a handful: kinds, times the devices and memories that studies name
    enum task_kind kind;
    char device[LIMIT_DEVICE_NAME]; // MEASURE
    uint64_t memory_bytes;
    struct heap ready;   // by id
    struct heap waiting; // by the time they become ready
    struct lane *next;
};

struct queue {
    struct lane *lanes;
};

struct queue *queue_create(void)
{
    struct queue *q = calloc(1, sizeof(*q));
    BUG_ON(!q);
    return q;
}

void queue_destroy(struct queue *q)
{
    while (q && q->lanes) {
        struct lane *lane = q->lanes;
        q->lanes = lane->next;
        heap_fini(&lane->ready);
        heap_fini(&lane->waiting);
        free(lane);
    }
    free(q);
}

static bool is_lane_of(const struct lane *lane, const struct queue_task *t)
{
    return lane->kind == t->kind && lane->memory_bytes == t->memory_bytes &&
           strcmp(lane->device, t->device) == 0;
}

static struct lane *lane_for(struct queue *q, const struct queue_task *t)
{
    struct lane *lane = q->lanes;
    while (lane && !is_lane_of(lane, t)) {
        lane = lane->next;
    }
    if (lane) {
        return lane;
    }
    lane = calloc(1, sizeof(*lane));
    BUG_ON(!lane);
    lane->kind = t->kind;
    lane->memory_bytes = t->memory_bytes;
    memcpy(lane->device, t->device, sizeof(lane->device));
    lane->next = q->lanes;
    q->lanes = lane;
    return lane;
}

void queue_add(struct queue *q, const struct queue_task *t, int64_t now_ms)
{
    int priority = place_priority(t->kind); // checks the kind
    struct lane *lane = lane_for(q, t);
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

static bool is_for(const struct lane *lane, const struct place_offer *offer)
{
    bool is_its_device =
        lane->kind != TASK_MEASURE || strcmp(lane->device, offer->device) == 0;
    return is_its_device && place_fits(offer, lane->kind, lane->memory_bytes);
}

// The lane whose first task is before all others of that worker.
static struct lane *first_lane(struct queue *q, const struct place_offer *offer,
                               int64_t now_ms)
{
    struct lane *best = NULL;
    for (struct lane *lane = q->lanes; lane; lane = lane->next) {
        if (!is_for(lane, offer)) {
            continue;
        }
        wake(lane, place_priority(lane->kind), now_ms);
        const struct heap_item *first = heap_peek(&lane->ready);
        if (first && (!best || heap_item_before(*first, *heap_peek(&best->ready)))) {
            best = lane;
        }
    }
    return best;
}

bool queue_take(struct queue *q, const struct place_offer *offer, int64_t now_ms,
                struct queue_task *out)
{
    struct lane *lane = first_lane(q, offer, now_ms);
    struct heap_item item;
    if (!lane || (lane->kind == TASK_MEASURE && !offer->is_idle) ||
        !heap_pop(&lane->ready, &item)) {
        return false; // for a measurement, what runs there ends, and nothing new begins
    }
    *out = (struct queue_task){
        .id = item.id, .kind = lane->kind, .memory_bytes = lane->memory_bytes};
    memcpy(out->device, lane->device, sizeof(out->device));
    return true;
}

size_t queue_count(const struct queue *q)
{
    size_t n = 0;
    for (const struct lane *lane = q->lanes; lane; lane = lane->next) {
        n += lane->ready.len + lane->waiting.len;
    }
    return n;
}
