// SPDX-License-Identifier: Apache-2.0
// deliverer.c - see deliverer.h.
#include "worker/agent/deliverer.h"

#include "common/blob/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELIVERIES_MAX 8 // at a time; others wait their turn
#define TRIES          3 // of an artifact that arrives with a wrong hash
#define UNWANTED_MS    60000

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

struct delivery {
    bool is_used;
    bool is_stored;
    char hash[HASH_HEX_MAX];
    struct upload upload;
    int fd;
    uint64_t size_bytes;
    int n_tries;
    int64_t wanted_ms;
    int64_t moved_ms;       // last time the coordinator had more of it, or was busy
    uint64_t have_bytes;    // the most that the coordinator said it has
    struct errinfo failure; // code ERR_OK while it is going
};

struct deliverer {
    const struct blob_store *store;
    struct delivery deliveries[DELIVERIES_MAX];
    char chunk[LIMIT_CHUNK_BYTES];
};

struct deliverer *deliverer_create(const struct blob_store *store)
{
    struct deliverer *d = calloc(1, sizeof(*d));
    BUG_ON(!d);
    d->store = store;
    return d;
}

static void drop(struct delivery *x)
{
    if (x->is_used && x->fd >= 0) {
        close(x->fd);
    }
    *x = (struct delivery){.is_used = false};
}

void deliverer_destroy(struct deliverer *d)
{
    if (!d) {
        return;
    }
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        drop(&d->deliveries[i]);
    }
    free(d);
}

static struct delivery *find(struct deliverer *d, const char *hash)
{
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        struct delivery *x = &d->deliveries[i];
        if (x->is_used && strcmp(x->hash, hash) == 0) {
            return x;
        }
    }
    return NULL;
}

static struct delivery *find_unused(struct deliverer *d)
{
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        if (!d->deliveries[i].is_used) {
            return &d->deliveries[i];
        }
    }
    return NULL;
}

static void drop_unwanted(struct deliverer *d, int64_t now_ms)
{
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        struct delivery *x = &d->deliveries[i];
        if (x->is_used && now_ms - x->wanted_ms > UNWANTED_MS) {
            drop(x);
        }
    }
}

static enum err begin(struct deliverer *d, struct delivery *x, int64_t now_ms,
                      const char *hash, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    uint64_t size = 0;
    enum err e = blob_path(d->store, hash, path, &size, why);
    if (e != ERR_OK) {
        return e;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(why, ERR_IO, "cannot open %s", path);
    }
    *x = (struct delivery){.is_used = true,
                           .fd = fd,
                           .size_bytes = size,
                           .wanted_ms = now_ms,
                           .moved_ms = now_ms};
    snprintf(x->hash, sizeof(x->hash), "%s", hash);
    upload_init(&x->upload, window, size);
    return ERR_OK;
}

static bool is_going(const struct delivery *x)
{
    return x->is_used && !x->is_stored && x->failure.code == ERR_OK;
}

static void give_up_if_stalled(struct delivery *x, int64_t now_ms)
{
    if (is_going(x) && now_ms - x->moved_ms >= DELIVER_STALLED_MS) {
        err_set(&x->failure, ERR_IO,
                "the coordinator took nothing of artifact %.12s for %d s", x->hash,
                DELIVER_STALLED_MS / 1000);
    }
}

void deliverer_excuse(struct deliverer *d, int64_t now_ms)
{
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        d->deliveries[i].moved_ms = now_ms;
    }
}

enum deliver_state deliverer_want(struct deliverer *d, int64_t now_ms, const char *hash,
                                  struct errinfo *why)
{
    drop_unwanted(d, now_ms);
    struct delivery *x = find(d, hash);
    if (x) {
        give_up_if_stalled(x, now_ms);
    }
    if (x && x->failure.code != ERR_OK) {
        if (why) {
            *why = x->failure;
        }
        drop(x);
        return DELIVER_FAILED;
    }
    if (x && x->is_stored) {
        drop(x);
        return DELIVER_STORED;
    }
    if (x) {
        x->wanted_ms = now_ms;
        return DELIVER_GOING;
    }
    x = find_unused(d);
    bool ok = !x || begin(d, x, now_ms, hash, why) == ERR_OK;
    return ok ? DELIVER_GOING : DELIVER_FAILED;
}

// ---- what goes

static bool read_chunk(struct deliverer *d, const struct delivery *x,
                       const struct transfer_chunk *c)
{
    for (size_t done = 0; done < c->n;) {
        ssize_t n =
            pread(x->fd, d->chunk + done, c->n - done, (off_t)(c->offset + done));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void say_put(const struct delivery *x, struct msg *out)
{
    out->kind = MSG_BLOB_PUT;
    out->blob_put = (struct msg_blob_put){.total_bytes = x->size_bytes};
    snprintf(out->blob_put.hash, sizeof(out->blob_put.hash), "%s", x->hash);
}

static bool say_chunk(struct deliverer *d, struct delivery *x,
                      const struct transfer_chunk *c, struct msg *out)
{
    if (!read_chunk(d, x, c)) {
        err_set(&x->failure, ERR_IO, "cannot read artifact %.12s", x->hash);
        return false;
    }
    out->kind = MSG_BLOB_CHUNK;
    out->blob_chunk = (struct msg_blob_chunk){.offset = c->offset,
                                              .total_bytes = c->total,
                                              .n_bytes = c->n,
                                              .bytes = d->chunk};
    snprintf(out->blob_chunk.hash, sizeof(out->blob_chunk.hash), "%s", x->hash);
    return true;
}

bool deliverer_next(struct deliverer *d, int64_t now_ms, struct msg *out)
{
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        struct delivery *x = &d->deliveries[i];
        struct transfer_chunk c;
        if (!is_going(x)) {
            continue;
        }
        switch (upload_next(&x->upload, now_ms, &c)) {
        case UPLOAD_WAIT: break;
        case UPLOAD_ANNOUNCE: say_put(x, out); return true;
        case UPLOAD_CHUNK:
            if (say_chunk(d, x, &c, out)) {
                return true;
            }
            break;
        }
    }
    return false;
}

void deliverer_sent(struct deliverer *d, int64_t now_ms, const struct msg *m)
{
    bool is_put = m->kind == MSG_BLOB_PUT;
    struct delivery *x = find(d, is_put ? m->blob_put.hash : m->blob_chunk.hash);
    BUG_ON(!x);
    if (is_put) {
        upload_announced(&x->upload, now_ms);
    } else {
        upload_sent(&x->upload, &(struct transfer_chunk){m->blob_chunk.offset,
                                                         m->blob_chunk.total_bytes,
                                                         m->blob_chunk.n_bytes});
    }
}

int64_t deliverer_due_ms(const struct deliverer *d)
{
    int64_t due_ms = INT64_MAX;
    for (int i = 0; i < DELIVERIES_MAX; i++) {
        const struct delivery *x = &d->deliveries[i];
        if (is_going(x) && upload_due_ms(&x->upload) < due_ms) {
            due_ms = upload_due_ms(&x->upload);
        }
    }
    return due_ms;
}

// ---- what is answered

static void take_credit(struct delivery *x, int64_t now_ms,
                        const struct msg_blob_credit *c)
{
    const struct transfer_credit credit = {c->offset, c->credit};
    if (c->offset > x->have_bytes) {
        x->have_bytes = c->offset;
        x->moved_ms = now_ms;
    }
    upload_credit(&x->upload, now_ms, &credit);
}

static void take_done(struct delivery *x, int64_t now_ms,
                      const struct msg_blob_done *done)
{
    if (done->code == ERR_OK) {
        x->is_stored = true;
    } else if (done->code == ERR_BUSY) {
        x->moved_ms = now_ms; // silence will make us announce again
    } else if (done->code == ERR_CORRUPT && ++x->n_tries < TRIES) {
        upload_init(&x->upload, window, x->size_bytes);
        x->have_bytes = 0;
    } else {
        err_set(&x->failure, done->code,
                "the coordinator cannot store artifact %.12s: %s", x->hash, done->text);
    }
}

void deliverer_take(struct deliverer *d, int64_t now_ms, const struct msg *m)
{
    bool is_credit = m->kind == MSG_BLOB_CREDIT;
    struct delivery *x = find(d, is_credit ? m->blob_credit.hash : m->blob_done.hash);
    if (!x || !is_going(x)) {
        return;
    }
    if (is_credit) {
        take_credit(x, now_ms, &m->blob_credit);
    } else {
        take_done(x, now_ms, &m->blob_done);
    }
}
