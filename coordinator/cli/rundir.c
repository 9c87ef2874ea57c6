// SPDX-License-Identifier: Apache-2.0
// rundir.c - see rundir.h.
#include "coordinator/cli/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ENDPOINTS_MAX_BYTES 4096
#define TAIL_MAX_BYTES      16384

// Who holds the lock, as they wrote it; 0 when they have not yet.
static long lock_holder(int fd)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

enum err rundir_lock(const char *dir, int *fd, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = file_make_dirs(dir, why);
    if (!e) {
        e = file_path(path, sizeof(path), why, "%s/run.lock", dir);
    }
    if (e) {
        return e;
    }
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        return err_set(why, ERR_IO, "cannot write %s: %m", path);
    }
    if (flock(*fd, LOCK_EX | LOCK_NB)) {
        long pid = lock_holder(*fd);
        close(*fd);
        return err_set(why, ERR_BUSY,
                       "%s is in use by another voxarch run (process %ld); look at it "
                       "with: voxarch study show --dir %s",
                       dir, pid, dir);
    }
    if (ftruncate(*fd, 0) || dprintf(*fd, "%ld\n", (long)getpid()) < 0) {
        close(*fd);
        return err_set(why, ERR_IO, "cannot write %s: %m", path);
    }
    return ERR_OK;
}

// The first line in which two texts differ, for the sentence.
static enum err differs(const char *path, const char *there, const char *now,
                        struct errinfo *why)
{
    int line = 1;
    size_t n_there = strcspn(there, "\n");
    size_t n_now = strcspn(now, "\n");
    while (n_there == n_now && !strncmp(there, now, n_now) && now[n_now]) {
        there += n_there + 1;
        now += n_now + 1;
        n_there = strcspn(there, "\n");
        n_now = strcspn(now, "\n");
        line++;
    }
    return err_set(
        why, ERR_INPUT,
        "%s:%d: this directory holds a search with '%.*s', the study now says "
        "'%.*s'; give another --dir, or the study it began with",
        path, line, (int)n_there, there, (int)n_now, now);
}

enum err rundir_put_study(const char *path, const struct study_conf *conf,
                          struct errinfo *why)
{
    struct buf there = BUF_INIT;
    struct buf now = BUF_INIT;
    study_print(conf, &now);
    enum err e = file_read(path, STUDY_FILE_MAX_BYTES, &there, why);
    if (e == ERR_NOTFOUND) {
        e = file_write(path, now.data, now.len, why);
    } else if (!e &&
               (there.len != now.len || memcmp(there.data, now.data, now.len) != 0)) {
        e = differs(path, there.data ? there.data : "", now.data, why);
    }
    buf_fini(&there);
    buf_fini(&now);
    return e;
}

// Copies the value of a `key=value` line; false when there is none.
static bool value_of(const char *text, const char *key, char *out, size_t cap)
{
    size_t n = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, key, n) && line[n] == '=') {
            line += n + 1;
            snprintf(out, cap, "%.*s", (int)strcspn(line, "\n"), line);
            return true;
        }
    }
    return false;
}

enum err rundir_endpoints(const char *dir, struct rundir_endpoints *out,
                          struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    char pid[32] = "";
    struct buf text = BUF_INIT;
    enum err e = file_path(path, sizeof(path), why, "%s/endpoints", dir);
    if (!e) {
        e = file_read(path, ENDPOINTS_MAX_BYTES, &text, why);
    }
    if (!e && !(text.data && value_of(text.data, "worker", out->worker, 128) &&
                value_of(text.data, "bulk", out->bulk, 128) &&
                value_of(text.data, "admin", out->admin, 128) &&
                value_of(text.data, "pid", pid, sizeof(pid)))) {
        e = err_set(why, ERR_CORRUPT, "%s: worker, bulk, admin and pid are due", path);
    }
    if (!text.data || !value_of(text.data, "public", out->public_key, CURVE_HEX_MAX)) {
        out->public_key[0] = '\0';
    }
    out->pid = strtol(pid, NULL, 10);
    buf_fini(&text);
    return e;
}

void rundir_tail(const char *path, unsigned n_lines, struct buf *out)
{
    char text[TAIL_MAX_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = size > TAIL_MAX_BYTES ? size - TAIL_MAX_BYTES : 0;
    ssize_t n = pread(fd, text, TAIL_MAX_BYTES, from);
    close(fd);
    while (n > 0 && text[n - 1] == '\n') {
        n--;
    }
    if (n <= 0) {
        return;
    }
    text[n] = '\0';
    char *start = text + n;
    while (start > text && n_lines) {
        start--;
        n_lines -= *start == '\n';
    }
    for (char *line = start + (*start == '\n'); line;) {
        size_t len = strcspn(line, "\n");
        buf_addf(out, "    %.*s\n", (int)len, line);
        line = line[len] ? line + len + 1 : NULL;
    }
}
