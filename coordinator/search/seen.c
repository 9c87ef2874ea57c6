// SPDX-License-Identifier: Apache-2.0
// seen.c - see seen.h. Open addressing with linear probing, at most half full.
#include "coordinator/search/seen.h"

#include <stdlib.h>

#define FIRST_CAP 64 // a power of two

struct seen {
    size_t len;
    size_t cap;
    struct arch *slots; // depth 0 = free
};

static struct arch *make_slots(size_t cap)
{
    struct arch *slots = calloc(cap, sizeof(*slots));
    BUG_ON(!slots);
    return slots;
}

struct seen *seen_create(void)
{
    struct seen *s = malloc(sizeof(*s));
    BUG_ON(!s);
    *s = (struct seen){.cap = FIRST_CAP, .slots = make_slots(FIRST_CAP)};
    return s;
}

void seen_destroy(struct seen *s)
{
    if (s) {
        free(s->slots);
        free(s);
    }
}

// Each word goes through all bits of the hash before the next one: arch_hash, which is
// of the printed text and the same for ever, takes several times as long.
static uint64_t hash_of(const struct arch *a)
{
    uint64_t hash = (uint64_t)a->cat << 32 | (uint64_t)a->depth;
    for (int i = 0; i <= a->depth; i++) {
        uint64_t layer = (uint64_t)a->width[i] << 8 ^ (uint64_t)a->kernel[i];
        hash = (hash ^ layer) * 0xBF58476D1CE4E5B9u;
        hash ^= hash >> 32;
    }
    return hash;
}

// Where it is, or the free slot where it belongs.
static struct arch *find(struct arch *slots, size_t cap, const struct arch *a)
{
    size_t i = (size_t)hash_of(a) & (cap - 1);
    while (slots[i].depth != 0 && !arch_equal(&slots[i], a)) {
        i = (i + 1) & (cap - 1);
    }
    return &slots[i];
}

static void grow(struct seen *s)
{
    struct arch *slots = make_slots(2 * s->cap);
    for (size_t i = 0; i < s->cap; i++) {
        if (s->slots[i].depth != 0) {
            *find(slots, 2 * s->cap, &s->slots[i]) = s->slots[i];
        }
    }
    free(s->slots);
    s->slots = slots;
    s->cap *= 2;
}

bool seen_has(const struct seen *s, const struct arch *a)
{
    return find(s->slots, s->cap, a)->depth != 0;
}

bool seen_add(struct seen *s, const struct arch *a)
{
    struct arch *slot = find(s->slots, s->cap, a);
    if (slot->depth != 0) {
        return false;
    }
    *slot = *a;
    s->len++;
    if (2 * s->len > s->cap) {
        grow(s);
    }
    return true;
}

size_t seen_count(const struct seen *s)
{
    return s->len;
}
