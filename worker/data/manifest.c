// SPDX-License-Identifier: Apache-2.0
// manifest.c - see manifest.h.
#include "worker/data/manifest.h"

#include "worker/data/lines.h"

#include <string.h>

#define COLUMNS_MAX 64

enum column { COLUMN_FILE, COLUMN_SPEAKER, COLUMN_SPLIT };
#define COLUMNS 3

static const char *const column_names[COLUMNS] = {
    [COLUMN_FILE] = "file",
    [COLUMN_SPEAKER] = "speaker",
    [COLUMN_SPLIT] = "split",
};

struct header {
    size_t n_columns;
    int at[COLUMNS]; // position, -1 when absent
};

static enum err place_columns(struct header *h, char **fields, const struct lines *l,
                              struct errinfo *why)
{
    for (int c = 0; c < COLUMNS; c++) {
        h->at[c] = -1;
    }
    for (size_t i = 0; i < h->n_columns; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            if (strcmp(fields[i], column_names[c]) != 0) {
                continue;
            }
            if (h->at[c] >= 0) {
                return err_set(why, ERR_INPUT, "%s:%u: column %s is there twice",
                               l->path, l->number, fields[i]);
            }
            h->at[c] = (int)i;
        }
    }
    return ERR_OK;
}

static enum err read_header(struct header *h, struct lines *l, struct errinfo *why)
{
    char *line = lines_next(l);
    if (!line) {
        return err_set(why, ERR_INPUT,
                       "%s: empty; the first line must name the columns", l->path);
    }
    char *fields[COLUMNS_MAX];
    h->n_columns = lines_split_tabs(line, fields, COLUMNS_MAX);
    if (h->n_columns > COLUMNS_MAX) {
        return err_set(why, ERR_LIMIT, "%s:%u: %zu columns; at most %d are allowed",
                       l->path, l->number, h->n_columns, COLUMNS_MAX);
    }
    enum err e = place_columns(h, fields, l, why);
    if (e != ERR_OK) {
        return e;
    }
    for (int c = 0; c <= COLUMN_SPEAKER; c++) {
        if (h->at[c] < 0) {
            return err_set(
                why, ERR_INPUT,
                "%s:%u: the header names no column \"%s\"; needed are file and "
                "speaker, allowed is split, others are ignored, separated by "
                "tabs",
                l->path, l->number, column_names[c]);
        }
    }
    return ERR_OK;
}

static enum err read_row(struct recordings *r, const struct header *h,
                         const struct lines *l, char *line, struct errinfo *why)
{
    char *fields[COLUMNS_MAX];
    size_t n = lines_split_tabs(line, fields, COLUMNS_MAX);
    if (n != h->n_columns) {
        return err_set(why, ERR_INPUT,
                       "%s:%u: %zu fields; the header names %zu columns", l->path,
                       l->number, n, h->n_columns);
    }
    for (int c = 0; c <= COLUMN_SPEAKER; c++) {
        if (fields[h->at[c]][0] == '\0') {
            return err_set(why, ERR_INPUT, "%s:%u: %s is empty", l->path, l->number,
                           column_names[c]);
        }
    }
    const char *file = fields[h->at[COLUMN_FILE]];
    struct recording item = {
        .id = file,
        .file = file,
        .speaker = fields[h->at[COLUMN_SPEAKER]],
        .split = h->at[COLUMN_SPLIT] < 0 ? "" : fields[h->at[COLUMN_SPLIT]],
        .line = l->number,
    };
    return recordings_add(r, &item, why);
}

static void set_folder(char root[static FILE_PATH_MAX], const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (!slash) {
        root[n++] = '.';
    } else if (n == 0) {
        root[n++] = '/';
    } else {
        memcpy(root, path, n);
    }
    root[n] = '\0';
}

enum err manifest_read(struct recordings *r, const char *path, struct errinfo *why)
{
    enum err e = file_path(r->path, sizeof(r->path), why, "%s", path);
    if (e != ERR_OK) {
        return e;
    }
    set_folder(r->root, r->path);
    struct lines l = {0};
    e = lines_open(&l, r->path, &r->text[0], why);
    if (e != ERR_OK) {
        return e;
    }
    struct header h = {0};
    e = read_header(&h, &l, why);
    for (char *line; e == ERR_OK && (line = lines_next(&l));) {
        e = read_row(r, &h, &l, line, why);
    }
    if (e == ERR_OK && r->n == 0) {
        e = err_set(why, ERR_INPUT, "%s: lists no recordings", r->path);
    }
    return e == ERR_OK ? recordings_index(r, why) : e;
}
