// SPDX-License-Identifier: Apache-2.0
// noise_list.c - see noise_list.h.
#include "worker/data/noise_list.h"

#include "common/base/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define DEPTH_MAX 8 // also ends circles of links
#define FILES_MAX 100000

struct found {
    char **files;
    size_t n, cap;
};

static const char *const endings[] = {".wav", ".flac", ".ogg",
                                      ".oga", ".opus", ".aiff"};

static bool is_audio_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (strcasecmp(dot, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum err add(struct found *f, const char *name, struct errinfo *why)
{
    if (f->n == FILES_MAX) {
        return err_set(why, ERR_LIMIT, "more than %d noise files", FILES_MAX);
    }
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->files = realloc(f->files, f->cap * sizeof(*f->files));
        BUG_ON(!f->files);
    }
    f->files[f->n] = strdup(name);
    BUG_ON(!f->files[f->n]);
    f->n++;
    return ERR_OK;
}

static enum err walk(struct found *f, const char *root, const char *below, int depth,
                     struct errinfo *why);

static enum err visit(struct found *f, const char *root, const char *name, int depth,
                      struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_path(path, sizeof(path), why, "%s/%s", root, name);
    struct stat st;
    if (e != ERR_OK || stat(path, &st) != 0) {
        return e; // a dangling link is no noise
    }
    if (S_ISDIR(st.st_mode)) {
        return depth < DEPTH_MAX ? walk(f, root, name, depth + 1, why) : ERR_OK;
    }
    return S_ISREG(st.st_mode) && is_audio_name(name) ? add(f, name, why) : ERR_OK;
}

static enum err walk(struct found *f, const char *root, const char *below, int depth,
                     struct errinfo *why)
{
    char dir[FILE_PATH_MAX];
    enum err e = file_path(dir, sizeof(dir), why, "%s/%s", root, below);
    if (e != ERR_OK) {
        return e;
    }
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, NULL, NULL);
    if (n < 0) {
        return err_set(why, ERR_INPUT, "cannot read the folder %s", dir);
    }
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char inside[FILE_PATH_MAX];
        if (e == ERR_OK && name[0] != '.') {
            e = file_path(inside, sizeof(inside), why, "%s%s%s", below,
                          below[0] ? "/" : "", name);
            if (e == ERR_OK) {
                e = visit(f, root, inside, depth, why);
            }
        }
        free(entries[i]);
    }
    free(entries);
    return e;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err noise_list(const char *root, char ***files, size_t *n, struct errinfo *why)
{
    struct found f = {0};
    enum err e = walk(&f, root, "", 0, why);
    if (e == ERR_OK && f.n == 0) {
        e = err_set(
            why, ERR_INPUT,
            "%s: no noise recordings in it (looked for .wav .flac .ogg .oga .opus "
            ".aiff)",
            root);
    }
    if (e != ERR_OK) {
        noise_list_free(f.files, f.n);
        return e;
    }
    BUG_ON(!f.files); // there are some
    qsort(f.files, f.n, sizeof(*f.files), by_bytes);
    *files = f.files;
    *n = f.n;
    return ERR_OK;
}

void noise_list_free(char **files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(files[i]);
    }
    free(files);
}
