// SPDX-License-Identifier: Apache-2.0
// reserve.c - see reserve.h.
#include "coordinator/keep/reserve.h"

#include "common/base/file.h"
#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct reserve {
    char dir[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    uint64_t size_bytes;
    uint64_t free_bytes;
    bool is_spent;
    int64_t looked_ms;
    int64_t rests_until_ms;
};

// What must stay free: below it, rows and their log would soon not fit.
static uint64_t low_bytes(const struct reserve *r)
{
    return r->size_bytes / 4;
}

static void look(struct reserve *r, int64_t now_ms)
{
    struct statvfs st;
    r->looked_ms = now_ms;
    if (statvfs(r->dir, &st) == 0) {
        r->free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    } // otherwise as it was: a write will tell
}

static bool is_there(const struct reserve *r)
{
    struct stat st;
    return stat(r->path, &st) == 0 && (uint64_t)st.st_size == r->size_bytes &&
           (uint64_t)st.st_blocks * 512 >= r->size_bytes;
}

// False when there is no room for it, or no way to have it.
static bool make_file(const struct reserve *r)
{
    int fd = open(r->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return false;
    }
    int failure = posix_fallocate(fd, 0, (off_t)r->size_bytes);
    close(fd);
    if (failure != 0) {
        unlink(r->path);
        errno = failure;
    }
    return failure == 0;
}

static bool fits(const struct reserve *r)
{
    return r->free_bytes >= r->size_bytes + low_bytes(r);
}

enum err reserve_open(const char *dir, uint64_t size_bytes, int64_t now_ms,
                      struct reserve **out, struct errinfo *why)
{
    enum err e = file_make_dirs(dir, why);
    if (e != ERR_OK) {
        return e;
    }
    struct reserve *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    r->size_bytes = size_bytes;
    e = file_path(r->dir, sizeof(r->dir), why, "%s", dir);
    if (e == ERR_OK) {
        e = file_path(r->path, sizeof(r->path), why, "%s/reserve", dir);
    }
    if (e != ERR_OK) {
        free(r);
        return e;
    }
    look(r, now_ms);
    if (size_bytes == 0) {
        unlink(r->path);
    } else if (!is_there(r)) {
        r->is_spent = !fits(r) || !make_file(r);
        look(r, now_ms);
    }
    *out = r;
    return ERR_OK;
}

void reserve_close(struct reserve *r)
{
    free(r);
}

bool reserve_is_spent(const struct reserve *r)
{
    return r->is_spent;
}

void reserve_spend(struct reserve *r, int64_t now_ms)
{
    r->rests_until_ms = now_ms + RESERVE_REST_MS;
    if (r->is_spent) {
        return;
    }
    r->is_spent = true;
    unlink(r->path);
    look(r, now_ms);
    log_error("disk.full",
              "dir=\"%s\" free_bytes=%llu means=\"nothing new is begun until there "
              "is room again; results of leased tasks are taken\"",
              r->dir, (unsigned long long)r->free_bytes);
}

static void make_anew(struct reserve *r, int64_t now_ms)
{
    if (r->size_bytes > 0 && !make_file(r)) {
        r->rests_until_ms = now_ms + RESERVE_REST_MS;
        return;
    }
    r->is_spent = false;
    look(r, now_ms);
    log_info("disk.has_room", "dir=\"%s\" free_bytes=%llu", r->dir,
             (unsigned long long)r->free_bytes);
}

bool reserve_tick(struct reserve *r, int64_t now_ms)
{
    if (now_ms - r->looked_ms < RESERVE_LOOK_MS) {
        return false;
    }
    bool was_spent = r->is_spent;
    look(r, now_ms);
    if (!r->is_spent && r->free_bytes < low_bytes(r)) {
        reserve_spend(r, now_ms);
    } else if (r->is_spent && now_ms >= r->rests_until_ms && fits(r)) {
        make_anew(r, now_ms);
    }
    return r->is_spent != was_spent;
}

bool reserve_has_room(const struct reserve *r, uint64_t size_bytes)
{
    uint64_t rows = low_bytes(r) / 2;
    return r->free_bytes >= rows && size_bytes <= r->free_bytes - rows;
}

uint64_t reserve_free_bytes(const struct reserve *r)
{
    return r->free_bytes;
}
