// SPDX-License-Identifier: Apache-2.0
// cache.c - see cache.h.
#include "worker/agent/cache.h"

#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 1024 // more than that waits for the next trim

struct listing {
    const char *const *pinned;
    size_t n_pinned;
    size_t n;
    struct blob_entry entries[ENTRIES_MAX];
};

static bool add(void *arg, const struct blob_entry *entry)
{
    struct listing *l = arg;
    for (size_t i = 0; i < l->n_pinned; i++) {
        if (strcmp(l->pinned[i], entry->hash) == 0) {
            return true;
        }
    }
    l->entries[l->n++] = *entry;
    return l->n < ENTRIES_MAX;
}

static int newest_first(const void *a, const void *b)
{
    const struct blob_entry *x = a;
    const struct blob_entry *y = b;
    return (x->modified_s < y->modified_s) - (x->modified_s > y->modified_s);
}

void cache_trim(struct blob_store *blobs, const char *const *pinned, size_t n_pinned)
{
    struct listing *l = malloc(sizeof(*l));
    BUG_ON(!l);
    l->pinned = pinned;
    l->n_pinned = n_pinned;
    l->n = 0;
    struct errinfo why = {0};
    enum err e = blob_each(blobs, add, l, &why);
    qsort(l->entries, l->n, sizeof(l->entries[0]), newest_first);
    for (size_t i = CACHE_KEEP; e == ERR_OK && i < l->n; i++) {
        e = blob_remove(blobs, l->entries[i].hash, &why);
    }
    if (e != ERR_OK) {
        log_warn("cache.kept", "error=%s text=\"%s\"", err_name(e), why.text);
    }
    free(l);
}
