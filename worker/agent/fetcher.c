// SPDX-License-Identifier: Apache-2.0
// fetcher.c - see fetcher.h.
#include "worker/agent/fetcher.h"

#include "common/blob/download.h"
#include "common/blob/retire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCHES_MAX 8     // at a time; others wait their turn
#define TRIES       3     // of an artifact that comes with a wrong hash
#define UNWANTED_MS 60000 // nobody asked for that long

// What lies there from an earlier time, or in a shared folder, is read once before it
// is used; larger ones would keep the loop for too long, and are the coordinator's to
// read.
#define READ_MAX_BYTES 268435456
#define KNOWN_MAX      64

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

struct fetch {
    bool is_used;
    char hash[HASH_HEX_MAX];
    struct download download;
    struct blob_writer *writer; // from the first chunk on
    int n_tries;
    int64_t wanted_ms;
    int64_t moved_ms;       // last time a chunk was taken
    struct errinfo failure; // code ERR_OK while it is coming
};

struct fetcher {
    struct blob_store *store;
    struct fetch fetches[FETCHES_MAX];
    char known[KNOWN_MAX][HASH_HEX_MAX]; // to be right
    size_t n_known;
};

struct fetcher *fetcher_create(struct blob_store *store)
{
    struct fetcher *f = calloc(1, sizeof(*f));
    BUG_ON(!f);
    f->store = store;
    return f;
}

static void drop(struct fetch *x)
{
    blob_writer_abort(x->writer);
    *x = (struct fetch){.is_used = false};
}

void fetcher_destroy(struct fetcher *f)
{
    if (!f) {
        return;
    }
    for (int i = 0; i < FETCHES_MAX; i++) {
        drop(&f->fetches[i]);
    }
    free(f);
}

static struct fetch *find(struct fetcher *f, const char *hash)
{
    for (int i = 0; i < FETCHES_MAX; i++) {
        if (f->fetches[i].is_used && strcmp(f->fetches[i].hash, hash) == 0) {
            return &f->fetches[i];
        }
    }
    return NULL;
}

static void begin(struct fetcher *f, int64_t now_ms, const char *hash)
{
    for (int i = 0; i < FETCHES_MAX; i++) {
        struct fetch *x = &f->fetches[i];
        if (!x->is_used) {
            *x = (struct fetch){
                .is_used = true, .wanted_ms = now_ms, .moved_ms = now_ms};
            snprintf(x->hash, sizeof(x->hash), "%s", hash);
            download_init(&x->download, window, now_ms);
            return;
        }
    }
}

static bool is_known(const struct fetcher *f, const char *hash)
{
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        if (strcmp(f->known[i], hash) == 0) {
            return true;
        }
    }
    return false;
}

static void know(struct fetcher *f, const char *hash)
{
    snprintf(f->known[f->n_known++ % KNOWN_MAX], HASH_HEX_MAX, "%s", hash);
}

// There, and not damaged. Our own damaged copy is removed; one in a shared folder is
// passed over once we have our own.
static bool is_right(struct fetcher *f, const char *hash)
{
    char path[FILE_PATH_MAX];
    uint64_t size_bytes = 0;
    if (blob_path(f->store, hash, path, &size_bytes, NULL) != ERR_OK) {
        return false;
    }
    if (is_known(f, hash) || size_bytes > READ_MAX_BYTES) {
        return true;
    }
    if (blob_verify(f->store, hash, NULL) == ERR_OK) {
        know(f, hash);
        return true;
    }
    enum err e = blob_remove(f->store, hash, NULL);
    (void)e; // not ours
    return false;
}

static void drop_unwanted(struct fetcher *f, int64_t now_ms)
{
    for (int i = 0; i < FETCHES_MAX; i++) {
        struct fetch *x = &f->fetches[i];
        if (x->is_used && now_ms - x->wanted_ms > UNWANTED_MS) {
            drop(x);
        }
    }
}

static bool is_coming(const struct fetch *x)
{
    return x->is_used && x->failure.code == ERR_OK;
}

static void give_up_if_stalled(struct fetch *x, int64_t now_ms)
{
    if (is_coming(x) && now_ms - x->moved_ms >= FETCH_STALLED_MS) {
        blob_writer_abort(x->writer);
        x->writer = NULL;
        err_set(&x->failure, ERR_IO, "nothing of artifact %.12s came for %d s", x->hash,
                FETCH_STALLED_MS / 1000);
    }
}

void fetcher_excuse(struct fetcher *f, int64_t now_ms)
{
    for (int i = 0; i < FETCHES_MAX; i++) {
        f->fetches[i].moved_ms = now_ms;
    }
}

enum fetch_state fetcher_want(struct fetcher *f, int64_t now_ms, const char *hash,
                              struct errinfo *why)
{
    drop_unwanted(f, now_ms);
    struct fetch *x = find(f, hash);
    if (x) {
        give_up_if_stalled(x, now_ms);
    }
    if (x && x->failure.code != ERR_OK) {
        if (why) {
            *why = x->failure;
        }
        drop(x);
        return FETCH_FAILED;
    }
    if (x) {
        x->wanted_ms = now_ms;
        return FETCH_COMING;
    }
    if (is_right(f, hash)) {
        return FETCH_HAVE;
    }
    begin(f, now_ms, hash);
    return FETCH_COMING;
}

bool fetcher_next(struct fetcher *f, int64_t now_ms, struct msg *out)
{
    for (int i = 0; i < FETCHES_MAX; i++) {
        const struct fetch *x = &f->fetches[i];
        struct transfer_credit get;
        if (is_coming(x) && download_next(&x->download, now_ms, &get)) {
            out->kind = MSG_BLOB_GET;
            out->blob_get =
                (struct msg_blob_get){.offset = get.offset, .credit = get.credit};
            snprintf(out->blob_get.hash, sizeof(out->blob_get.hash), "%s", x->hash);
            return true;
        }
    }
    return false;
}

void fetcher_sent(struct fetcher *f, int64_t now_ms, const struct msg *m)
{
    struct fetch *x = find(f, m->blob_get.hash);
    BUG_ON(!x);
    download_asked(&x->download, now_ms,
                   &(struct transfer_credit){m->blob_get.offset, m->blob_get.credit});
}

int64_t fetcher_due_ms(const struct fetcher *f)
{
    int64_t due_ms = INT64_MAX;
    for (int i = 0; i < FETCHES_MAX; i++) {
        const struct fetch *x = &f->fetches[i];
        if (is_coming(x) && download_due_ms(&x->download) < due_ms) {
            due_ms = download_due_ms(&x->download);
        }
    }
    return due_ms;
}

// ---- what comes

static enum err write_chunk(struct fetcher *f, struct fetch *x,
                            const struct msg_blob_chunk *c, struct errinfo *why)
{
    if (!x->writer) {
        enum err e =
            blob_writer_begin(f->store, x->hash, c->total_bytes, &x->writer, why);
        if (e != ERR_OK) {
            return e;
        }
    }
    return blob_writer_add(x->writer, c->bytes, c->n_bytes, why);
}

static enum err commit(struct fetch *x, struct errinfo *why)
{
    struct blob_writer *w = x->writer;
    x->writer = NULL;
    return blob_writer_commit(w, why);
}

static void start_over_or_fail(struct fetch *x, int64_t now_ms, enum err e,
                               const struct errinfo *why)
{
    blob_writer_abort(x->writer);
    x->writer = NULL;
    if (e == ERR_CORRUPT && ++x->n_tries < TRIES) {
        download_init(&x->download, window, now_ms);
        return;
    }
    x->failure = *why;
    x->failure.code = e;
}

static void take_chunk(struct fetcher *f, struct fetch *x, int64_t now_ms,
                       const struct msg_blob_chunk *c)
{
    struct errinfo why = {0};
    const struct transfer_chunk chunk = {c->offset, c->total_bytes, c->n_bytes};
    if (download_chunk(&x->download, now_ms, &chunk) != CHUNK_TAKE) {
        return;
    }
    x->moved_ms = now_ms;
    enum err e = write_chunk(f, x, c, &why);
    if (e == ERR_OK && download_is_whole(&x->download)) {
        e = commit(x, &why);
        if (e == ERR_OK) {
            know(f, x->hash);
            drop(x);
        }
    }
    if (e != ERR_OK) {
        start_over_or_fail(x, now_ms, e, &why);
    }
}

static void take_done(struct fetch *x, const struct msg_blob_done *d)
{
    if (d->code == ERR_OK || d->code == ERR_BUSY) {
        return; // silence will make us ask again
    }
    blob_writer_abort(x->writer);
    x->writer = NULL;
    err_set(&x->failure, d->code, "the coordinator cannot send artifact %.12s: %s",
            x->hash, d->text);
}

void fetcher_take(struct fetcher *f, int64_t now_ms, const struct msg *m)
{
    const char *hash =
        m->kind == MSG_BLOB_CHUNK ? m->blob_chunk.hash : m->blob_done.hash;
    struct fetch *x = find(f, hash);
    if (!x || !is_coming(x)) {
        return;
    }
    if (m->kind == MSG_BLOB_CHUNK) {
        take_chunk(f, x, now_ms, &m->blob_chunk);
    } else {
        take_done(x, &m->blob_done);
    }
}
