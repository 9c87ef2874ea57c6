// SPDX-License-Identifier: Apache-2.0
// queue.c - see queue.h. One pair of heaps per study, kind of task, device and need of
// memory: what a worker cannot run is then never in the way of what it can.
#include "coordinator/sched/queue.h"

#include "common/base/heap.h"
#include "coordinator/sched/share.h"

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

struct study { // a dozen; one that is over keeps its place
    uint64_t id;
    struct share share;
    bool is_paused;
    size_t n; // tasks in its lanes
    struct lane *lanes;
    struct study *next;
};

struct queue {
    struct study *studies;
    double served_pass; // of the study that was served last
};

struct queue *queue_create(void)
{
    struct queue *q = calloc(1, sizeof(*q));
    BUG_ON(!q);
    return q;
}

static void free_lanes(struct study *s)
{
    while (s->lanes) {
        struct lane *lane = s->lanes;
        s->lanes = lane->next;
        heap_fini(&lane->ready);
        heap_fini(&lane->waiting);
        free(lane);
    }
}

void queue_destroy(struct queue *q)
{
    while (q && q->studies) {
        struct study *s = q->studies;
        q->studies = s->next;
        free_lanes(s);
        free(s);
    }
    free(q);
}

static struct study *find_study(const struct queue *q, uint64_t id)
{
    struct study *s = q->studies;
    while (s && s->id != id) {
        s = s->next;
    }
    return s;
}

static struct study *study_for(struct queue *q, uint64_t id)
{
    struct study *s = find_study(q, id);
    if (s) {
        return s;
    }
    s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->id = id;
    share_init(&s->share, 1);
    share_join(&s->share, q->served_pass);
    s->next = q->studies;
    q->studies = s;
    return s;
}

void queue_set_study(struct queue *q, uint64_t study_id, double weight, bool is_paused)
{
    struct study *s = study_for(q, study_id);
    share_init(&s->share, weight);
    if (s->is_paused && !is_paused) {
        share_join(&s->share, q->served_pass);
    }
    s->is_paused = is_paused;
}

static bool is_lane_of(const struct lane *lane, const struct queue_task *t)
{
    return lane->kind == t->kind && lane->memory_bytes == t->memory_bytes &&
           strcmp(lane->device, t->device) == 0;
}

static struct lane *lane_for(struct study *s, const struct queue_task *t)
{
    struct lane *lane = s->lanes;
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
    lane->next = s->lanes;
    s->lanes = lane;
    return lane;
}

static void push(struct study *s, const struct queue_task *t, int64_t now_ms)
{
    int priority = place_priority(t->kind); // checks the kind
    struct lane *lane = lane_for(s, t);
    s->n++;
    if (t->ready_ms > now_ms) {
        heap_push(&lane->waiting, (struct heap_item){t->ready_ms, t->id});
    } else {
        heap_push(&lane->ready, (struct heap_item){priority, t->id});
    }
}

void queue_add(struct queue *q, const struct queue_task *t, int64_t now_ms)
{
    struct study *s = study_for(q, t->study_id);
    if (s->n == 0) {
        share_join(&s->share, q->served_pass);
    }
    push(s, t, now_ms);
}

void queue_put_back(struct queue *q, const struct queue_task *t, int64_t now_ms)
{
    struct study *s = study_for(q, t->study_id);
    share_refund(&s->share, t->charged_ms);
    push(s, t, now_ms);
}

double queue_charge(struct queue *q, uint64_t study_id, enum task_kind kind)
{
    return share_charge(&study_for(q, study_id)->share, kind);
}

void queue_ended(struct queue *q, uint64_t study_id, enum task_kind kind,
                 double charged_ms, int64_t took_ms, bool is_done)
{
    share_settle(&study_for(q, study_id)->share, kind, charged_ms, (double)took_ms,
                 is_done);
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
static struct lane *first_lane(const struct study *s, const struct place_offer *offer,
                               int64_t now_ms)
{
    struct lane *best = NULL;
    for (struct lane *lane = s->lanes; lane; lane = lane->next) {
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

static bool goes_before(const struct study *a, const struct study *b)
{
    return !b || a->share.pass < b->share.pass ||
           (a->share.pass == b->share.pass && a->id < b->id);
}

// Whose turn it is, of those that have a task for that worker.
static struct study *next_study(struct queue *q, const struct place_offer *offer,
                                int64_t now_ms, struct lane **lane)
{
    struct study *best = NULL;
    for (struct study *s = q->studies; s; s = s->next) {
        if (s->is_paused || s->n == 0 || !goes_before(s, best)) {
            continue;
        }
        struct lane *first = first_lane(s, offer, now_ms);
        if (first) {
            best = s;
            *lane = first;
        }
    }
    return best;
}

bool queue_take(struct queue *q, const struct place_offer *offer, int64_t now_ms,
                struct queue_task *out)
{
    struct lane *lane = NULL;
    struct study *s = next_study(q, offer, now_ms, &lane);
    struct heap_item item;
    if (!s || (lane->kind == TASK_MEASURE && !offer->is_idle) ||
        !heap_pop(&lane->ready, &item)) {
        return false; // for a measurement, what runs there ends, and nothing new begins
    }
    s->n--;
    q->served_pass = s->share.pass;
    *out = (struct queue_task){.id = item.id,
                               .study_id = s->id,
                               .kind = lane->kind,
                               .memory_bytes = lane->memory_bytes,
                               .charged_ms = share_charge(&s->share, lane->kind)};
    memcpy(out->device, lane->device, sizeof(out->device));
    return true;
}

size_t queue_count(const struct queue *q)
{
    size_t n = 0;
    for (const struct study *s = q->studies; s; s = s->next) {
        n += s->n;
    }
    return n;
}

size_t queue_ahead(const struct queue *q, const struct queue_task *t)
{
    const struct study *s = find_study(q, t->study_id);
    const struct heap_item at = {place_priority(t->kind), t->id};
    size_t n = 0;
    for (const struct lane *lane = s ? s->lanes : NULL; lane; lane = lane->next) {
        for (size_t i = 0; i < lane->ready.len; i++) {
            n += heap_item_before(lane->ready.items[i], at);
        }
    }
    return n;
}

size_t queue_others(const struct queue *q, uint64_t study_id)
{
    size_t n = 0;
    for (const struct study *s = q->studies; s; s = s->next) {
        n += s->id != study_id && s->n > 0 && !s->is_paused;
    }
    return n;
}
