// SPDX-License-Identifier: Apache-2.0
// heap.h - a min-heap of (key, id): the smallest key first, among equals the smallest
// id.
//
// Owns: its items. Threads: one at a time. Aborts on no memory.
#ifndef COMMON_BASE_HEAP_H
#define COMMON_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t key;
    uint64_t id;
};

struct heap {
    struct heap_item *items;
    size_t len;
    size_t cap;
};

#define HEAP_INIT  \
    {              \
        NULL, 0, 0 \
    }

void heap_fini(struct heap *h); // leaves it empty and usable
void heap_push(struct heap *h, struct heap_item item);
const struct heap_item *heap_peek(const struct heap *h); // NULL when empty
bool heap_pop(struct heap *h, struct heap_item *out);    // false when empty
bool heap_item_before(struct heap_item a, struct heap_item b);

#endif
