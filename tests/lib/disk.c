// SPDX-License-Identifier: Apache-2.0
// disk.c - see disk.h. The libc's names are taken here; the kernel is asked directly.
#include "tests/lib/disk.h"

#include "common/base/err.h"
#include "common/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT     0 // the node of the watched folder
#define NOBODY   (-1)
#define FDS_MAX  1024
#define SECTOR   512
#define NAME_LEN 80
#define PATH_LEN 512

enum change_kind { WRITTEN, CUT, SYNCED, NAMED, UNNAMED, RENAMED };

// A node is a file or a folder; names are changes of the folder they are in.
struct change {
    enum change_kind kind;
    int node; // that the change is of
    uint64_t offset;
    uint64_t size; // CUT: the new one
    unsigned char *bytes;
    char name[NAME_LEN];
    char to[NAME_LEN]; // RENAMED
    int target;        // NAMED, RENAMED: the node of that name
};

struct name {
    int folder;
    char name[NAME_LEN];
    int node;
};

struct names {
    struct name *items;
    size_t n;
};

static struct {
    char root[PATH_LEN]; // "" = nothing is watched
    bool *is_folder;     // by node
    int n_nodes;
    struct names names; // as a program sees them now
    struct change *changes;
    size_t n_changes;
    int fds[FDS_MAX]; // node + 1, 0 = not ours
    bool ignores_files, ignores_folders;
    size_t n_until_failure; // 0 = none
    int failure;
    bool is_for_good, has_failed;
} disk;

// ---- names

static struct name *find_name(struct names *names, int folder, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        struct name *at = &names->items[i];
        if (at->folder == folder && strcmp(at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

static void set_name(struct names *names, int folder, const char *name, int node)
{
    struct name *at = find_name(names, folder, name);
    if (!at) {
        names->items = realloc(names->items, (names->n + 1) * sizeof(*names->items));
        BUG_ON(!names->items);
        at = &names->items[names->n++];
        at->folder = folder;
        snprintf(at->name, sizeof(at->name), "%s", name);
    }
    at->node = node;
}

static void remove_name(struct names *names, int folder, const char *name)
{
    struct name *at = find_name(names, folder, name);
    if (at) {
        *at = names->items[--names->n];
    }
}

// The folder a path lies in and its last part; false when it is not below the root.
static bool locate(const char *path, int *folder, char last[static NAME_LEN])
{
    size_t n = strlen(disk.root);
    if (n == 0 || strncmp(path, disk.root, n) != 0 || path[n] != '/') {
        return false;
    }
    *folder = ROOT;
    for (const char *at = path + n + 1;;) {
        size_t length = strcspn(at, "/");
        BUG_ON(length >= NAME_LEN);
        snprintf(last, NAME_LEN, "%.*s", (int)length, at);
        if (at[length] == '\0') {
            return true;
        }
        const struct name *inner = find_name(&disk.names, *folder, last);
        if (!inner) {
            return false; // there is no such folder: the kernel will say so
        }
        *folder = inner->node;
        at += length + 1;
    }
}

static int node_of(const char *path)
{
    int folder = NOBODY;
    char last[NAME_LEN];
    if (disk.root[0] && strcmp(path, disk.root) == 0) {
        return ROOT;
    }
    const struct name *at =
        locate(path, &folder, last) ? find_name(&disk.names, folder, last) : NULL;
    return at ? at->node : NOBODY;
}

static int new_node(bool is_folder)
{
    disk.is_folder =
        realloc(disk.is_folder, (size_t)(disk.n_nodes + 1) * sizeof(*disk.is_folder));
    BUG_ON(!disk.is_folder);
    disk.is_folder[disk.n_nodes] = is_folder;
    return disk.n_nodes++;
}

static struct change *note(enum change_kind kind, int node)
{
    if (disk.n_changes % 1024 == 0) {
        disk.changes =
            realloc(disk.changes, (disk.n_changes + 1024) * sizeof(*disk.changes));
        BUG_ON(!disk.changes);
    }
    struct change *c = &disk.changes[disk.n_changes++];
    *c = (struct change){.kind = kind, .node = node};
    return c;
}

static void note_named(int folder, const char *name, int node)
{
    struct change *c = note(NAMED, folder);
    snprintf(c->name, sizeof(c->name), "%s", name);
    c->target = node;
    set_name(&disk.names, folder, name, node);
}

static void note_unnamed(int folder, const char *name)
{
    snprintf(note(UNNAMED, folder)->name, NAME_LEN, "%s", name);
    remove_name(&disk.names, folder, name);
}

// Between folders it is two changes, each of its own folder.
static void note_renamed(int from, const char *name, int to, const char *new_name)
{
    const struct name *at = find_name(&disk.names, from, name);
    BUG_ON(!at);
    int node = at->node;
    if (from == to) {
        struct change *c = note(RENAMED, from);
        snprintf(c->name, sizeof(c->name), "%s", name);
        snprintf(c->to, sizeof(c->to), "%s", new_name);
        c->target = node;
        remove_name(&disk.names, from, name);
        set_name(&disk.names, to, new_name, node);
        return;
    }
    note_named(to, new_name, node);
    note_unnamed(from, name);
}

static void note_written(int node, uint64_t offset, const void *bytes, size_t n)
{
    struct change *c = note(WRITTEN, node);
    c->offset = offset;
    c->size = n;
    c->bytes = malloc(n ? n : 1);
    BUG_ON(!c->bytes);
    memcpy(c->bytes, bytes, n);
}

// ---- failing

static bool fails(void)
{
    if (disk.n_until_failure == 0 || --disk.n_until_failure > 0) {
        return false;
    }
    disk.n_until_failure = disk.is_for_good ? 1 : 0;
    disk.has_failed = true;
    errno = disk.failure;
    return true;
}

void disk_fail_at(size_t n, int number, bool for_good)
{
    disk.n_until_failure = n;
    disk.failure = number;
    disk.is_for_good = for_good;
    disk.has_failed = false;
}

bool disk_works(void)
{
    bool has_failed = disk.has_failed;
    disk_fail_at(0, 0, false);
    return !has_failed;
}

void disk_ignore_syncs(bool of_files, bool of_folders)
{
    disk.ignores_files = of_files;
    disk.ignores_folders = of_folders;
}

// ---- watching

void disk_watch(const char *root)
{
    disk_unwatch();
    BUG_ON(strlen(root) >= sizeof(disk.root));
    snprintf(disk.root, sizeof(disk.root), "%s", root);
    new_node(true);
}

void disk_unwatch(void)
{
    for (size_t i = 0; i < disk.n_changes; i++) {
        free(disk.changes[i].bytes);
    }
    free(disk.changes);
    free(disk.names.items);
    free(disk.is_folder);
    memset(&disk, 0, sizeof(disk));
}

size_t disk_changes(void)
{
    return disk.n_changes;
}

static int node_of_fd(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? disk.fds[fd] - 1 : NOBODY;
}

// ---- what is left

struct file {
    unsigned char *bytes;
    size_t size;
};

struct remains {
    size_t *synced; // by node: changes before this one are there for good
    struct names names;
    struct file *files; // by node
};

static void resize(struct file *f, size_t size)
{
    f->bytes = realloc(f->bytes, size ? size : 1);
    BUG_ON(!f->bytes);
    if (size > f->size) {
        memset(f->bytes + f->size, 0, size - f->size);
    }
    f->size = size;
}

static void write_part(struct file *f, const struct change *c, uint64_t at, uint64_t n)
{
    uint64_t end = c->offset + at + n;
    if (end > f->size) {
        resize(f, (size_t)end);
    }
    BUG_ON(!f->bytes);
    memcpy(f->bytes + c->offset + at, c->bytes + at, n);
}

// Sectors reach the disk one by one, or do not.
static void write_some(struct file *f, const struct change *c, struct rng *r)
{
    for (uint64_t at = 0; at < c->size;) {
        uint64_t n = SECTOR - (c->offset + at) % SECTOR;
        n = n < c->size - at ? n : c->size - at;
        if (rng_below(r, 2)) {
            write_part(f, c, at, n);
        }
        at += n;
    }
}

static void apply(struct remains *left, const struct change *c)
{
    switch (c->kind) {
    case WRITTEN: write_part(&left->files[c->node], c, 0, c->size); return;
    case CUT: resize(&left->files[c->node], (size_t)c->size); return;
    case SYNCED: return;
    case NAMED: set_name(&left->names, c->node, c->name, c->target); return;
    case UNNAMED: remove_name(&left->names, c->node, c->name); return;
    case RENAMED:
        remove_name(&left->names, c->node, c->name);
        set_name(&left->names, c->node, c->to, c->target);
        return;
    }
}

static void apply_unsynced(struct remains *left, const struct change *c,
                           enum disk_loss loss, struct rng *r)
{
    if (loss == DISK_KEEPS_SOME && c->kind == WRITTEN) {
        write_some(&left->files[c->node], c, r);
    } else if (loss == DISK_KEEPS_ALL || (loss == DISK_KEEPS_SOME && rng_below(r, 2))) {
        apply(left, c);
    }
}

static void make_file(const char *path, const struct file *f)
{
    FILE *out = fopen(path, "wb");
    BUG_ON(!out);
    BUG_ON(f->size > 0 && fwrite(f->bytes, 1, f->size, out) != f->size);
    BUG_ON(fclose(out) != 0);
}

static void make_folder(const struct remains *left, int folder, const char *path);

static void make_named(const struct remains *left, const struct name *at,
                       const char *path)
{
    char inner[PATH_LEN];
    snprintf(inner, sizeof(inner), "%s/%s", path, at->name);
    if (!disk.is_folder[at->node]) {
        make_file(inner, &left->files[at->node]);
    } else if (mkdir(inner, 0755) == 0) {
        make_folder(left, at->node, inner);
    }
}

static void make_folder(const struct remains *left, int folder, const char *path)
{
    for (size_t i = 0; i < left->names.n; i++) {
        if (left->names.items[i].folder == folder) {
            make_named(left, &left->names.items[i], path);
        }
    }
}

void disk_lose_power(size_t n, enum disk_loss loss, uint64_t seed, const char *to)
{
    BUG_ON(n > disk.n_changes);
    size_t n_nodes = (size_t)disk.n_nodes;
    struct remains left = {.synced = calloc(n_nodes, sizeof(*left.synced)),
                           .files = calloc(n_nodes, sizeof(*left.files))};
    BUG_ON(!left.synced || !left.files);
    struct rng r = rng_stream(seed, RNG_TEST, n, loss);
    for (size_t i = 0; i < n; i++) {
        if (disk.changes[i].kind == SYNCED) {
            left.synced[disk.changes[i].node] = i;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct change *c = &disk.changes[i];
        if (i < left.synced[c->node]) {
            apply(&left, c);
        } else {
            apply_unsynced(&left, c, loss, &r);
        }
    }
    make_folder(&left, ROOT, to);
    for (size_t i = 0; i < n_nodes; i++) {
        free(left.files[i].bytes);
    }
    free(left.files);
    free(left.synced);
    free(left.names.items);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *where)
{
    (void)st;
    (void)where;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

void disk_remove(const char *path)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    BUG_ON(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT);
}

// ---- the file calls

static int real_open(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void note_opened(int fd, int folder, const char *last, int flags)
{
    const struct name *at = find_name(&disk.names, folder, last);
    int node = at ? at->node : NOBODY;
    if (!at && (flags & O_CREAT)) {
        node = new_node(false);
        note_named(folder, last, node);
    } else if (at && (flags & O_TRUNC)) {
        note(CUT, node);
    }
    BUG_ON(fd >= FDS_MAX);
    disk.fds[fd] = node + 1;
}

static int do_open(const char *path, int flags, mode_t mode)
{
    int folder = NOBODY;
    char last[NAME_LEN];
    bool is_root = disk.root[0] && strcmp(path, disk.root) == 0;
    bool is_ours = is_root || locate(path, &folder, last);
    if (is_ours && fails()) {
        return -1;
    }
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && fd < FDS_MAX) {
        disk.fds[fd] = is_root ? ROOT + 1 : 0;
    }
    if (fd >= 0 && is_ours && !is_root) {
        note_opened(fd, folder, last, flags);
    }
    return fd;
}

static ssize_t do_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    int node = node_of_fd(fd);
    bool is_failing = node != NOBODY && fails();
    if (is_failing && (errno != ENOSPC || n < 2)) {
        return -1;
    }
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, is_failing ? n / 2 : n, offset);
    if (done > 0 && node != NOBODY) {
        note_written(node, (uint64_t)offset, bytes, (size_t)done);
    }
    return done;
}

static ssize_t do_pread(int fd, void *bytes, size_t n, off_t offset)
{
    if (node_of_fd(fd) != NOBODY && fails()) {
        return -1;
    }
    return syscall(SYS_pread64, fd, bytes, n, offset);
}

static int do_truncate(int fd, off_t size)
{
    int node = node_of_fd(fd);
    if (node != NOBODY && fails()) {
        return -1;
    }
    int done = (int)syscall(SYS_ftruncate, fd, size);
    if (done == 0 && node != NOBODY) {
        note(CUT, node)->size = (uint64_t)size;
    }
    return done;
}

// Nothing below the folder has to outlive this process: the note is enough.
static int do_sync(int fd)
{
    int node = node_of_fd(fd);
    if (node == NOBODY) {
        return (int)syscall(SYS_fdatasync, fd);
    }
    if (fails()) {
        return -1;
    }
    if (!(disk.is_folder[node] ? disk.ignores_folders : disk.ignores_files)) {
        note(SYNCED, node);
    }
    return 0;
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & O_CREAT ? va_arg(ap, mode_t) : 0;
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
int open64(const char *path, int flags, ...);
int ftruncate64(int fd, off_t size);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t offset);
ssize_t pread64(int fd, void *bytes, size_t n, off_t offset);

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return do_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    return do_open(path, flags, mode);
}

int close(int fd)
{
    if (fd >= 0 && fd < FDS_MAX) {
        disk.fds[fd] = 0;
    }
    return (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    int node = node_of_fd(fd);
    bool is_failing = node != NOBODY && fails();
    if (is_failing && (errno != ENOSPC || n < 2)) {
        return -1;
    }
    ssize_t done = syscall(SYS_write, fd, bytes, is_failing ? n / 2 : n);
    if (done > 0 && node != NOBODY) {
        note_written(node, (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), bytes,
                     (size_t)done);
    }
    return done;
}

ssize_t read(int fd, void *bytes, size_t n)
{
    if (node_of_fd(fd) != NOBODY && fails()) {
        return -1;
    }
    return syscall(SYS_read, fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    return do_pwrite(fd, bytes, n, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t offset)
{
    return do_pwrite(fd, bytes, n, offset);
}

ssize_t pread(int fd, void *bytes, size_t n, off_t offset)
{
    return do_pread(fd, bytes, n, offset);
}

ssize_t pread64(int fd, void *bytes, size_t n, off_t offset)
{
    return do_pread(fd, bytes, n, offset);
}

int ftruncate(int fd, off_t size)
{
    return do_truncate(fd, size);
}

int ftruncate64(int fd, off_t size)
{
    return do_truncate(fd, size);
}

int fsync(int fd)
{
    return do_sync(fd);
}

int fdatasync(int fd)
{
    return do_sync(fd);
}

int rename(const char *from, const char *to)
{
    int folders[2] = {NOBODY, NOBODY};
    char names[2][NAME_LEN];
    bool is_ours =
        locate(from, &folders[0], names[0]) && locate(to, &folders[1], names[1]);
    if (is_ours && fails()) {
        return -1;
    }
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0 && is_ours) {
        note_renamed(folders[0], names[0], folders[1], names[1]);
    }
    return done;
}

static int do_remove(int at, const char *name, const char *path, int flags)
{
    int folder = NOBODY;
    char last[NAME_LEN];
    bool is_ours = locate(path, &folder, last) && last[0] != '.';
    if (is_ours && fails()) {
        return -1;
    }
    int done = (int)syscall(SYS_unlinkat, at, name, flags);
    if (done == 0 && is_ours) {
        note_unnamed(folder, last);
    }
    return done;
}

int unlink(const char *path)
{
    return do_remove(AT_FDCWD, path, path, 0);
}

int rmdir(const char *path)
{
    return do_remove(AT_FDCWD, path, path, AT_REMOVEDIR);
}

int unlinkat(int fd, const char *name, int flags)
{
    char link[64];
    char folder[PATH_LEN];
    char path[PATH_LEN + NAME_LEN];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, folder, sizeof(folder) - 1);
    snprintf(path, sizeof(path), "%.*s/%s", n > 0 ? (int)n : 0, folder, name);
    return do_remove(fd, name, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    int folder = NOBODY;
    char last[NAME_LEN];
    bool is_ours = locate(path, &folder, last);
    if (is_ours && node_of(path) == NOBODY && fails()) {
        return -1;
    }
    int done = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (done == 0 && is_ours) {
        note_named(folder, last, new_node(true));
    }
    return done;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
