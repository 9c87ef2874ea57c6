// SPDX-License-Identifier: Apache-2.0
// search_setup.c - see search_setup.h.
#include "coordinator/cli/search_setup.h"

#include "common/base/file.h"
#include "common/conf/study.h"
#include "common/space/named.h"

#include <stdio.h>
#include <string.h>

static enum err read_space(struct search_setup *s, const char *name,
                           struct errinfo *why)
{
    s->problem.dims = DIMS_PAPER;
    if (named_space(name, &s->space)) {
        return ERR_OK;
    }
    enum err e = study_load_space(name, &s->space, &s->problem.dims, why);
    return e == ERR_NOTFOUND ? err_prefix(why, e,
                                          "--space %.100s is neither a file nor one of "
                                          "%s",
                                          name, NAMED_SPACES)
                             : e;
}

// The file's name without folder and ending, as far as it makes a device's name.
static void name_of_file(const char *path, char out[static DEVICE_NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t n = strcspn(name, ".");
    snprintf(out, DEVICE_NAME_MAX, "%.*s", (int)(n < 64 ? n : 64), name);
}

static enum err check_device(const struct problem *p, const char *name,
                             struct errinfo *why)
{
    char text[OBJECTIVE_TEXT_MAX];
    struct objective o;
    snprintf(text, sizeof(text), "latency@%.64s", name);
    enum err e = objective_parse(text, &o, why);
    for (int i = 0; e == ERR_OK && i < p->n_devices; i++) {
        if (strcmp(p->devices[i].name, name) == 0) {
            e = err_set(why, ERR_INPUT,
                        "device %s has a table already; write "
                        "DEVICE=FILE to tell them apart",
                        name);
        }
    }
    return e;
}

// `[DEVICE=]FILE`; without a name, the table's own (`# device: NAME`) or its file's.
static enum err add_table(struct search_setup *s, const char *text, struct errinfo *why)
{
    struct problem *p = &s->problem;
    if (p->n_devices == PROBLEM_DEVICES_MAX) {
        return err_set(why, ERR_LIMIT, "at most %d tables", PROBLEM_DEVICES_MAX);
    }
    const char *equals = strchr(text, '=');
    bool is_named = equals && !memchr(text, '/', (size_t)(equals - text));
    const char *path = is_named ? equals + 1 : text;
    struct latency_table *t = NULL;
    enum err e = latency_table_load(path, &t, why);
    if (e != ERR_OK) {
        return e;
    }
    struct problem_device *d = &p->devices[p->n_devices];
    const char *noted = latency_table_noted(t, "device");
    char name[DEVICE_NAME_MAX + 64];
    if (is_named) {
        snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    } else if (noted) {
        snprintf(name, sizeof(name), "%s", noted);
    } else {
        name_of_file(path, name);
    }
    e = check_device(p, name, why);
    if (e != ERR_OK) {
        latency_table_destroy(t);
        return e;
    }
    snprintf(d->name, sizeof(d->name), "%s", name);
    d->table = t;
    s->tables[p->n_devices++] = t;
    return ERR_OK;
}

static enum err add_tables(struct search_setup *s, const struct option_list *list,
                           struct errinfo *why)
{
    for (size_t i = 0; i < list->n; i++) {
        enum err e = add_table(s, list->items[i], why);
        if (e != ERR_OK) {
            return err_prefix(why, e, "--latency-table");
        }
    }
    return ERR_OK;
}

static enum err add_constraints(struct problem *p, const struct option_list *list,
                                struct errinfo *why)
{
    if (list->n > PROBLEM_CONSTRAINTS_MAX) {
        return err_set(why, ERR_LIMIT, "%zu constraints; at most %d", list->n,
                       PROBLEM_CONSTRAINTS_MAX);
    }
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < list->n; i++) {
        e = constraint_parse(list->items[i], &p->constraints[p->n_constraints++], why);
    }
    return e;
}

static enum err add_objectives(struct problem *p, const struct option_list *list,
                               struct errinfo *why)
{
    if (list->n > PROBLEM_OBJECTIVES_MAX) {
        return err_set(why, ERR_LIMIT, "%zu objectives; at most %d", list->n,
                       PROBLEM_OBJECTIVES_MAX);
    }
    if (list->n == 0) {
        p->objectives[p->n_objectives++] = (struct objective){.kind = OBJECTIVE_EER};
    }
    for (size_t i = 0; i < list->n; i++) {
        enum err e =
            objective_parse(list->items[i], &p->objectives[p->n_objectives++], why);
        if (e != ERR_OK) {
            return err_prefix(why, e, "--objective %.80s", list->items[i]);
        }
    }
    return ERR_OK;
}

static enum err fill(struct search_setup *s, const struct search_options *o,
                     struct errinfo *why)
{
    struct problem *p = &s->problem;
    enum err e = read_space(s, o->space, why);
    if (e == ERR_OK) {
        e = add_tables(s, &o->tables, why);
    }
    if (e == ERR_OK) {
        e = add_constraints(p, &o->constraints, why);
    }
    if (e == ERR_OK) {
        e = add_objectives(p, &o->objectives, why);
    }
    if (e == ERR_OK) {
        e = problem_check(p, why);
    }
    if (e == ERR_OK && o->predictor) {
        e = predictor_load(o->predictor, &s->predictor, why);
    }
    return e;
}

enum err search_setup_open(struct search_setup *s, const struct search_options *o,
                           struct errinfo *why)
{
    memset(s, 0, sizeof(*s));
    s->problem.space = &s->space;
    s->problem.n_frames = (int)o->n_frames;
    enum err e = fill(s, o, why);
    if (e != ERR_OK) {
        search_setup_close(s);
    }
    return e;
}

void search_setup_close(struct search_setup *s)
{
    for (int i = 0; i < s->problem.n_devices; i++) {
        latency_table_destroy(s->tables[i]);
    }
    predictor_destroy(s->predictor);
    memset(s, 0, sizeof(*s));
}
