// SPDX-License-Identifier: Apache-2.0
// cmd_backup.c - `voxarch backup DIR --to FOLDER`: a run directory to go on from, taken
// while the coordinator of DIR runs on.
//
// The database is copied as of one moment, then every artifact that copy needs. One
// that was removed in between means that a newer moment is needed: it begins anew. The
// folder gets its name when it is whole and synced.
#include "common/base/options.h"
#include "common/blob/retire.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/store/artifact.h"
#include "coordinator/store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define COMMAND        "voxarch backup"
#define TRIES          20      // of a database whose artifacts are gone already
#define STUDY_MAX      1048576 // bytes of the resolved study.yaml
#define KEEP_NO_ROUNDS 0       // what was superseded is not needed to go on

struct backup {
    const char *dir;
    char part[FILE_PATH_MAX]; // FOLDER.part
    struct blob_store *from, *to;
    struct store *copy;
    uint64_t n, bytes;
    enum err code; // of the first artifact that failed
    struct errinfo *why;
};

static void copy_artifact(void *arg, const char *hash, enum artifact_need need)
{
    struct backup *b = arg;
    uint64_t size = 0;
    if (b->code != ERR_OK || need != ARTIFACT_NEEDED || blob_has(b->to, hash)) {
        return;
    }
    b->code = blob_copy(b->from, b->to, hash, &size, b->why);
    b->n++;
    b->bytes += size;
}

static enum err copy_artifacts(struct backup *b)
{
    enum err e = store_open_readonly(b->part, &b->copy, b->why);
    if (e == ERR_OK) {
        e = artifact_each(b->copy, KEEP_NO_ROUNDS, copy_artifact, b, b->why);
    }
    store_close(b->copy);
    b->copy = NULL;
    return e == ERR_OK ? b->code : e;
}

static enum err remove_database(const struct backup *b)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[FILE_PATH_MAX];
        enum err e = file_path(path, sizeof(path), b->why, "%s/%s", b->part, names[i]);
        if (e != ERR_OK) {
            return e;
        }
        if (unlink(path) != 0 && errno != ENOENT) {
            return err_set(b->why, ERR_IO, "cannot remove %s", path);
        }
    }
    return ERR_OK;
}

static enum err copy_once(struct backup *b)
{
    b->code = ERR_OK;
    enum err e = remove_database(b);
    if (e == ERR_OK) {
        e = backup_database(b->dir, b->part, b->why);
    }
    return e == ERR_OK ? copy_artifacts(b) : e;
}

static enum err copy_all(struct backup *b)
{
    enum err e = ERR_NOTFOUND;
    for (int i = 0; i < TRIES && e == ERR_NOTFOUND; i++) {
        e = copy_once(b);
    }
    return e;
}

// ---- around it

static enum err copy_study(const struct backup *b)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT;
    enum err e = file_path(path, sizeof(path), b->why, "%s/study.yaml", b->dir);
    if (e == ERR_OK) {
        e = file_read(path, STUDY_MAX, &text, b->why);
    }
    if (e == ERR_NOTFOUND) {
        return ERR_OK; // of a coordinator that `voxarch run` did not start
    }
    if (e == ERR_OK) {
        e = file_path(path, sizeof(path), b->why, "%s/study.yaml", b->part);
    }
    if (e == ERR_OK) {
        e = file_write(path, text.data, text.len, b->why);
    }
    buf_fini(&text);
    return e;
}

static enum err open_stores(struct backup *b)
{
    char from[FILE_PATH_MAX];
    char to[FILE_PATH_MAX];
    enum err e = file_path(from, sizeof(from), b->why, "%s/blobs", b->dir);
    if (e == ERR_OK) {
        e = file_path(to, sizeof(to), b->why, "%s/blobs", b->part);
    }
    if (e == ERR_OK && !file_exists(from)) {
        e = err_set(b->why, ERR_NOTFOUND, "%s is no run directory: there is no %s",
                    b->dir, from);
    }
    if (e == ERR_OK) {
        e = blob_store_open(from, NULL, &b->from, b->why);
    }
    return e == ERR_OK ? blob_store_open(to, NULL, &b->to, b->why) : e;
}

static enum err give_name(const struct backup *b, const char *to)
{
    enum err e = file_sync_dir(b->part, b->why);
    if (e == ERR_OK && rename(b->part, to) != 0) {
        e = err_set(b->why, ERR_IO, "cannot rename %s to %s", b->part, to);
    }
    return e == ERR_OK ? file_sync_parent(to, b->why) : e;
}

static enum err make(struct backup *b, const char *to)
{
    if (file_exists(to)) {
        return err_set(b->why, ERR_INPUT, "%s is there already: name a new folder", to);
    }
    enum err e = file_path(b->part, sizeof(b->part), b->why, "%s.part", to);
    if (e == ERR_OK) {
        e = open_stores(b);
    }
    if (e == ERR_OK) {
        e = copy_all(b);
    }
    if (e == ERR_OK) {
        e = copy_study(b);
    }
    blob_store_close(b->from);
    blob_store_close(b->to);
    return e == ERR_OK ? give_name(b, to) : e;
}

static const char summary[] =
    "Copies what a run needs to go on from: its database as of one moment, and the\n"
    "artifacts that names. The coordinator of DIR may run on meanwhile. On the same file\n"
    "system artifacts are linked, not copied; either way their hashes are checked.";

int cmd_backup(int argc, char **argv)
{
    const char *to = NULL;
    const struct option table[] = {
        OPTION_AS_TEXT("to", "FOLDER", &to, "a new folder (needed)"),
    };
    const struct options o = {
        .command = COMMAND,
        .operands = "DIR",
        .summary = summary,
        .examples = "  voxarch backup runs/demo --to /backup/demo-monday\n"
                    "  voxarch run study.yaml --dir /backup/demo-monday    # goes on\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
        .min_operands = 1,
        .max_operands = 1};
    struct operands operands;
    struct errinfo why = {0};
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct backup b = {.dir = operands.items[0], .why = &why};
    enum err e = to ? make(&b, to)
                    : err_set(&why, ERR_INPUT, "--to FOLDER is needed: where it goes");
    if (e != ERR_OK) {
        why.code = e;
        return options_fail(COMMAND, &why);
    }
    printf("%s: the database and %llu artifacts (%.1f MiB)\n", to,
           (unsigned long long)b.n, (double)b.bytes / 1048576);
    return 0;
}
