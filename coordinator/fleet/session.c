// SPDX-License-Identifier: Apache-2.0
// session.c - see session.h. A dense array, and a map from the number to the place.
#include "coordinator/fleet/session.h"

#include "common/base/map.h"

#include <stdlib.h>
#include <string.h>

struct session_table {
    struct map by_number;
    struct session *slots;
    size_t len;
    size_t cap;
};

struct session_table *session_table_create(void)
{
    struct session_table *t = calloc(1, sizeof(*t));
    BUG_ON(!t);
    return t;
}

void session_table_destroy(struct session_table *t)
{
    if (!t) {
        return;
    }
    map_fini(&t->by_number);
    free(t->slots);
    free(t);
}

struct session *session_find(struct session_table *t, uint64_t number)
{
    size_t i;
    return map_get(&t->by_number, number, &i) ? &t->slots[i] : NULL;
}

bool route_equal(const struct route *a, const struct route *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

struct session *session_at_route(struct session_table *t, const struct route *r)
{
    for (size_t i = 0; i < t->len; i++) {
        if (route_equal(&t->slots[i].route, r)) {
            return &t->slots[i];
        }
    }
    return NULL;
}

bool session_has_room(const struct session_table *t, uint64_t number)
{
    size_t i;
    return t->len < SESSION_MAX || map_get(&t->by_number, number, &i);
}

static struct session *append(struct session_table *t, uint64_t number)
{
    BUG_ON(t->len >= SESSION_MAX);
    if (t->len == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        struct session *slots = realloc(t->slots, cap * sizeof(*slots));
        BUG_ON(!slots);
        t->slots = slots;
        t->cap = cap;
    }
    map_put(&t->by_number, number, t->len);
    struct session *s = &t->slots[t->len++];
    *s = (struct session){.number = number};
    return s;
}

struct session *session_put(struct session_table *t, uint64_t number,
                            const struct route *route, const struct worker *worker,
                            int64_t now_ms)
{
    struct session *s = session_find(t, number);
    if (!s) {
        s = append(t, number);
    }
    s->worker = *worker;
    s->credit = 0; // its next FETCH says
    session_heard(s, route, now_ms);
    return s;
}

void session_forget(struct session_table *t, uint64_t number)
{
    struct session *s = session_find(t, number);
    if (!s) {
        return;
    }
    map_remove(&t->by_number, number);
    const struct session *last = &t->slots[--t->len];
    if (s != last) {
        *s = *last;
        map_put(&t->by_number, s->number, (size_t)(s - t->slots));
    }
}

void session_heard(struct session *s, const struct route *route, int64_t now_ms)
{
    s->route = *route;
    s->heard_ms = now_ms;
    s->is_lost = false;
    s->is_replaced = false;
}

static void lose(struct session *s)
{
    s->is_lost = true;
    s->credit = 0;
}

void session_replaced(struct session *s)
{
    lose(s);
    s->is_replaced = true;
}

void session_excuse_all(struct session_table *t, int64_t deaf_ms, int64_t now_ms)
{
    for (size_t i = 0; i < t->len; i++) {
        int64_t heard_ms = t->slots[i].heard_ms + deaf_ms;
        t->slots[i].heard_ms = heard_ms < now_ms ? heard_ms : now_ms;
    }
}

size_t session_sweep(struct session_table *t, int64_t now_ms)
{
    size_t n_lost = 0;
    for (size_t i = 0; i < t->len;) {
        struct session *s = &t->slots[i];
        int64_t silent_ms = now_ms - s->heard_ms;
        if (silent_ms > (s->is_replaced ? SESSION_LOST_MS : SESSION_FORGET_MS)) {
            session_forget(t, s->number); // the last one moves here
            continue;
        }
        if (silent_ms > SESSION_LOST_MS && !s->is_lost) {
            lose(s);
            n_lost++;
        }
        i++;
    }
    return n_lost;
}

size_t session_count(const struct session_table *t)
{
    return t->len;
}

struct session *session_at(struct session_table *t, size_t i)
{
    BUG_ON(i >= t->len);
    return &t->slots[i];
}

uint32_t session_count_capable(const struct session_table *t, enum task_kind kind)
{
    uint32_t n = 0;
    for (size_t i = 0; i < t->len; i++) {
        n += !t->slots[i].is_lost && worker_can(&t->slots[i].worker, kind);
    }
    return n;
}
