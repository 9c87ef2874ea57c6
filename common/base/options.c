// SPDX-License-Identifier: Apache-2.0
// options.c - see options.h.
#include "common/base/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32 // longer words are never near a name of ours

// Levenshtein distance of two short words; a large number when one is too long.
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a);
    size_t m = strlen(b);
    size_t row[WORD_MAX + 1];
    if (n > WORD_MAX || m > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[m];
}

const char *options_nearest(const char *word, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t best = strlen(word) < 4 ? 2 : 3; // at most one or two slips of the finger
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(word, names[i]);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

static const struct option *find(const struct options *o, const char *name, size_t len)
{
    for (size_t i = 0; i < o->n_options; i++) {
        if (strlen(o->table[i].name) == len && !strncmp(o->table[i].name, name, len)) {
            return &o->table[i];
        }
    }
    return NULL;
}

static enum err unknown_option(const struct options *o, const char *arg,
                               struct errinfo *why)
{
    const char *names[OPTIONS_LIST_MAX];
    size_t n = 0;
    while (n < o->n_options && n < OPTIONS_LIST_MAX) {
        names[n] = o->table[n].name;
        n++;
    }
    const char *near = options_nearest(arg + strspn(arg, "-"), names, n);
    if (near) {
        return err_set(why, ERR_INPUT, "unknown option %s; did you mean --%s?", arg,
                       near);
    }
    return err_set(why, ERR_INPUT, "unknown option %s; see %s --help", arg, o->command);
}

static enum err read_number(const struct option *opt, const char *text,
                            struct errinfo *why)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < opt->min || value > opt->max) {
        return err_set(why, ERR_INPUT, "--%s %s: a whole number from %ld to %ld is due",
                       opt->name, text, opt->min, opt->max);
    }
    *opt->number = value;
    return ERR_OK;
}

static enum err assign(const struct option *opt, const char *value, struct errinfo *why)
{
    switch (opt->kind) {
    case OPTION_FLAG: *opt->flag = true; return ERR_OK;
    case OPTION_TEXT: *opt->text = value; return ERR_OK;
    case OPTION_NUMBER: return read_number(opt, value, why);
    case OPTION_LIST:
        if (opt->list->n == OPTIONS_LIST_MAX) {
            return err_set(why, ERR_LIMIT, "--%s: at most %d of them", opt->name,
                           OPTIONS_LIST_MAX);
        }
        opt->list->items[opt->list->n++] = value;
        return ERR_OK;
    }
    return ERR_OK;
}

// Reads the option at argv[*i]; its value may be the next argument.
static enum err read_option(const struct options *o, int argc, char **argv, int *i,
                            struct errinfo *why)
{
    const char *arg = argv[*i];
    size_t len = strcspn(arg + 2, "=");
    const char *value = arg[2 + len] == '=' ? arg + 3 + len : NULL;
    const struct option *opt = arg[1] == '-' ? find(o, arg + 2, len) : NULL;
    if (!opt) {
        return unknown_option(o, arg, why);
    }
    if (opt->kind == OPTION_FLAG && value) {
        return err_set(why, ERR_INPUT, "--%s takes no value", opt->name);
    }
    if (opt->kind != OPTION_FLAG && !value) {
        if (*i + 1 == argc) {
            return err_set(why, ERR_INPUT, "--%s needs a value: --%s %s", opt->name,
                           opt->name, opt->metavar);
        }
        value = argv[++*i];
    }
    return assign(opt, value, why);
}

static enum err check_operands(const struct options *o, const struct operands *operands,
                               struct errinfo *why)
{
    if (operands->n < o->min_operands) {
        return err_set(why, ERR_INPUT, "missing %s; usage: %s [options] %s",
                       o->operands, o->command, o->operands);
    }
    if (operands->n > o->max_operands) {
        return err_set(why, ERR_INPUT,
                       "unexpected argument '%s'; usage: %s [options] %s",
                       operands->items[o->max_operands], o->command, o->operands);
    }
    return ERR_OK;
}

enum err options_read(const struct options *o, int argc, char **argv,
                      struct operands *operands, struct errinfo *why)
{
    bool only_operands = false;
    operands->n = 0;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (only_operands || arg[0] != '-' || !arg[1]) {
            if (operands->n == OPTIONS_LIST_MAX) {
                return err_set(why, ERR_LIMIT, "too many arguments");
            }
            operands->items[operands->n++] = arg;
        } else if (!strcmp(arg, "--")) {
            only_operands = true;
        } else if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
            return ERR_CANCELLED;
        } else {
            enum err e = read_option(o, argc, argv, &i, why);
            if (e) {
                return e;
            }
        }
    }
    return check_operands(o, operands, why);
}

static void print_help(const struct options *o)
{
    printf("Usage: %s%s%s%s\n\n%s\n", o->command, o->n_options ? " [options]" : "",
           *o->operands ? " " : "", o->operands, o->summary);
    if (o->n_options) {
        printf("\nOptions:\n");
    }
    for (size_t i = 0; i < o->n_options; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", o->table[i].name,
                 o->table[i].metavar ? " " : "",
                 o->table[i].metavar ? o->table[i].metavar : "");
        printf("  %-22s %s\n", left, o->table[i].help);
    }
    if (o->examples) {
        printf("\nExamples:\n%s", o->examples);
    }
}

int options_fail(const char *command, const struct errinfo *why)
{
    fprintf(stderr, "%s: %s\n", command, why->text);
    return err_exit_status(why->code);
}

bool options_parse(const struct options *o, int argc, char **argv,
                   struct operands *operands, int *status)
{
    struct errinfo why = {0};
    switch (options_read(o, argc, argv, operands, &why)) {
    case ERR_OK: return true;
    case ERR_CANCELLED:
        print_help(o);
        *status = 0;
        return false;
    default:
        options_fail(o->command, &why);
        *status = 2;
        return false;
    }
}
