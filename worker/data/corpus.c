// SPDX-License-Identifier: Apache-2.0
// corpus.c - see corpus.h.
#include "worker/data/corpus.h"

#include "worker/data/noise_list.h"
#include "worker/data/overlap.h"

#include <stdlib.h>
#include <string.h>

#define SPLITS_NAMED_MAX 8 // in an error

size_t corpus_n_items(const struct corpus *c)
{
    return c->n_train + c->n_eval + c->n_noise;
}

void corpus_close(struct corpus *c)
{
    recordings_fini(&c->train_list);
    recordings_fini(&c->eval_list);
    trials_fini(&c->trial_list);
    noise_list_free(c->noise_files, c->n_noise);
    free(c->items);
    free(c->trials);
    *c = (struct corpus){0};
}

static bool is_in_split(const struct recording *r, const char *split)
{
    return split[0] == '\0' || strcmp(r->split, split) == 0;
}

// Says which splits the list has, for a person who named one that it has not.
static enum err no_such_split(const struct recordings *r, const char *split,
                              struct errinfo *why)
{
    const char *known[SPLITS_NAMED_MAX];
    size_t n = 0;
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < r->n && n < SPLITS_NAMED_MAX; i++) {
        const char *at = r->items[i].split;
        size_t k = 0;
        while (k < n && strcmp(known[k], at) != 0) {
            k++;
        }
        if (at[0] && k == n) {
            buf_addf(&names, "%s%.32s", n > 0 ? ", " : "", at);
            known[n++] = at;
        }
    }
    enum err e = err_set(
        why, ERR_INPUT, "%s: no recording has split \"%s\"; %s%s", r->path, split,
        n > 0 ? "there are: " : "it has no column split", n > 0 ? names.data : "");
    buf_fini(&names);
    return e;
}

// Makes the training items; there is room for every row of the list.
static enum err take_train(struct corpus *c, const struct study_recordings *from,
                           struct errinfo *why)
{
    for (size_t i = 0; i < c->train_list.n; i++) {
        const struct recording *r = &c->train_list.items[i];
        if (is_in_split(r, from->split)) {
            c->items[c->n_train++] = (struct corpus_item){
                .id = r->id,
                .speaker = r->speaker,
                .root = c->train_list.root,
                .file = r->file,
                .part = PACK_TRAIN,
            };
        }
    }
    return c->n_train > 0 ? ERR_OK : no_such_split(&c->train_list, from->split, why);
}

// One side of one trial, on the way to a number.
struct side {
    const char *name;
    size_t place; // 2 * trial, + 1 for the test side
};

static int by_name_then_place(const void *a, const void *b)
{
    const struct side *x = a;
    const struct side *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const struct side *x = a;
    const struct side *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static void set_side(struct corpus *c, size_t place, uint32_t number)
{
    struct pack_trial *t = &c->trials[place / 2];
    if (place % 2 == 0) {
        t->enroll = number;
    } else {
        t->test = number;
    }
}

// Numbers the names by first appearance: sides sorted by name give each name's first
// place; those places, sorted, give the numbers. Returns one side per name, in order.
static struct side *number_sides(struct corpus *c, size_t *n_names)
{
    size_t n = 2 * c->trial_list.n;
    struct side *sides = malloc((n + 1) * sizeof(*sides));
    struct side *firsts = malloc((n + 1) * sizeof(*firsts));
    uint32_t *number_of = malloc((n + 1) * sizeof(*number_of)); // by first place
    BUG_ON(!sides || !firsts || !number_of);
    for (size_t i = 0; i < n; i++) {
        const struct trial_line *t = &c->trial_list.items[i / 2];
        sides[i] = (struct side){i % 2 == 0 ? t->enroll : t->test, i};
    }
    qsort(sides, n, sizeof(*sides), by_name_then_place);
    *n_names = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(sides[i].name, sides[i - 1].name) != 0) {
            firsts[(*n_names)++] = sides[i];
        }
    }
    qsort(firsts, *n_names, sizeof(*firsts), by_place);
    for (size_t i = 0; i < *n_names; i++) {
        number_of[firsts[i].place] = (uint32_t)i;
    }
    for (size_t i = 0, first = 0; i < n; i++) {
        if (i == 0 || strcmp(sides[i].name, sides[i - 1].name) != 0) {
            first = sides[i].place;
        }
        set_side(c, sides[i].place, number_of[first]);
    }
    free(sides);
    free(number_of);
    return firsts;
}

// The recording a trial means by `name`: see the concept in corpus.h.
static enum err find_eval(struct corpus *c, const struct study_data *data,
                          const char *name, struct corpus_item *item,
                          struct errinfo *why)
{
    bool has_list = c->eval_list.n > 0;
    const struct recordings *list = has_list ? &c->eval_list : &c->train_list;
    const struct recording *r = recordings_find(list, name);
    *item = (struct corpus_item){
        .id = name, .root = c->eval_root, .file = name, .part = PACK_EVAL};
    if (r && has_list && !is_in_split(r, data->eval.split)) {
        return err_set(why, ERR_INPUT, "%s has split \"%s\" in %s, not \"%s\"", name,
                       r->split, list->path, data->eval.split);
    }
    if (r && !has_list && is_in_split(r, data->train.split)) {
        return err_set(why, ERR_INPUT, "%s is a training recording (%s:%u)", name,
                       list->path, r->line);
    }
    if (r) {
        item->root = list->root;
        item->file = r->file;
        return ERR_OK;
    }
    if (has_list) {
        return err_set(why, ERR_INPUT, "%s is not in %s", name, list->path);
    }
    char path[FILE_PATH_MAX];
    enum err e = recordings_path(c->eval_root, name, path, why);
    if (e == ERR_OK && !file_exists(path)) {
        e = err_set(why, ERR_INPUT, "%s is neither in %s nor a file (%s)", name,
                    list->path, path);
    }
    return e;
}

// Makes the evaluation items behind the training ones and resolves the trials.
static enum err take_eval(struct corpus *c, const struct study_data *data,
                          struct errinfo *why)
{
    c->trials = calloc(c->trial_list.n + 1, sizeof(*c->trials));
    BUG_ON(!c->trials);
    for (size_t i = 0; i < c->trial_list.n; i++) {
        c->trials[i].is_target = c->trial_list.items[i].is_target;
    }
    size_t n_names = 0;
    struct side *firsts = number_sides(c, &n_names);
    c->items = realloc(c->items, (c->n_train + n_names + 1) * sizeof(*c->items));
    BUG_ON(!c->items);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n_names && e == ERR_OK; i++) {
        struct corpus_item *item = &c->items[c->n_train + i];
        e = find_eval(c, data, firsts[i].name, item, why);
        if (e != ERR_OK) {
            e = err_prefix(why, e, "%s:%u", c->trial_list.path,
                           c->trial_list.items[firsts[i].place / 2].line);
        }
    }
    c->n_eval = n_names;
    free(firsts);
    return e;
}

static enum err take_noise(struct corpus *c, const char *dir, struct errinfo *why)
{
    if (dir[0] == '\0') {
        return ERR_OK;
    }
    enum err e = file_path(c->noise_root, sizeof(c->noise_root), why, "%s", dir);
    if (e == ERR_OK) {
        e = noise_list(dir, &c->noise_files, &c->n_noise, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    size_t at = c->n_train + c->n_eval;
    c->items = realloc(c->items, (at + c->n_noise) * sizeof(*c->items));
    BUG_ON(!c->items);
    for (size_t i = 0; i < c->n_noise; i++) {
        c->items[at + i] = (struct corpus_item){.id = c->noise_files[i],
                                                .root = c->noise_root,
                                                .file = c->noise_files[i],
                                                .part = PACK_NOISE};
    }
    return ERR_OK;
}

static enum err load_lists(struct corpus *c, const struct study_data *data,
                           struct errinfo *why)
{
    enum err e = recordings_load(&c->train_list, &data->train, why);
    if (e == ERR_OK && (data->eval.manifest[0] || data->eval.kaldi[0])) {
        e = recordings_load(&c->eval_list, &data->eval, why);
    }
    if (e == ERR_OK && data->trials[0]) {
        e = trials_load(&c->trial_list, data->trials, why);
    }
    const char *root = data->eval.root[0] ? data->eval.root : c->train_list.root;
    memcpy(c->eval_root, root, sizeof(c->eval_root));
    return e;
}

enum err corpus_open(struct corpus *c, const struct study_data *data,
                     struct errinfo *why)
{
    *c = (struct corpus){0};
    enum err e = load_lists(c, data, why);
    if (e == ERR_OK) {
        c->items = malloc((c->train_list.n + 1) * sizeof(*c->items));
        BUG_ON(!c->items);
        e = take_train(c, &data->train, why);
    }
    if (e == ERR_OK) {
        e = take_eval(c, data, why);
    }
    if (e == ERR_OK) {
        e = take_noise(c, data->noise, why);
    }
    if (e == ERR_OK) {
        e = overlap_check(c, data, why);
    }
    if (e != ERR_OK) {
        corpus_close(c);
    }
    return e;
}
