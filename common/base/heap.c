// SPDX-License-Identifier: Apache-2.0
// heap.c - see heap.h. The children of i are 2i+1 and 2i+2.
#include "common/base/heap.h"

#include "common/base/err.h"

#include <stdlib.h>

void heap_fini(struct heap *h)
{
    free(h->items);
    *h = (struct heap)HEAP_INIT;
}

bool heap_item_before(struct heap_item a, struct heap_item b)
{
    return a.key != b.key ? a.key < b.key : a.id < b.id;
}

static void grow(struct heap *h)
{
    size_t cap = h->cap ? 2 * h->cap : 64;
    struct heap_item *items = realloc(h->items, cap * sizeof(*items));
    BUG_ON(!items);
    h->items = items;
    h->cap = cap;
}

void heap_push(struct heap *h, struct heap_item item)
{
    if (h->len == h->cap) {
        grow(h);
    }
    size_t i = h->len++;
    while (i > 0 && heap_item_before(item, h->items[(i - 1) / 2])) {
        h->items[i] = h->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->items[i] = item;
}

const struct heap_item *heap_peek(const struct heap *h)
{
    return h->len > 0 ? &h->items[0] : NULL;
}

// Lets `item` fall from the root to its place.
static void sift_down(struct heap *h, struct heap_item item)
{
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->len) {
            break;
        }
        if (child + 1 < h->len &&
            heap_item_before(h->items[child + 1], h->items[child])) {
            child++;
        }
        if (!heap_item_before(h->items[child], item)) {
            break;
        }
        h->items[i] = h->items[child];
        i = child;
    }
    h->items[i] = item;
}

bool heap_pop(struct heap *h, struct heap_item *out)
{
    if (h->len == 0) {
        return false;
    }
    *out = h->items[0];
    struct heap_item last = h->items[--h->len];
    if (h->len > 0) {
        sift_down(h, last);
    }
    return true;
}
