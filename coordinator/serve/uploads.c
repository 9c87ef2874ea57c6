// SPDX-License-Identifier: Apache-2.0
// uploads.c - see uploads.h.
#include "coordinator/serve/uploads.h"

#include "common/base/log.h"
#include "common/blob/reception.h"
#include "common/blob/retire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct upload {
    struct uploads *table;
    struct upload *next;
    struct route from;
    char hash[HASH_HEX_MAX];
    struct reception reception;
    struct blob_writer *writer; // NULL once it was handed to the pool
    bool is_waiting;            // whole, for a thread
    bool is_committing;
    uv_work_t work;
    enum err code; // of the commit
    struct errinfo why;
};

struct uploads {
    uv_loop_t *loop;
    struct blob_store *blobs;
    uploads_done_fn *done;
    void *arg;
    struct upload *first;
    size_t n;
    size_t n_committing;
};

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

struct uploads *uploads_create(uv_loop_t *loop, struct blob_store *blobs,
                               uploads_done_fn *done, void *arg)
{
    struct uploads *u = calloc(1, sizeof(*u));
    BUG_ON(!u);
    u->loop = loop;
    u->blobs = blobs;
    u->done = done;
    u->arg = arg;
    return u;
}

static void forget(struct upload *up)
{
    struct upload **at = &up->table->first;
    while (*at != up) {
        at = &(*at)->next;
    }
    *at = up->next;
    up->table->n--;
    blob_writer_abort(up->writer);
    free(up);
}

static void ignore_done(void *arg, const struct route *to, const char *hash,
                        enum err code, const char *text)
{
    (void)arg;
    (void)to;
    (void)hash;
    (void)code;
    (void)text;
}

void uploads_destroy(struct uploads *u)
{
    if (!u) {
        return;
    }
    u->done = ignore_done;
    for (struct upload *up = u->first, *next; up; up = next) {
        next = up->next;
        if (!up->is_committing) {
            forget(up);
        }
    }
    while (u->n_committing > 0) {
        uv_run(u->loop, UV_RUN_ONCE);
    }
    free(u);
}

static struct upload *find(struct uploads *u, const struct route *from,
                           const char *hash)
{
    for (struct upload *up = u->first; up; up = up->next) {
        if (route_equal(&up->from, from) && strcmp(up->hash, hash) == 0) {
            return up;
        }
    }
    return NULL;
}

static size_t count_of(const struct uploads *u, const struct route *from)
{
    size_t n = 0;
    for (const struct upload *up = u->first; up; up = up->next) {
        n += route_equal(&up->from, from);
    }
    return n;
}

// ---- the commit, on the pool

// Touches nothing of the artifact store but its path.
static void commit_on_pool(uv_work_t *work)
{
    struct upload *up = work->data;
    up->code = blob_writer_commit(up->writer, &up->why);
    up->writer = NULL;
}

static void start_waiting(struct uploads *u);

static void after_commit(uv_work_t *work, int status)
{
    struct upload *up = work->data;
    struct uploads *u = up->table;
    if (status != 0) {
        up->code = err_set(&up->why, ERR_BUSY, "the upload was cancelled");
    }
    u->n_committing--;
    log_event(up->code == ERR_OK ? LOG_INFO : LOG_WARN, "artifact.stored",
              "hash=%s bytes=%llu code=%s why=\"%s\"", up->hash,
              (unsigned long long)up->reception.total, err_name(up->code),
              up->why.text);
    u->done(u->arg, &up->from, up->hash, up->code, up->why.text);
    forget(up);
    start_waiting(u);
}

static void start_commit(struct upload *up)
{
    up->is_waiting = false;
    up->is_committing = true;
    up->work.data = up;
    up->table->n_committing++;
    BUG_ON(uv_queue_work(up->table->loop, &up->work, commit_on_pool, after_commit) !=
           0);
}

static void start_waiting(struct uploads *u)
{
    for (struct upload *up = u->first; up && u->n_committing < UPLOADS_COMMITS_MAX;
         up = up->next) {
        if (up->is_waiting) {
            start_commit(up);
        }
    }
}

// ---- messages

static bool say_done(struct msg *reply, const char *hash, enum err code,
                     const char *text)
{
    reply->kind = MSG_BLOB_DONE;
    reply->blob_done = (struct msg_blob_done){.code = code};
    snprintf(reply->blob_done.hash, sizeof(reply->blob_done.hash), "%s", hash);
    snprintf(reply->blob_done.text, sizeof(reply->blob_done.text), "%s", text);
    return true;
}

static bool say_credit(struct msg *reply, const char *hash, struct transfer_credit c)
{
    reply->kind = MSG_BLOB_CREDIT;
    reply->blob_credit =
        (struct msg_blob_credit){.offset = c.offset, .credit = c.credit};
    snprintf(reply->blob_credit.hash, sizeof(reply->blob_credit.hash), "%s", hash);
    return true;
}

static enum err add(struct uploads *u, const struct route *from,
                    const struct msg_blob_put *put, int64_t now_ms, struct upload **out,
                    struct errinfo *why)
{
    if (put->total_bytes > LIMIT_ARTIFACT_BYTES) {
        return err_set(why, ERR_LIMIT, "an artifact of %llu bytes",
                       (unsigned long long)put->total_bytes);
    }
    if (u->n >= UPLOADS_MAX || count_of(u, from) >= UPLOADS_PEER_MAX) {
        return err_set(why, ERR_BUSY, "there are too many uploads");
    }
    struct blob_writer *writer = NULL;
    enum err e = blob_writer_begin(u->blobs, put->hash, put->total_bytes, &writer, why);
    if (e != ERR_OK) {
        return e;
    }
    struct upload *up = calloc(1, sizeof(*up));
    BUG_ON(!up);
    up->table = u;
    up->next = u->first;
    up->from = *from;
    up->writer = writer;
    snprintf(up->hash, sizeof(up->hash), "%s", put->hash);
    reception_init(&up->reception, window, put->total_bytes, now_ms);
    u->first = up;
    u->n++;
    *out = up;
    return ERR_OK;
}

bool uploads_announced(struct uploads *u, const struct route *from,
                       const struct msg_blob_put *put, int64_t now_ms,
                       struct msg *reply)
{
    if (blob_touch(u->blobs, put->hash, NULL) == ERR_OK) {
        return say_done(reply, put->hash, ERR_OK, "");
    }
    struct upload *up = find(u, from, put->hash);
    if (up && (up->is_committing || up->is_waiting)) {
        return false; // BLOB_DONE comes
    }
    if (up && up->reception.total != put->total_bytes) {
        forget(up); // it starts again with another size
        up = NULL;
    }
    struct errinfo why = {0};
    enum err e = up ? ERR_OK : add(u, from, put, now_ms, &up, &why);
    if (e != ERR_OK) {
        return say_done(reply, put->hash, e, why.text);
    }
    return say_credit(reply, put->hash, reception_announced(&up->reception, now_ms));
}

static bool take(struct upload *up, const struct msg_blob_chunk *chunk,
                 struct msg *reply)
{
    struct errinfo why = {0};
    enum err e = blob_writer_add(up->writer, chunk->bytes, chunk->n_bytes, &why);
    if (e != ERR_OK) {
        say_done(reply, up->hash, e, why.text);
        forget(up);
        return true;
    }
    if (reception_is_whole(&up->reception)) {
        up->is_waiting = true;
        start_waiting(up->table);
        return false;
    }
    struct transfer_credit credit;
    return reception_credit_due(&up->reception, &credit) &&
           say_credit(reply, up->hash, credit);
}

bool uploads_chunk(struct uploads *u, const struct route *from,
                   const struct msg_blob_chunk *chunk, int64_t now_ms,
                   struct msg *reply)
{
    struct upload *up = find(u, from, chunk->hash);
    if (!up || !up->writer || up->is_committing || up->is_waiting) {
        return false; // not known (any more): a BLOB_PUT will come
    }
    const struct transfer_chunk c = {chunk->offset, chunk->total_bytes, chunk->n_bytes};
    switch (reception_chunk(&up->reception, now_ms, &c)) {
    case CHUNK_TAKE: return take(up, chunk, reply);
    case CHUNK_INVALID:
        say_done(reply, up->hash, ERR_CORRUPT,
                 "a chunk contradicts what was announced");
        forget(up);
        return true;
    case CHUNK_DROP: break;
    }
    return false;
}

void uploads_sweep(struct uploads *u, int64_t now_ms)
{
    for (struct upload *up = u->first, *next; up; up = next) {
        next = up->next;
        if (!up->is_committing && !up->is_waiting &&
            reception_is_idle(&up->reception, now_ms)) {
            log_info("upload.forgotten", "hash=%s", up->hash);
            forget(up);
        }
    }
}

bool uploads_names(const struct uploads *u, const char *hash)
{
    const struct upload *up = u->first;
    while (up && strcmp(up->hash, hash) != 0) {
        up = up->next;
    }
    return up;
}

size_t uploads_count(const struct uploads *u)
{
    return u->n;
}
