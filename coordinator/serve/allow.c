// SPDX-License-Identifier: Apache-2.0
// allow.c - see allow.h. Sorted by key; found by halving.
#include "coordinator/serve/allow.h"

#include "common/base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLANK      " \t\r"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

struct allow {
    struct allow_entry *entries;
    size_t n;
    size_t cap;
};

static const struct {
    enum role role;
    const char *name;
} roles[] = {
    {ROLE_WORKER, "worker"}, {ROLE_OPERATOR, "operator"}, {ROLE_VIEWER, "viewer"}};
#define N_ROLES (sizeof(roles) / sizeof(roles[0]))

const char *role_name(enum role r)
{
    for (size_t i = 0; i < N_ROLES; i++) {
        if (roles[i].role == r) {
            return roles[i].name;
        }
    }
    return "nobody";
}

// ---- one line

struct word {
    const char *at;
    size_t n;
};

static struct word next_word(const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && strchr(BLANK, *p)) {
        p++;
    }
    const char *start = p;
    while (p < end && !strchr(BLANK, *p)) {
        p++;
    }
    *at = p;
    return (struct word){start, (size_t)(p - start)};
}

static bool parse_role(struct word w, enum role *out)
{
    for (size_t i = 0; i < N_ROLES; i++) {
        if (w.n == strlen(roles[i].name) && memcmp(w.at, roles[i].name, w.n) == 0) {
            *out = roles[i].role;
            return true;
        }
    }
    return false;
}

// NULL, or what is wrong with the line.
static const char *parse_entry(const char *line, const char *end,
                               struct allow_entry *out)
{
    struct word role = next_word(&line, end);
    struct word key = next_word(&line, end);
    struct word name = next_word(&line, end);
    struct word rest = next_word(&line, end);
    if (!parse_role(role, &out->role)) {
        return "a line is ROLE PUBLICKEY NAME; roles are worker, operator and viewer";
    }
    if (!curve_public_parse(key.at, key.n, &out->key)) {
        return "behind the role comes a public key: 64 hexadecimal digits";
    }
    if (name.n == 0 || name.n >= ALLOW_NAME_MAX ||
        strspn(name.at, NAME_CHARS) < name.n) {
        return "behind the key comes a name: 1 to 31 letters, digits, - _ or .";
    }
    if (rest.n > 0 && *rest.at != '#') {
        return "behind the name comes nothing more, but a comment";
    }
    memcpy(out->name, name.at, name.n);
    return NULL;
}

static bool is_blank(const char *line, const char *end)
{
    struct word w = next_word(&line, end);
    return w.n == 0 || *w.at == '#';
}

static struct allow_entry *append(struct allow *a)
{
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 32;
        struct allow_entry *entries = realloc(a->entries, a->cap * sizeof(*entries));
        BUG_ON(!entries);
        a->entries = entries;
    }
    struct allow_entry *e = &a->entries[a->n++];
    *e = (struct allow_entry){.line = 0};
    return e;
}

// ---- the whole

static int by_key(const void *x, const void *y)
{
    const struct allow_entry *a = x;
    const struct allow_entry *b = y;
    int order = memcmp(a->key.bytes, b->key.bytes, sizeof(a->key.bytes));
    return order ? order : (int)a->line - (int)b->line;
}

static int by_name(const void *x, const void *y)
{
    const struct allow_entry *a = x;
    const struct allow_entry *b = y;
    int order = strcmp(a->name, b->name);
    return order ? order : (int)a->line - (int)b->line;
}

static enum err check_twice(struct allow *a, const char *path, struct errinfo *why)
{
    if (a->n == 0) {
        return ERR_OK;
    }
    qsort(a->entries, a->n, sizeof(a->entries[0]), by_name);
    for (size_t i = 1; i < a->n; i++) {
        if (strcmp(a->entries[i - 1].name, a->entries[i].name) == 0) {
            return err_set(why, ERR_INPUT, "%s:%u: the name %s is taken by line %u",
                           path, a->entries[i].line, a->entries[i].name,
                           a->entries[i - 1].line);
        }
    }
    qsort(a->entries, a->n, sizeof(a->entries[0]), by_key);
    for (size_t i = 1; i < a->n; i++) {
        if (curve_public_equal(&a->entries[i - 1].key, &a->entries[i].key)) {
            return err_set(why, ERR_INPUT,
                           "%s:%u: this key is listed already, in line %u", path,
                           a->entries[i].line, a->entries[i - 1].line);
        }
    }
    return ERR_OK;
}

static enum err parse_lines(struct allow *a, const char *text, const char *path,
                            struct errinfo *why)
{
    unsigned number = 0;
    while (*text) {
        const char *end = text + strcspn(text, "\n");
        number++;
        if (!is_blank(text, end)) {
            if (a->n == ALLOW_KEYS_MAX) {
                return err_set(why, ERR_LIMIT, "%s:%u: more than %d keys", path, number,
                               ALLOW_KEYS_MAX);
            }
            struct allow_entry *entry = append(a);
            const char *flaw = parse_entry(text, end, entry);
            if (flaw) {
                return err_set(why, ERR_INPUT, "%s:%u: %s", path, number, flaw);
            }
            entry->line = number;
        }
        text = *end ? end + 1 : end;
    }
    return check_twice(a, path, why);
}

enum err allow_parse(const char *text, const char *path, struct allow **out,
                     struct errinfo *why)
{
    struct allow *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    enum err e = parse_lines(a, text, path, why);
    if (e != ERR_OK) {
        allow_destroy(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

// Who can write the list can let himself in.
static enum err check_mode(const char *path, struct errinfo *why)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH))) {
        return err_set(
            why, ERR_INPUT,
            "%s says who may connect and has mode %03o: others may change it. "
            "chmod go-w %s",
            path, (unsigned)(st.st_mode & 0777), path);
    }
    return ERR_OK;
}

enum err allow_load(const char *path, struct allow **out, struct errinfo *why)
{
    struct buf text = BUF_INIT;
    enum err e = check_mode(path, why);
    if (e == ERR_OK) {
        e = file_read(path, ALLOW_FILE_BYTES, &text, why);
    }
    if (e == ERR_OK && strlen(text.data) != text.len) {
        e = err_set(why, ERR_INPUT, "%s is no text", path);
    }
    if (e == ERR_OK) {
        e = allow_parse(text.data, path, out, why);
    }
    buf_fini(&text);
    return e;
}

void allow_destroy(struct allow *a)
{
    if (a) {
        free(a->entries);
        free(a);
    }
}

const struct allow_entry *allow_find(const struct allow *a,
                                     const struct curve_public *key)
{
    size_t low = 0;
    size_t high = a->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order =
            memcmp(a->entries[middle].key.bytes, key->bytes, sizeof(key->bytes));
        if (order == 0) {
            return &a->entries[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

size_t allow_count(const struct allow *a)
{
    return a->n;
}
