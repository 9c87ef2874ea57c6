// SPDX-License-Identifier: Apache-2.0
// map.h - a hash map from a 64-bit number to an index, open addressing.
//
// For tables whose rows live in an array: the map says where. Any key is allowed; keys
// that peers choose are mixed, and tables they can fill have a limit of their own.
//
// Owns: its slots. Threads: one at a time. Aborts on no memory.
#ifndef COMMON_BASE_MAP_H
#define COMMON_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    size_t value;
    bool is_used;
};

struct map {
    struct map_slot *slots;
    size_t len;
    size_t cap; // zero or a power of two
};

#define MAP_INIT   \
    {              \
        NULL, 0, 0 \
    }

void map_fini(struct map *m);                            // leaves it empty and usable
void map_put(struct map *m, uint64_t key, size_t value); // inserts or replaces
bool map_get(const struct map *m, uint64_t key, size_t *value);
bool map_remove(struct map *m, uint64_t key); // false when it is not there

#endif
