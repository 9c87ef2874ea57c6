// SPDX-License-Identifier: Apache-2.0
// collect.c - see collect.h. Two sorted lists of names; a file is looked up in both.
#include "coordinator/keep/collect.h"

#include "coordinator/store/artifact.h"

#include <stdlib.h>
#include <string.h>

struct names {
    char (*hashes)[HASH_HEX_MAX];
    size_t n, cap;
};

struct rows {
    struct names by_need[2]; // enum artifact_need
};

static void add_name(struct names *l, const char *hash)
{
    if (l->n > 0 && strcmp(l->hashes[l->n - 1], hash) == 0) {
        return; // neighbours mostly speak of the same
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->hashes = realloc(l->hashes, l->cap * sizeof(*l->hashes));
        BUG_ON(!l->hashes);
    }
    strncpy(l->hashes[l->n], hash, HASH_HEX_MAX - 1);
    l->hashes[l->n++][HASH_HEX_MAX - 1] = '\0';
}

static void add_row(void *arg, const char *hash, enum artifact_need need)
{
    struct rows *rows = arg;
    add_name(&rows->by_need[need], hash);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, HASH_HEX_LEN);
}

static bool holds(const struct names *l, const char *hash)
{
    return l->n > 0 && bsearch(hash, l->hashes, l->n, sizeof(*l->hashes), compare);
}

// ---- the files

struct search {
    const struct rows *rows;
    const struct collect_rules *rules;
    int64_t now_ns;
    struct collect_list *out;
};

static void add_item(struct collect_list *l, const struct blob_entry *entry)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->items = realloc(l->items, l->cap * sizeof(*l->items));
        BUG_ON(!l->items);
    }
    l->items[l->n++] = *entry;
}

static bool judge(void *arg, const struct blob_entry *entry)
{
    const struct search *s = arg;
    if (holds(&s->rows->by_need[ARTIFACT_NEEDED], entry->hash)) {
        return true;
    }
    bool is_superseded = holds(&s->rows->by_need[ARTIFACT_SUPERSEDED], entry->hash);
    int64_t rest_ms = is_superseded ? s->rules->superseded_ms : s->rules->orphan_ms;
    if (s->now_ns - entry->modified_ns > rest_ms * 1000000) {
        add_item(s->out, entry);
    }
    return true;
}

// The rows first: a file that comes between is young.
enum err collect_find(struct store *s, const struct blob_store *blobs,
                      const struct collect_rules *rules, int64_t now_ns,
                      struct collect_list *out, struct errinfo *why)
{
    struct rows rows = {0};
    enum err e = artifact_each(s, rules->keep_rounds, add_row, &rows, why);
    for (int need = ARTIFACT_SUPERSEDED; need <= ARTIFACT_NEEDED; need++) {
        struct names *l = &rows.by_need[need];
        if (l->n > 0) {
            qsort(l->hashes, l->n, sizeof(*l->hashes), compare);
        }
    }
    struct search search = {&rows, rules, now_ns, out};
    if (e == ERR_OK) {
        e = blob_each(blobs, judge, &search, why);
    }
    free(rows.by_need[ARTIFACT_SUPERSEDED].hashes);
    free(rows.by_need[ARTIFACT_NEEDED].hashes);
    return e;
}

void collect_list_fini(struct collect_list *l)
{
    free(l->items);
    *l = (struct collect_list){0};
}
