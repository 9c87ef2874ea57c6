// SPDX-License-Identifier: Apache-2.0
// trials.c - see trials.h.
#include "worker/data/trials.h"

#include "worker/data/lines.h"

#include <stdlib.h>
#include <string.h>

struct form {
    const char *looks;  // for errors
    const char *target; // the label's two values
    const char *nontarget;
    int label, enroll, test; // positions
};

static const struct form forms[] = {
    {"1|0 enroll test", "1", "0", 0, 1, 2},
    {"enroll test target|nontarget", "target", "nontarget", 2, 0, 1},
};
#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

static bool has_label(const struct form *f, char *const fields[static 3])
{
    return strcmp(fields[f->label], f->target) == 0 ||
           strcmp(fields[f->label], f->nontarget) == 0;
}

// Kaldi's words are looked for first: an utterance may well be called "1".
static const struct form *detect(char *const fields[static 3])
{
    for (size_t i = N_FORMS; i-- > 0;) {
        if (has_label(&forms[i], fields)) {
            return &forms[i];
        }
    }
    return NULL;
}

static void add(struct trial_list *t, const struct trial_line *item)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 1024;
        t->items = realloc(t->items, t->cap * sizeof(*t->items));
        BUG_ON(!t->items);
    }
    t->items[t->n++] = *item;
}

static enum err read_line(struct trial_list *t, const struct lines *l, char *line,
                          const struct form **form, struct errinfo *why)
{
    char *fields[4];
    size_t n = lines_split_blanks(line, fields, 4);
    if (n == 3 && !*form) {
        *form = detect(fields);
    }
    if (n != 3 || !*form || !has_label(*form, fields)) {
        const char *first = *form ? (*form)->looks : forms[0].looks;
        bool is_open = !*form;
        return err_set(why, ERR_INPUT, "%s:%u: expected \"%s\"%s%s%s", l->path,
                       l->number, first, is_open ? " or \"" : ", as in the first line",
                       is_open ? forms[1].looks : "", is_open ? "\"" : "");
    }
    struct trial_line item = {
        .enroll = fields[(*form)->enroll],
        .test = fields[(*form)->test],
        .line = l->number,
        .is_target = strcmp(fields[(*form)->label], (*form)->target) == 0,
    };
    add(t, &item);
    return ERR_OK;
}

static enum err check_both_kinds(const struct trial_list *t, struct errinfo *why)
{
    if (t->n == 0) {
        return err_set(why, ERR_INPUT, "%s: holds no trials", t->path);
    }
    size_t n_targets = 0;
    for (size_t i = 0; i < t->n; i++) {
        n_targets += t->items[i].is_target;
    }
    if (n_targets == 0 || n_targets == t->n) {
        return err_set(why, ERR_INPUT,
                       "%s: all %zu trials are %s; error rates need both kinds",
                       t->path, t->n, n_targets == 0 ? "non-target" : "target");
    }
    return ERR_OK;
}

enum err trials_load(struct trial_list *t, const char *path, struct errinfo *why)
{
    *t = (struct trial_list){0};
    enum err e = file_path(t->path, sizeof(t->path), why, "%s", path);
    struct lines l = {0};
    if (e == ERR_OK) {
        e = lines_open(&l, t->path, &t->text, why);
    }
    const struct form *form = NULL;
    for (char *line; e == ERR_OK && (line = lines_next(&l));) {
        e = read_line(t, &l, line, &form, why);
    }
    if (e == ERR_OK) {
        e = check_both_kinds(t, why);
    }
    if (e != ERR_OK) {
        trials_fini(t);
    }
    return e;
}

void trials_fini(struct trial_list *t)
{
    free(t->text);
    free(t->items);
    *t = (struct trial_list){0};
}
