// SPDX-License-Identifier: Apache-2.0
// recordings.c - see recordings.h.
#include "worker/data/recordings.h"

#include "worker/data/kaldi.h"
#include "worker/data/manifest.h"

#include <stdlib.h>
#include <string.h>

enum err recordings_load(struct recordings *r, const struct study_recordings *from,
                         struct errinfo *why)
{
    *r = (struct recordings){0};
    BUG_ON((from->manifest[0] != 0) == (from->kaldi[0] != 0));
    enum err e = from->manifest[0] ? manifest_read(r, from->manifest, why)
                                   : kaldi_read(r, from->kaldi, why);
    if (e == ERR_OK && from->root[0]) {
        memcpy(r->root, from->root, sizeof(r->root));
    }
    if (e != ERR_OK) {
        recordings_fini(r);
    }
    return e;
}

void recordings_fini(struct recordings *r)
{
    free(r->text[0]);
    free(r->text[1]);
    free(r->items);
    free(r->by_id);
    *r = (struct recordings){0};
}

enum err recordings_add(struct recordings *r, const struct recording *item,
                        struct errinfo *why)
{
    if (r->n == RECORDINGS_MAX) {
        return err_set(why, ERR_LIMIT, "%s:%u: more than %zu recordings", r->path,
                       item->line, RECORDINGS_MAX);
    }
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 1024;
        r->items = realloc(r->items, r->cap * sizeof(*r->items));
        BUG_ON(!r->items);
    }
    r->items[r->n++] = *item;
    return ERR_OK;
}

// An entry and its place, so that sorting needs no context.
struct keyed {
    const char *id;
    uint32_t index;
};

static int by_id_then_place(const void *a, const void *b)
{
    const struct keyed *x = a;
    const struct keyed *y = b;
    int order = strcmp(x->id, y->id);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static enum err check_unique(const struct recordings *r, struct errinfo *why)
{
    for (size_t i = 1; i < r->n; i++) {
        const struct recording *a = &r->items[r->by_id[i - 1]];
        const struct recording *b = &r->items[r->by_id[i]];
        if (strcmp(a->id, b->id) == 0) {
            return err_set(
                why, ERR_INPUT,
                "%s:%u: %s is listed twice, first in line %u; each recording "
                "may be listed once",
                r->path, b->line, b->id, a->line);
        }
    }
    return ERR_OK;
}

enum err recordings_index(struct recordings *r, struct errinfo *why)
{
    struct keyed *keys = malloc((r->n + 1) * sizeof(*keys));
    r->by_id = malloc((r->n + 1) * sizeof(*r->by_id));
    BUG_ON(!keys || !r->by_id);
    for (size_t i = 0; i < r->n; i++) {
        keys[i] = (struct keyed){r->items[i].id, (uint32_t)i};
    }
    qsort(keys, r->n, sizeof(*keys), by_id_then_place);
    for (size_t i = 0; i < r->n; i++) {
        r->by_id[i] = keys[i].index;
    }
    free(keys);
    return check_unique(r, why);
}

const struct recording *recordings_find(const struct recordings *r, const char *id)
{
    size_t low = 0;
    size_t high = r->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct recording *at = &r->items[r->by_id[middle]];
        int order = strcmp(id, at->id);
        if (order == 0) {
            return at;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

enum err recordings_path(const char *root, const char *file,
                         char out[static FILE_PATH_MAX], struct errinfo *why)
{
    bool is_whole = file[0] == '/' || root[0] == '\0';
    return file_path(out, FILE_PATH_MAX, why, "%s%s%s", is_whole ? "" : root,
                     is_whole ? "" : "/", file);
}
