// SPDX-License-Identifier: Apache-2.0
// cache.c - see cache.h.
#include "worker/agent/cache.h"

#include "common/base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CANDIDATES_MAX 1024 // more than that waits for the next time

struct candidates {
    cache_in_use_fn *in_use;
    void *arg;
    size_t n;
    struct blob_entry entries[CANDIDATES_MAX];
};

void cache_touch(const struct blob_store *s, const char *hash)
{
    char path[FILE_PATH_MAX];
    if (blob_path(s, hash, path, NULL, NULL) == ERR_OK) {
        // A folder that is only read refuses; what is there is not ours to remove.
        (void)utimensat(AT_FDCWD, path, NULL, 0);
    }
}

static bool collect(void *arg, const struct blob_entry *entry)
{
    struct candidates *c = arg;
    if (!c->in_use(c->arg, entry->hash)) {
        c->entries[c->n++] = *entry;
    }
    return c->n < CANDIDATES_MAX;
}

static int newest_first(const void *a, const void *b)
{
    const struct blob_entry *x = a;
    const struct blob_entry *y = b;
    if (x->modified_ns != y->modified_ns) {
        return x->modified_ns > y->modified_ns ? -1 : 1;
    }
    return strcmp(x->hash, y->hash);
}

size_t cache_trim(struct blob_store *s, cache_in_use_fn *in_use, void *arg)
{
    const int64_t young_ns = (clock_wall_ms() - CACHE_YOUNG_MS) * 1000000;
    size_t n_removed = 0;
    struct candidates *c = malloc(sizeof(*c));
    BUG_ON(!c);
    c->in_use = in_use;
    c->arg = arg;
    c->n = 0;
    if (blob_each(s, collect, c, NULL) == ERR_OK) {
        qsort(c->entries, c->n, sizeof(c->entries[0]), newest_first);
        for (size_t i = CACHE_KEEP; i < c->n; i++) {
            n_removed += c->entries[i].modified_ns < young_ns &&
                         blob_remove(s, c->entries[i].hash, NULL) == ERR_OK;
        }
    }
    free(c);
    return n_removed;
}
