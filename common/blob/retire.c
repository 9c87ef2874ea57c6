// SPDX-License-Identifier: Apache-2.0
// retire.c - see retire.h.
#include "common/blob/retire.h"

#include "common/blob/oserr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err own_path(const struct blob_store *s, const char *hex,
                         char out[static FILE_PATH_MAX], struct errinfo *why)
{
    if (!hash_is_valid(hex)) {
        return err_set(why, ERR_INPUT, "'%.80s' is not the name of an artifact", hex);
    }
    return file_path(out, FILE_PATH_MAX, why, "%s/%s", blob_store_dir(s), hex);
}

enum err blob_touch(struct blob_store *s, const char *hex, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = own_path(s, hex, path, why);
    if (e == ERR_OK && utimensat(AT_FDCWD, path, NULL, 0) != 0) {
        e = oserr(why, "touch", path);
    }
    return e;
}

// ---- removing

static bool is_unchanged(const char *path, int64_t modified_ns)
{
    struct stat st;
    return stat(path, &st) == 0 &&
           (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == modified_ns;
}

// Back under its name, unless somebody stored it again meanwhile.
static enum err put_back(const char *aside, const char *path, struct errinfo *why)
{
    bool ok = link(aside, path) == 0 || errno == EEXIST;
    enum err e = ok ? err_set(why, ERR_STALE, "%s is used again", path)
                    : oserr(why, "put back", path);
    unlink(aside);
    return e;
}

enum err blob_retire(struct blob_store *s, const char *hex, int64_t modified_ns,
                     struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    char aside[FILE_PATH_MAX];
    enum err e = own_path(s, hex, path, why);
    if (e == ERR_OK) {
        e = blob_scratch_path(s, aside, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    if (!is_unchanged(path, modified_ns)) {
        return file_exists(path) ? err_set(why, ERR_STALE, "%s is used again", path)
                                 : err_set(why, ERR_NOTFOUND, "there is no %s", path);
    }
    if (rename(path, aside) != 0) {
        return oserr(why, "take aside", path);
    }
    if (!is_unchanged(aside, modified_ns)) {
        return put_back(aside, path, why);
    }
    return unlink(aside) == 0 ? ERR_OK : oserr(why, "remove", aside);
}

// ---- damage

enum err blob_verify(const struct blob_store *s, const char *hex, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    char found[HASH_HEX_MAX];
    enum err e = blob_path(s, hex, path, NULL, why);
    if (e == ERR_OK) {
        e = hash_file(path, found, why);
    }
    if (e == ERR_OK && strcmp(found, hex) != 0) {
        e = err_set(why, ERR_CORRUPT,
                    "artifact %s is damaged: its bytes have the hash %s", hex, found);
    }
    return e;
}

enum err blob_quarantine(struct blob_store *s, const char *hex, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    char dir[FILE_PATH_MAX];
    char to[FILE_PATH_MAX];
    enum err e = own_path(s, hex, path, why);
    if (e == ERR_OK) {
        e = file_path(dir, sizeof(dir), why, "%s/corrupt", blob_store_dir(s));
    }
    if (e == ERR_OK) {
        e = file_path(to, sizeof(to), why, "%s/%s", dir, hex);
    }
    if (e == ERR_OK) {
        e = file_make_dirs(dir, why);
    }
    if (e == ERR_OK && rename(path, to) != 0) {
        e = oserr(why, "take out of the way", path);
    }
    return e == ERR_OK ? file_sync_dir(blob_store_dir(s), why) : e;
}

// ---- copying

static enum err stream(int fd, struct blob_writer *w, const char *path,
                       struct errinfo *why)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? ERR_OK : oserr(why, "read", path);
        }
        enum err e = blob_writer_add(w, block, (size_t)n, why);
        if (e != ERR_OK) {
            return e;
        }
    }
}

static enum err copy_bytes(struct blob_store *to, const char *hex, const char *path,
                           uint64_t size_bytes, struct errinfo *why)
{
    struct blob_writer *w = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return oserr(why, "open", path);
    }
    enum err e = blob_writer_begin(to, hex, size_bytes, &w, why);
    if (e == ERR_OK) {
        e = stream(fd, w, path, why);
        if (e != ERR_OK) {
            blob_writer_abort(w);
        }
    }
    close(fd);
    return e == ERR_OK ? blob_writer_commit(w, why) : e;
}

enum err blob_copy(const struct blob_store *from, struct blob_store *to,
                   const char *hex, uint64_t *size_bytes, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    char target[FILE_PATH_MAX];
    enum err e = blob_path(from, hex, path, size_bytes, why);
    if (e == ERR_OK) {
        e = own_path(to, hex, target, why);
    }
    if (e != ERR_OK || file_exists(target)) {
        return e;
    }
    if (link(path, target) != 0) {
        return copy_bytes(to, hex, path, *size_bytes, why);
    }
    e = blob_verify(to, hex, why);
    if (e != ERR_OK) {
        unlink(target);
        return e;
    }
    return file_sync_dir(blob_store_dir(to), why);
}
