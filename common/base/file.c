// SPDX-License-Identifier: Apache-2.0
// file.c - see file.h.
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err io_error(struct errinfo *why, const char *verb, const char *path)
{
    int number = errno;
    char text[128];
    if (strerror_r(number, text, sizeof(text)) != 0) {
        snprintf(text, sizeof(text), "errno %d", number);
    }
    enum err e = number == ENOENT || number == ENOTDIR  ? ERR_NOTFOUND
                 : number == ENOSPC || number == EDQUOT ? ERR_FULL
                                                        : ERR_IO;
    return err_set(why, e, "cannot %s %s: %s", verb, path, text);
}

static enum err read_all(int fd, const char *path, size_t max_bytes, struct buf *out,
                         struct errinfo *why)
{
    size_t total = 0;
    for (;;) {
        char *at = buf_reserve(out, 65536);
        ssize_t n = read(fd, at, 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return io_error(why, "read", path);
        }
        if (n == 0) {
            *buf_reserve(out, 0) = '\0';
            return ERR_OK;
        }
        out->len += (size_t)n;
        total += (size_t)n;
        if (total > max_bytes) {
            return err_set(why, ERR_LIMIT, "%s is larger than %zu bytes", path,
                           max_bytes);
        }
    }
}

enum err file_read(const char *path, size_t max_bytes, struct buf *out,
                   struct errinfo *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return io_error(why, "open", path);
    }
    enum err e = read_all(fd, path, max_bytes, out, why);
    close(fd);
    return e;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return false;
        }
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

enum err file_sync_parent(const char *path, struct errinfo *why)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return file_sync_dir(".", why);
    }
    char dir[FILE_PATH_MAX];
    int n = slash == path ? 1 : (int)(slash - path);
    snprintf(dir, sizeof(dir), "%.*s", n, path);
    return file_sync_dir(dir, why);
}

enum err file_write(const char *path, const void *bytes, size_t n, struct errinfo *why)
{
    char tmp[FILE_PATH_MAX];
    enum err e = file_path(tmp, sizeof(tmp), why, "%s.tmp.%ld", path, (long)getpid());
    if (e != ERR_OK) {
        return e;
    }
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return io_error(why, "create", tmp);
    }
    bool ok = write_all(fd, bytes, n) && fsync(fd) == 0;
    if (close(fd) != 0 || !ok || rename(tmp, path) != 0) {
        e = io_error(why, "write", path);
        unlink(tmp);
        return e;
    }
    return file_sync_parent(path, why);
}

// A folder that is new is there for good once the one it lies in was synced.
static enum err make_dir(const char *path, struct errinfo *why)
{
    if (mkdir(path, 0755) == 0) {
        return file_sync_parent(path, why);
    }
    return errno == EEXIST ? ERR_OK : io_error(why, "make directory", path);
}

enum err file_make_dirs(const char *path, struct errinfo *why)
{
    char part[FILE_PATH_MAX];
    enum err e = file_path(part, sizeof(part), why, "%s", path);
    for (char *p = part + 1; e == ERR_OK && *p; p++) {
        if (*p == '/') {
            *p = '\0';
            e = make_dir(part, why);
            *p = '/';
        }
    }
    return e == ERR_OK ? make_dir(part, why) : e;
}

enum err file_sync_dir(const char *path, struct errinfo *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return io_error(why, "open directory", path);
    }
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok ? ERR_OK : io_error(why, "sync directory", path);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum err file_path(char *out, size_t cap, struct errinfo *why, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(out, cap, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= cap) {
        return err_set(why, ERR_LIMIT, "path is longer than %zu bytes", cap - 1);
    }
    return ERR_OK;
}
