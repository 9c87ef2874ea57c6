// SPDX-License-Identifier: Apache-2.0
// map.c - see map.h. Linear probing, at most two thirds full, no tombstones: a removal
// moves the rest of its run back.
#include "common/base/map.h"

#include "common/base/err.h"

#include <stdlib.h>

void map_fini(struct map *m)
{
    free(m->slots);
    *m = (struct map)MAP_INIT;
}

static size_t home(const struct map *m, uint64_t key)
{
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    return (size_t)(key ^ (key >> 31)) & (m->cap - 1);
}

// The key's slot, or the free one where it would go. The map is never full.
static size_t find(const struct map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (m->slots[i].is_used && m->slots[i].key != key) {
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

static void grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? 2 * m->cap : 64, .len = m->len};
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    BUG_ON(!bigger.slots);
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].is_used) {
            bigger.slots[find(&bigger, m->slots[i].key)] = m->slots[i];
        }
    }
    free(m->slots);
    *m = bigger;
}

void map_put(struct map *m, uint64_t key, size_t value)
{
    if (3 * (m->len + 1) > 2 * m->cap) {
        grow(m);
    }
    struct map_slot *slot = &m->slots[find(m, key)];
    m->len += !slot->is_used;
    *slot = (struct map_slot){.key = key, .value = value, .is_used = true};
}

bool map_get(const struct map *m, uint64_t key, size_t *value)
{
    if (m->cap == 0) {
        return false;
    }
    const struct map_slot *slot = &m->slots[find(m, key)];
    if (slot->is_used) {
        *value = slot->value;
    }
    return slot->is_used;
}

bool map_remove(struct map *m, uint64_t key)
{
    if (m->cap == 0) {
        return false;
    }
    size_t hole = find(m, key);
    if (!m->slots[hole].is_used) {
        return false;
    }
    size_t mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->slots[i].is_used; i = (i + 1) & mask) {
        // It may fill the hole unless its home lies after the hole in its run.
        if (((i - home(m, m->slots[i].key)) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){0};
    m->len--;
    return true;
}
