// SPDX-License-Identifier: Apache-2.0
// overlap.c - see overlap.h.
#include "worker/data/overlap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAMED_MAX 5 // speakers an error lists

struct names {
    const char **items;
    size_t n;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void names_init(struct names *s, size_t cap)
{
    s->items = malloc((cap + 1) * sizeof(*s->items));
    s->n = 0;
    BUG_ON(!s->items);
}

static void sort_unique(struct names *s)
{
    qsort(s->items, s->n, sizeof(*s->items), by_bytes);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (kept == 0 || strcmp(s->items[kept - 1], s->items[i]) != 0) {
            s->items[kept++] = s->items[i];
        }
    }
    s->n = kept;
}

static bool has_name(const struct names *s, const char *name)
{
    return bsearch(&name, s->items, s->n, sizeof(*s->items), by_bytes) != NULL;
}

static void train_speakers(const struct corpus *c, struct names *out)
{
    names_init(out, c->n_train);
    for (size_t i = 0; i < c->n_train; i++) {
        out->items[out->n++] = c->items[i].speaker;
    }
    sort_unique(out);
}

// The splits of the list that trials reach into.
static void reached_splits(const struct corpus *c, const struct recordings *list,
                           struct names *out)
{
    names_init(out, c->n_eval);
    for (size_t i = 0; i < c->n_eval; i++) {
        const struct recording *r = recordings_find(list, c->items[c->n_train + i].id);
        if (r) {
            out->items[out->n++] = r->split;
        }
    }
    sort_unique(out);
}

static void eval_speakers(const struct corpus *c, const struct study_data *data,
                          struct names *out)
{
    bool has_list = c->eval_list.n > 0;
    const struct recordings *list = has_list ? &c->eval_list : &c->train_list;
    struct names splits;
    reached_splits(c, list, &splits);
    names_init(out, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const struct recording *r = &list->items[i];
        bool is_named = strcmp(r->split, data->eval.split) == 0 || !data->eval.split[0];
        if (has_list ? is_named : has_name(&splits, r->split)) {
            out->items[out->n++] = r->speaker;
        }
    }
    free(splits.items);
    sort_unique(out);
}

static enum err check_speakers(const struct names *train, const struct names *eval,
                               struct errinfo *why)
{
    struct buf named = BUF_INIT;
    size_t n_both = 0;
    for (size_t i = 0; i < eval->n; i++) {
        if (!has_name(train, eval->items[i])) {
            continue;
        }
        if (n_both++ < NAMED_MAX) {
            buf_addf(&named, "%s%.40s", n_both > 1 ? ", " : "", eval->items[i]);
        }
    }
    enum err e = ERR_OK;
    if (n_both > 0) {
        e = err_set(why, ERR_INPUT,
                    "%zu of the training speakers are evaluation speakers too: %s%s; "
                    "each speaker may be on one side only",
                    n_both, named.data, n_both > NAMED_MAX ? ", ..." : "");
    }
    buf_fini(&named);
    return e;
}

struct file_key {
    dev_t device;
    ino_t inode;
    size_t item;
};

static int by_file(const void *a, const void *b)
{
    const struct file_key *x = a;
    const struct file_key *y = b;
    if (x->device != y->device) {
        return x->device < y->device ? -1 : 1;
    }
    return (x->inode > y->inode) - (x->inode < y->inode);
}

// False for a file that is not there: decoding will say so.
static bool file_key_of(const struct corpus_item *item, struct file_key *key)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (recordings_path(item->root, item->file, path, NULL) != ERR_OK ||
        stat(path, &st) != 0) {
        return false;
    }
    key->device = st.st_dev;
    key->inode = st.st_ino;
    return true;
}

static enum err check_files(const struct corpus *c, struct errinfo *why)
{
    struct file_key *train = malloc((c->n_train + 1) * sizeof(*train));
    BUG_ON(!train);
    size_t n = 0;
    for (size_t i = 0; i < c->n_train && c->n_eval > 0; i++) {
        if (file_key_of(&c->items[i], &train[n])) {
            train[n++].item = i;
        }
    }
    qsort(train, n, sizeof(*train), by_file);
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->n_eval && e == ERR_OK; i++) {
        const struct corpus_item *item = &c->items[c->n_train + i];
        struct file_key key;
        const struct file_key *same = NULL;
        if (file_key_of(item, &key)) {
            same = bsearch(&key, train, n, sizeof(*train), by_file);
        }
        if (same) {
            e = err_set(why, ERR_INPUT,
                        "%s: evaluation recording %s is the same file as training "
                        "recording %s",
                        c->trial_list.path, item->id, c->items[same->item].id);
        }
    }
    free(train);
    return e;
}

enum err overlap_check(const struct corpus *c, const struct study_data *data,
                       struct errinfo *why)
{
    struct names train;
    struct names eval;
    train_speakers(c, &train);
    eval_speakers(c, data, &eval);
    enum err e = ERR_OK;
    if (train.n < 2) {
        e = err_set(
            why, ERR_INPUT,
            "%s: all training recordings are of one speaker; training needs two "
            "or more",
            c->train_list.path);
    }
    if (e == ERR_OK) {
        e = check_speakers(&train, &eval, why);
    }
    free(train.items);
    free(eval.items);
    return e == ERR_OK ? check_files(c, why) : e;
}
