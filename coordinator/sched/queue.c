// SPDX-License-Identifier: Apache-2.0
// queue.c - see queue.h. One pair of heaps per kind of task, and per device for those
// that measure: what a worker cannot run is then never in the way of what it can.
#include "coordinator/sched/queue.h"

#include "common/base/heap.h"

#include <stdlib.h>
#include <string.h>

struct lane {
    struct heap ready;   // by id
    struct heap waiting; // by the time they become ready
};

struct device { // a handful: as many as studies name
    char name[LIMIT_DEVICE_NAME];
    struct lane lane;
    struct device *next;
};

struct queue {
    struct lane lanes[TASK_KINDS]; // but MEASURE
    struct device *devices;
};

struct queue *queue_create(void)
{
    struct queue *q = calloc(1, sizeof(*q));
    BUG_ON(!q);
    return q;
}

static void lane_fini(struct lane *lane)
{
    heap_fini(&lane->ready);
    heap_fini(&lane->waiting);
}

void queue_destroy(struct queue *q)
{
    if (!q) {
        return;
    }
    for (int kind = 0; kind < TASK_KINDS; kind++) {
        lane_fini(&q->lanes[kind]);
    }
    while (q->devices) {
        struct device *d = q->devices;
        q->devices = d->next;
        lane_fini(&d->lane);
        free(d);
    }
    free(q);
}

static struct lane *find_device(const struct queue *q, const char *name)
{
    struct device *d = q->devices;
    while (d && strcmp(d->name, name) != 0) {
        d = d->next;
    }
    return d ? &d->lane : NULL;
}

static struct lane *add_device(struct queue *q, const char *name)
{
    struct device *d = calloc(1, sizeof(*d));
    BUG_ON(!d || strlen(name) >= sizeof(d->name));
    memcpy(d->name, name, strlen(name) + 1);
    d->next = q->devices;
    q->devices = d;
    return &d->lane;
}

static struct lane *lane_for(struct queue *q, const struct queue_task *t)
{
    if (t->kind != TASK_MEASURE) {
        return &q->lanes[t->kind];
    }
    struct lane *lane = find_device(q, t->device);
    return lane ? lane : add_device(q, t->device);
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

// Where the measurements for such a worker lie; NULL when there are none to do now.
static struct lane *measurements_for(struct queue *q, const struct place_offer *offer,
                                     int64_t now_ms)
{
    if (!place_fits(offer->capabilities, TASK_MEASURE)) {
        return NULL;
    }
    struct lane *lane = find_device(q, offer->device);
    if (lane) {
        wake(lane, place_priority(TASK_MEASURE), now_ms);
    }
    return lane && heap_peek(&lane->ready) ? lane : NULL;
}

static struct lane *first_lane(struct queue *q, uint32_t capabilities, int64_t now_ms,
                               enum task_kind *kind)
{
    struct lane *best = NULL;
    for (int k = TASK_TRAIN; k < TASK_KINDS; k++) {
        struct lane *lane = &q->lanes[k];
        if (!place_fits(capabilities, (enum task_kind)k)) {
            continue;
        }
        wake(lane, place_priority((enum task_kind)k), now_ms);
        const struct heap_item *first = heap_peek(&lane->ready);
        if (first && (!best || heap_item_before(*first, *heap_peek(&best->ready)))) {
            best = lane;
            *kind = (enum task_kind)k;
        }
    }
    return best;
}

bool queue_take(struct queue *q, const struct place_offer *offer, int64_t now_ms,
                struct queue_task *out)
{
    *out = (struct queue_task){.kind = TASK_MEASURE};
    struct lane *lane = measurements_for(q, offer, now_ms);
    if (lane && !offer->is_idle) {
        return false; // what runs there ends, and nothing new begins
    }
    if (lane) {
        memcpy(out->device, offer->device, strlen(offer->device) + 1);
    } else {
        lane = first_lane(q, offer->capabilities, now_ms, &out->kind);
    }
    struct heap_item item;
    if (!lane || !heap_pop(&lane->ready, &item)) {
        return false;
    }
    out->id = item.id;
    return true;
}

static size_t lane_count(const struct lane *lane)
{
    return lane->ready.len + lane->waiting.len;
}

size_t queue_count(const struct queue *q)
{
    size_t n = 0;
    for (int kind = 0; kind < TASK_KINDS; kind++) {
        n += lane_count(&q->lanes[kind]);
    }
    for (const struct device *d = q->devices; d; d = d->next) {
        n += lane_count(&d->lane);
    }
    return n;
}
