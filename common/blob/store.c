// SPDX-License-Identifier: Apache-2.0
// store.c - see store.h.
#include "common/blob/store.h"

#include "common/blob/oserr.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_BYTES 8
#define ID_MAX   (2 * ID_BYTES + 1)
#define LOCK     ".lock"

struct blob_store {
    char dir[FILE_PATH_MAX];
    char also_read[FILE_PATH_MAX]; // "" = none
    char making[FILE_PATH_MAX];    // dir/tmp/ID
    char lock_path[FILE_PATH_MAX]; // dir/tmp/ID.lock
    int lock_fd;
    uint64_t n_made; // makes names unique
};

// ---- what a crash left

static void remove_making(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d) {
        return;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): each DIR has its own buffer
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        unlinkat(dirfd(d), e->d_name, 0); // fails for . and .., as it should
    }
    closedir(d);
    rmdir(dir);
}

// `name` is ID.lock. Whoever gets the lock of an ID knows that its owner is gone.
static void remove_if_abandoned(const char *tmp, const char *name)
{
    char path[FILE_PATH_MAX];
    if (file_path(path, sizeof(path), NULL, "%s/%s", tmp, name) != ERR_OK) {
        return;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        char dir[FILE_PATH_MAX];
        snprintf(dir, sizeof(dir), "%.*s", (int)(strlen(path) - strlen(LOCK)), path);
        remove_making(dir);
        unlink(path); // last: as long as it is there, so is a way to find the folder
    }
    close(fd);
}

static void remove_abandoned(const char *tmp)
{
    DIR *d = opendir(tmp);
    if (!d) {
        return;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): each DIR has its own buffer
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        const char *dot = strrchr(e->d_name, '.');
        if (dot && strcmp(dot, LOCK) == 0) {
            remove_if_abandoned(tmp, e->d_name);
        }
    }
    closedir(d);
}

// ---- open, close

// True when the file under the lock still has its name: another opener may have taken
// it for abandoned between our open and our flock.
static bool lock_new(const char *path, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (*fd < 0) {
        return false;
    }
    struct stat st;
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && fstat(*fd, &st) == 0 && st.st_nlink > 0) {
        return true;
    }
    close(*fd);
    *fd = -1;
    return false;
}

static enum err claim_making(struct blob_store *s, const char *tmp, struct errinfo *why)
{
    for (int tries = 0; tries < 10; tries++) {
        unsigned char random[ID_BYTES];
        char id[ID_MAX];
        randombytes_buf(random, sizeof(random));
        sodium_bin2hex(id, sizeof(id), random, sizeof(random));
        enum err e = file_path(s->making, sizeof(s->making), why, "%s/%s", tmp, id);
        if (e == ERR_OK) {
            e = file_path(s->lock_path, sizeof(s->lock_path), why, "%s/%s" LOCK, tmp,
                          id);
        }
        if (e != ERR_OK) {
            return e;
        }
        if (lock_new(s->lock_path, &s->lock_fd)) {
            return mkdir(s->making, 0755) == 0
                       ? ERR_OK
                       : oserr(why, "make directory", s->making);
        }
    }
    return oserr(why, "lock a file in", tmp);
}

enum err blob_store_open(const char *dir, const char *also_read,
                         struct blob_store **out, struct errinfo *why)
{
    BUG_ON(sodium_init() < 0);
    struct blob_store *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->lock_fd = -1;
    char tmp[FILE_PATH_MAX];
    enum err e = file_path(s->dir, sizeof(s->dir), why, "%s", dir);
    if (e == ERR_OK) {
        e = file_path(s->also_read, sizeof(s->also_read), why, "%s",
                      also_read ? also_read : "");
    }
    if (e == ERR_OK) {
        e = file_path(tmp, sizeof(tmp), why, "%s/tmp", dir);
    }
    if (e == ERR_OK) {
        e = file_make_dirs(tmp, why);
    }
    if (e == ERR_OK) {
        remove_abandoned(tmp);
        e = claim_making(s, tmp, why);
    }
    if (e != ERR_OK) {
        blob_store_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void blob_store_close(struct blob_store *s)
{
    if (!s) {
        return;
    }
    if (s->lock_fd >= 0) {
        remove_making(s->making);
        unlink(s->lock_path);
        close(s->lock_fd);
    }
    free(s);
}

const char *blob_store_dir(const struct blob_store *s)
{
    return s->dir;
}

// ---- looking

static bool is_file(const char *path, uint64_t *size_bytes)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    *size_bytes = (uint64_t)st.st_size;
    return true;
}

static enum err final_path(const struct blob_store *s, const char *hex,
                           char out[static FILE_PATH_MAX], struct errinfo *why)
{
    if (!hash_is_valid(hex)) {
        return err_set(why, ERR_INPUT, "'%.80s' is not the name of an artifact", hex);
    }
    return file_path(out, FILE_PATH_MAX, why, "%s/%s", s->dir, hex);
}

enum err blob_path(const struct blob_store *s, const char *hex,
                   char out[static FILE_PATH_MAX], uint64_t *size_bytes,
                   struct errinfo *why)
{
    uint64_t size = 0;
    enum err e = final_path(s, hex, out, why);
    if (e != ERR_OK) {
        return e;
    }
    bool is_found = is_file(out, &size);
    if (!is_found && s->also_read[0] != '\0') {
        e = file_path(out, FILE_PATH_MAX, why, "%s/%s", s->also_read, hex);
        is_found = e == ERR_OK && is_file(out, &size);
    }
    if (!is_found) {
        return err_set(why, ERR_NOTFOUND, "there is no artifact %s in %s", hex, s->dir);
    }
    if (size_bytes) {
        *size_bytes = size;
    }
    return ERR_OK;
}

bool blob_has(const struct blob_store *s, const char *hex)
{
    char path[FILE_PATH_MAX];
    return blob_path(s, hex, path, NULL, NULL) == ERR_OK;
}

enum err blob_remove(struct blob_store *s, const char *hex, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = final_path(s, hex, path, why);
    if (e != ERR_OK) {
        return e;
    }
    return unlink(path) == 0 ? ERR_OK : oserr(why, "remove", path);
}

enum err blob_each(const struct blob_store *s, blob_visit_fn *fn, void *arg,
                   struct errinfo *why)
{
    DIR *d = opendir(s->dir);
    if (!d) {
        return oserr(why, "list", s->dir);
    }
    bool go_on = true;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): each DIR has its own buffer
    for (struct dirent *e = readdir(d); e && go_on; e = readdir(d)) {
        struct stat st;
        if (!hash_is_valid(e->d_name) || fstatat(dirfd(d), e->d_name, &st, 0) != 0) {
            continue;
        }
        struct blob_entry entry = {.size_bytes = (uint64_t)st.st_size,
                                   .modified_ns =
                                       (int64_t)st.st_mtim.tv_sec * 1000000000 +
                                       st.st_mtim.tv_nsec};
        snprintf(entry.hash, sizeof(entry.hash), "%s", e->d_name);
        go_on = fn(arg, &entry);
    }
    closedir(d);
    return ERR_OK;
}

// ---- taking in

enum err blob_scratch_path(struct blob_store *s, char out[static FILE_PATH_MAX],
                           struct errinfo *why)
{
    return file_path(out, FILE_PATH_MAX, why, "%s/%llu", s->making,
                     (unsigned long long)s->n_made++);
}

static enum err sync_file(const char *path, struct errinfo *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    enum err e = ok ? ERR_OK : oserr(why, "sync", path);
    if (fd >= 0) {
        close(fd);
    }
    return e;
}

// The file, complete and synced on the store's own file system, gets its final name.
static enum err publish(struct blob_store *s, const char *from, const char *hex,
                        struct errinfo *why)
{
    char to[FILE_PATH_MAX];
    enum err e = final_path(s, hex, to, why);
    if (e != ERR_OK) {
        return e;
    }
    if (rename(from, to) != 0) {
        return oserr(why, "rename a finished artifact to", to);
    }
    return file_sync_dir(s->dir, why);
}

static enum err copy_bytes(int from, int to, const char *name, struct errinfo *why)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(from, block, sizeof(block));
        if (n == 0) {
            return ERR_OK;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return oserr(why, "read", name);
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(to, block + done, (size_t)(n - done));
            if (m < 0 && errno != EINTR) {
                return oserr(why, "copy", name);
            }
            done += m > 0 ? m : 0;
        }
    }
}

static enum err copy_file(const char *from, const char *to, struct errinfo *why)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return oserr(why, "open", from);
    }
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    enum err e = out < 0 ? oserr(why, "create", to) : copy_bytes(in, out, from, why);
    close(in);
    if (out >= 0 && close(out) != 0 && e == ERR_OK) {
        e = oserr(why, "write", to);
    }
    return e;
}

// Brings the file onto the store's file system, under a private name.
static enum err bring_in(struct blob_store *s, const char *path,
                         char inside[static FILE_PATH_MAX], struct errinfo *why)
{
    enum err e = blob_scratch_path(s, inside, why);
    if (e != ERR_OK || rename(path, inside) == 0) {
        return e;
    }
    if (errno != EXDEV) {
        return oserr(why, "take in", path);
    }
    e = copy_file(path, inside, why);
    if (e == ERR_OK) {
        unlink(path);
    }
    return e;
}

enum err blob_take_file(struct blob_store *s, const char *path,
                        char hex[static HASH_HEX_MAX], uint64_t *size_bytes,
                        struct errinfo *why)
{
    char inside[FILE_PATH_MAX];
    enum err e = bring_in(s, path, inside, why);
    if (e == ERR_OK) {
        e = hash_file(inside, hex, why);
    }
    uint64_t size = 0;
    if (e == ERR_OK && !is_file(inside, &size)) {
        e = err_set(why, ERR_IO, "%s is not a regular file", path);
    }
    if (e == ERR_OK) {
        e = sync_file(inside, why);
    }
    if (e == ERR_OK) {
        e = publish(s, inside, hex, why);
    }
    if (e != ERR_OK) {
        unlink(inside);
        return e;
    }
    if (size_bytes) {
        *size_bytes = size;
    }
    return ERR_OK;
}

enum err blob_put_bytes(struct blob_store *s, const void *bytes, size_t n,
                        char hex[static HASH_HEX_MAX], struct errinfo *why)
{
    hash_bytes(bytes, n, hex);
    struct blob_writer *w = NULL;
    enum err e = blob_writer_begin(s, hex, n, &w, why);
    if (e != ERR_OK) {
        return e;
    }
    BUG_ON(!w);
    e = blob_writer_add(w, bytes, n, why);
    if (e != ERR_OK) {
        blob_writer_abort(w);
        return e;
    }
    return blob_writer_commit(w, why);
}

// ---- streaming

struct blob_writer {
    struct hash_state hash; // first: wants its alignment
    struct blob_store *store;
    char hex[HASH_HEX_MAX];
    char path[FILE_PATH_MAX];
    int fd;
    uint64_t size_bytes;
    uint64_t at;
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

enum err blob_writer_begin(struct blob_store *s, const char *hex, uint64_t size_bytes,
                           struct blob_writer **out, struct errinfo *why)
{
    if (!hash_is_valid(hex)) {
        return err_set(why, ERR_INPUT, "'%.80s' is not the name of an artifact", hex);
    }
    const size_t align = _Alignof(struct blob_writer);
    struct blob_writer *w = aligned_alloc(align, round_up(sizeof(*w), align));
    BUG_ON(!w);
    w->store = s;
    w->size_bytes = size_bytes;
    w->at = 0;
    snprintf(w->hex, sizeof(w->hex), "%s", hex);
    hash_init(&w->hash);
    enum err e = blob_scratch_path(s, w->path, why);
    if (e == ERR_OK) {
        w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        e = w->fd < 0 ? oserr(why, "create", w->path) : ERR_OK;
    }
    if (e != ERR_OK) {
        free(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

enum err blob_writer_add(struct blob_writer *w, const void *bytes, size_t n,
                         struct errinfo *why)
{
    if (n > w->size_bytes - w->at) {
        return err_set(why, ERR_CORRUPT, "artifact %s is longer than announced",
                       w->hex);
    }
    const char *p = bytes;
    for (size_t done = 0; done < n;) {
        ssize_t m = write(w->fd, p + done, n - done);
        if (m < 0 && errno != EINTR) {
            return oserr(why, "write", w->path);
        }
        done += m > 0 ? (size_t)m : 0;
    }
    hash_add(&w->hash, bytes, n);
    w->at += n;
    return ERR_OK;
}

uint64_t blob_writer_at(const struct blob_writer *w)
{
    return w->at;
}

static enum err check_whole(struct blob_writer *w, struct errinfo *why)
{
    if (w->at != w->size_bytes) {
        return err_set(why, ERR_CORRUPT, "artifact %s has %llu bytes instead of %llu",
                       w->hex, (unsigned long long)w->at,
                       (unsigned long long)w->size_bytes);
    }
    char hex[HASH_HEX_MAX];
    hash_end(&w->hash, hex);
    if (strcmp(hex, w->hex) != 0) {
        return err_set(why, ERR_CORRUPT, "artifact %s has the hash %s", w->hex, hex);
    }
    return ERR_OK;
}

enum err blob_writer_commit(struct blob_writer *w, struct errinfo *why)
{
    enum err e = check_whole(w, why);
    if (e == ERR_OK && fsync(w->fd) != 0) {
        e = oserr(why, "sync", w->path);
    }
    if (e == ERR_OK) {
        e = publish(w->store, w->path, w->hex, why);
    }
    if (e != ERR_OK) {
        unlink(w->path);
    }
    close(w->fd);
    free(w);
    return e;
}

void blob_writer_abort(struct blob_writer *w)
{
    if (!w) {
        return;
    }
    unlink(w->path);
    close(w->fd);
    free(w);
}
