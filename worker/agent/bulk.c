// SPDX-License-Identifier: Apache-2.0
// bulk.c - see bulk.h.
#include "worker/agent/bulk.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/blob/download.h"
#include "common/blob/upload.h"
#include "common/net/zsock.h"
#include "common/net/zwatch.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS      50 // a send that could not go out is tried again
#define RECEIVES_MAX 64 // messages a turn: 16 MiB of chunks

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

struct moving { // one artifact on its way
    struct moving *next;
    char hash[HASH_HEX_MAX];
    bool is_upload;
    bool is_over; // `done` is due
    enum err code;
    char text[LIMIT_TEXT];
    struct download download;
    struct blob_writer *writer; // download: from the first chunk on
    struct upload upload;
    FILE *file; // upload: what is sent
};

struct bulk {
    uv_loop_t *loop;
    void *zctx;
    struct blob_store *blobs;
    bulk_done_fn *done;
    void *arg;
    void *zsock;
    struct zwatch *watch;
    struct endpoint at;
    uv_timer_t tick;
    struct moving *first;
    struct msg *message; // decoded here: struct msg is large
    struct buf out;
    char *chunk; // [LIMIT_CHUNK_BYTES]
};

// ---- transfers

static struct moving *find(const struct bulk *b, const char *hash)
{
    for (struct moving *m = b->first; m; m = m->next) {
        if (!m->is_over && strcmp(m->hash, hash) == 0) {
            return m;
        }
    }
    return NULL;
}

static void free_moving(struct moving *m)
{
    blob_writer_abort(m->writer);
    if (m->file) {
        fclose(m->file);
    }
    free(m);
}

static void end(struct moving *m, enum err code, const char *text)
{
    m->is_over = true;
    m->code = code;
    snprintf(m->text, sizeof(m->text), "%s", text);
}

static void report_ended(struct bulk *b)
{
    struct moving **at = &b->first;
    while (*at) {
        struct moving *m = *at;
        if (!m->is_over) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        log_debug("artifact.moved", "hash=%.12s way=%s outcome=%s text=\"%s\"", m->hash,
                  m->is_upload ? "up" : "down", err_name(m->code), m->text);
        b->done(b->arg, m->hash, m->code, m->text);
        free_moving(m);
        at = &b->first; // `done` may have changed the list
    }
}

static struct moving *add(struct bulk *b, const char *hash, bool is_upload)
{
    struct moving *m = calloc(1, sizeof(*m));
    BUG_ON(!m);
    snprintf(m->hash, sizeof(m->hash), "%s", hash);
    m->is_upload = is_upload;
    m->next = b->first;
    b->first = m;
    return m;
}

// ---- sending

static enum err send_message(struct bulk *b, const struct msg *m, const void *payload,
                             size_t n)
{
    if (!b->zsock) {
        return ERR_BUSY;
    }
    buf_clear(&b->out);
    wire_encode(m, &b->out);
    const struct zframe frames[] = {{b->out.data, b->out.len}, {payload, n}};
    return zsock_send(b->zsock, frames, payload ? 2 : 1);
}

static void push_download(struct bulk *b, struct moving *m, int64_t now_ms)
{
    struct transfer_credit ask;
    if (!download_next(&m->download, now_ms, &ask)) {
        return;
    }
    b->message->kind = MSG_BLOB_GET;
    b->message->blob_get =
        (struct msg_blob_get){.offset = ask.offset, .credit = ask.credit};
    memcpy(b->message->blob_get.hash, m->hash, sizeof(m->hash));
    if (send_message(b, b->message, NULL, 0) == ERR_OK) {
        download_asked(&m->download, now_ms, &ask);
    }
}

static bool announce(struct bulk *b, struct moving *m, int64_t now_ms)
{
    b->message->kind = MSG_BLOB_PUT;
    b->message->blob_put = (struct msg_blob_put){.total_bytes = m->upload.total};
    memcpy(b->message->blob_put.hash, m->hash, sizeof(m->hash));
    if (send_message(b, b->message, NULL, 0) != ERR_OK) {
        return false;
    }
    upload_announced(&m->upload, now_ms);
    return true;
}

static bool send_chunk(struct bulk *b, struct moving *m, const struct transfer_chunk *c)
{
    if (fseeko(m->file, (off_t)c->offset, SEEK_SET) != 0 ||
        fread(b->chunk, 1, c->n, m->file) != c->n) {
        end(m, ERR_IO, "the artifact cannot be read");
        return false;
    }
    b->message->kind = MSG_BLOB_CHUNK;
    b->message->blob_chunk = (struct msg_blob_chunk){
        .offset = c->offset, .total_bytes = c->total, .n_bytes = c->n};
    memcpy(b->message->blob_chunk.hash, m->hash, sizeof(m->hash));
    if (send_message(b, b->message, b->chunk, c->n) != ERR_OK) {
        return false;
    }
    upload_sent(&m->upload, c);
    return true;
}

static void push_upload(struct bulk *b, struct moving *m, int64_t now_ms)
{
    bool goes_on = true;
    while (goes_on) {
        struct transfer_chunk c;
        switch (upload_next(&m->upload, now_ms, &c)) {
        case UPLOAD_ANNOUNCE: goes_on = announce(b, m, now_ms); break;
        case UPLOAD_CHUNK: goes_on = send_chunk(b, m, &c); break;
        default: goes_on = false; break;
        }
    }
}

static void push(struct bulk *b)
{
    int64_t now_ms = clock_mono_ms();
    for (struct moving *m = b->first; m; m = m->next) {
        if (m->is_over) {
            continue;
        }
        if (m->is_upload) {
            push_upload(b, m, now_ms);
        } else {
            push_download(b, m, now_ms);
        }
    }
    report_ended(b);
}

// ---- receiving

static enum err write_chunk(struct bulk *b, struct moving *m,
                            const struct msg_blob_chunk *c, const void *bytes,
                            struct errinfo *why)
{
    enum err e = ERR_OK;
    if (!m->writer) {
        e = blob_writer_begin(b->blobs, m->hash, c->total_bytes, &m->writer, why);
    }
    if (e == ERR_OK) {
        e = blob_writer_add(m->writer, bytes, c->n_bytes, why);
    }
    if (e == ERR_OK && download_is_whole(&m->download)) {
        struct blob_writer *whole = m->writer;
        m->writer = NULL; // commit frees it, whatever it says
        e = blob_writer_commit(whole, why);
        if (e == ERR_OK) {
            end(m, ERR_OK, "");
        }
    }
    return e;
}

static void take_chunk(struct bulk *b, const struct msg *msg, struct zframe payload)
{
    const struct msg_blob_chunk *c = &msg->blob_chunk;
    struct moving *m = find(b, c->hash);
    if (!m || m->is_upload || payload.n != c->n_bytes) {
        return;
    }
    const struct transfer_chunk chunk = {c->offset, c->total_bytes, c->n_bytes};
    if (download_chunk(&m->download, clock_mono_ms(), &chunk) != CHUNK_TAKE) {
        return;
    }
    struct errinfo why = {0};
    enum err e = write_chunk(b, m, c, payload.bytes, &why);
    if (e != ERR_OK) {
        end(m, e, why.text);
    }
}

static void take_credit(struct bulk *b, const struct msg *msg, struct zframe payload)
{
    (void)payload;
    const struct msg_blob_credit *c = &msg->blob_credit;
    struct moving *m = find(b, c->hash);
    if (m && m->is_upload) {
        const struct transfer_credit credit = {c->offset, c->credit};
        upload_credit(&m->upload, clock_mono_ms(), &credit);
    }
}

static void take_done(struct bulk *b, const struct msg *msg, struct zframe payload)
{
    (void)payload;
    struct moving *m = find(b, msg->blob_done.hash);
    if (m && (m->is_upload || msg->blob_done.code != ERR_OK)) {
        end(m, msg->blob_done.code, msg->blob_done.text);
    }
}

typedef void take_fn(struct bulk *b, const struct msg *msg, struct zframe payload);

static take_fn *const takers[MSG_KINDS] = {
    [MSG_BLOB_CHUNK] = take_chunk,
    [MSG_BLOB_CREDIT] = take_credit,
    [MSG_BLOB_DONE] = take_done,
};

static void take(struct bulk *b, struct zmessage *z)
{
    struct errinfo why = {0};
    struct zframe body = zmessage_frame(z, 0);
    struct zframe payload = {NULL, 0};
    if (z->n > 1) {
        payload = zmessage_frame(z, 1);
    }
    enum err e = wire_decode(body.bytes, body.n, b->message, &why);
    if (e != ERR_OK) {
        log_warn("message.refused", "socket=bulk error=%s text=\"%s\"", err_name(e),
                 why.text);
    } else if (takers[b->message->kind]) {
        takers[b->message->kind](b, b->message, payload);
    }
}

static void on_readable(void *arg)
{
    struct bulk *b = arg;
    for (int i = 0; i < RECEIVES_MAX; i++) {
        struct zmessage z;
        enum err e = zsock_recv(b->zsock, &z);
        if (e == ERR_PROTO) {
            continue;
        }
        if (e != ERR_OK) {
            break;
        }
        take(b, &z);
        zmessage_fini(&z);
    }
    push(b);
}

static void on_tick(uv_timer_t *timer)
{
    push(timer->data);
}

// ---- life

struct bulk *bulk_create(uv_loop_t *loop, void *zctx, struct blob_store *blobs,
                         bulk_done_fn *done, void *arg)
{
    struct bulk *b = calloc(1, sizeof(*b));
    BUG_ON(!b);
    *b = (struct bulk){
        .loop = loop, .zctx = zctx, .blobs = blobs, .done = done, .arg = arg};
    b->message = calloc(1, sizeof(*b->message));
    b->chunk = malloc(LIMIT_CHUNK_BYTES);
    BUG_ON(!b->message || !b->chunk);
    b->tick.data = b;
    BUG_ON(uv_timer_init(loop, &b->tick) != 0);
    BUG_ON(uv_timer_start(&b->tick, on_tick, TICK_MS, TICK_MS) != 0);
    return b;
}

static void disconnect(struct bulk *b)
{
    // The watcher's handles close in a later turn; it does not touch the socket again.
    zwatch_destroy(b->watch);
    b->watch = NULL;
}

void bulk_stop(struct bulk *b)
{
    if (b) {
        disconnect(b);
        uv_close((uv_handle_t *)&b->tick, NULL);
    }
}

void bulk_destroy(struct bulk *b)
{
    if (!b) {
        return;
    }
    while (b->first) {
        struct moving *m = b->first;
        b->first = m->next;
        free_moving(m);
    }
    zsock_close(b->zsock);
    buf_fini(&b->out);
    free(b->message);
    free(b->chunk);
    free(b);
}

enum err bulk_connect(struct bulk *b, const struct endpoint *to, struct errinfo *why)
{
    if (b->zsock && b->at.port == to->port && strcmp(b->at.host, to->host) == 0) {
        return ERR_OK;
    }
    if (!b->zsock) {
        enum err e =
            zsock_open(b->zctx, ZMQ_DEALER, LIMIT_BULK_MESSAGE_BYTES, &b->zsock, why);
        if (e != ERR_OK) {
            return e;
        }
        b->watch = zwatch_create(b->loop, b->zsock, on_readable, b);
        BUG_ON(!b->watch);
    } else {
        char old[ENDPOINT_MAX];
        zmq_disconnect(b->zsock, endpoint_print(&b->at, old));
    }
    b->at = *to;
    return zsock_connect(b->zsock, to, why);
}

void bulk_fetch(struct bulk *b, const char *hash)
{
    if (!find(b, hash)) {
        struct moving *m = add(b, hash, false);
        download_init(&m->download, window, clock_mono_ms());
    }
}

void bulk_send(struct bulk *b, const char *hash)
{
    if (find(b, hash)) {
        return;
    }
    struct moving *m = add(b, hash, true);
    char path[FILE_PATH_MAX];
    uint64_t size_bytes = 0;
    struct errinfo why = {0};
    enum err e = blob_path(b->blobs, hash, path, &size_bytes, &why);
    if (e != ERR_OK) {
        end(m, e, why.text);
        return;
    }
    upload_init(&m->upload, window, size_bytes);
    m->file = fopen(path, "rbe");
    if (!m->file) {
        end(m, ERR_IO, "the artifact cannot be opened");
    }
}

void bulk_forget(struct bulk *b, const char *hash)
{
    for (struct moving **at = &b->first; *at; at = &(*at)->next) {
        struct moving *m = *at;
        if (strcmp(m->hash, hash) == 0) {
            *at = m->next;
            free_moving(m);
            return;
        }
    }
}
