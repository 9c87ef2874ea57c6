// SPDX-License-Identifier: Apache-2.0
// bulk_socket.c - see bulk_socket.h. Downloads keep no state but the file read last.
#include "coordinator/serve/bulk_socket.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/blob/transfer.h"
#include "coordinator/serve/uploads.h"
#include "proto/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_MESSAGES 32 // chunks: up to 8 MiB written or read
#define BATCH_MS       5
#define SWEEP_MS       5000
#define WAITING_MAX    64
#define SENDINGS_MAX   64 // artifacts that are remembered as being sent

struct open_file { // the next request is nearly always for the same artifact
    char hash[HASH_HEX_MAX];
    int fd; // -1 = none
    uint64_t size_bytes;
};

struct sending {
    char hash[HASH_HEX_MAX];
    int64_t asked_ms; // last
};

struct waiting { // for an artifact that is being read
    struct route from;
    struct msg_blob_get get; // hash "": nobody
};

struct bulk_socket {
    struct router *router;
    struct gate *gate; // NULL: open
    struct blob_store *blobs;
    struct turn *turn;
    struct uploads *uploads; // NULL before start
    uv_timer_t sweep;
    struct open_file file;
    struct sending sendings[SENDINGS_MAX];
    struct bulk_keeper keeper;
    struct waiting waiting[WAITING_MAX];
    size_t n_waited;
    struct refusals refusals;
    struct msg in; // large: once each
    struct msg out;
    struct buf bytes;
    char chunk[LIMIT_CHUNK_BYTES];
};

static const struct transfer_window window = {LIMIT_CHUNK_BYTES, LIMIT_CREDIT_CHUNKS};

enum err bulk_socket_open(void *zctx, struct gate *gate, struct endpoint *at,
                          struct bulk_socket **out, struct errinfo *why)
{
    const struct router_conf conf = {.gate = gate,
                                     .socket = SOCKET_BULK,
                                     .max_frame_bytes = LIMIT_BULK_MESSAGE_BYTES,
                                     .has_payload = true,
                                     .max_messages = BATCH_MESSAGES,
                                     .max_ms = BATCH_MS};
    struct bulk_socket *b = calloc(1, sizeof(*b));
    BUG_ON(!b);
    b->gate = gate;
    b->file.fd = -1;
    enum err e = router_open(zctx, &conf, at, &b->router, why);
    if (e != ERR_OK) {
        free(b);
        return e;
    }
    *out = b;
    return ERR_OK;
}

// Loss is normal here: the client asks again.
static bool send_out(struct bulk_socket *b, const struct route *to,
                     struct zframe payload)
{
    buf_clear(&b->bytes);
    wire_encode(&b->out, &b->bytes);
    return router_send(b->router, to, (struct zframe){b->bytes.data, b->bytes.len},
                       payload);
}

static void send_done(struct bulk_socket *b, const struct route *to, const char *hash,
                      enum err code, const char *text)
{
    b->out.kind = MSG_BLOB_DONE;
    b->out.blob_done = (struct msg_blob_done){.code = code};
    snprintf(b->out.blob_done.hash, sizeof(b->out.blob_done.hash), "%s", hash);
    snprintf(b->out.blob_done.text, sizeof(b->out.blob_done.text), "%s", text);
    send_out(b, to, (struct zframe){NULL, 0});
}

static void refuse(struct bulk_socket *b, const struct route *to, enum refusal reason,
                   enum err code, const char *text)
{
    refusals_note(&b->refusals, reason, clock_mono_ms(), text);
    b->out.kind = MSG_REFUSED;
    b->out.refused.code = code;
    snprintf(b->out.refused.text, sizeof(b->out.refused.text), "%s", text);
    send_out(b, to, (struct zframe){NULL, 0});
}

// ---- downloads

static void close_file(struct open_file *f)
{
    if (f->fd >= 0) {
        close(f->fd);
    }
    *f = (struct open_file){.fd = -1};
}

static enum err open_file(struct bulk_socket *b, const char *hash, struct errinfo *why)
{
    struct open_file *f = &b->file;
    if (f->fd >= 0 && strcmp(f->hash, hash) == 0) {
        return ERR_OK;
    }
    close_file(f);
    char path[FILE_PATH_MAX];
    enum err e = blob_path(b->blobs, hash, path, &f->size_bytes, why);
    if (e == ERR_OK && f->size_bytes > LIMIT_ARTIFACT_BYTES) {
        e = err_set(why, ERR_LIMIT,
                    "artifact %s has %llu bytes: at most %llu can be sent", hash,
                    (unsigned long long)f->size_bytes,
                    (unsigned long long)LIMIT_ARTIFACT_BYTES);
    }
    if (e != ERR_OK) {
        return e;
    }
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0) {
        return err_set(why, ERR_IO, "cannot open artifact %s", hash);
    }
    snprintf(f->hash, sizeof(f->hash), "%s", hash);
    return ERR_OK;
}

static bool read_at(int fd, char *out, size_t n, uint64_t offset)
{
    for (size_t done = 0; done < n;) {
        ssize_t m = pread(fd, out + done, n - done, (off_t)(offset + done));
        if (m < 0 && errno == EINTR) {
            continue;
        }
        if (m <= 0) {
            return false;
        }
        done += (size_t)m;
    }
    return true;
}

// False: the client does not read, or the disk failed; it asks again or was told.
static bool send_chunk(struct bulk_socket *b, const struct route *to, const char *hash,
                       const struct transfer_chunk *c)
{
    if (!read_at(b->file.fd, b->chunk, c->n, c->offset)) {
        send_done(b, to, hash, ERR_IO, "the artifact cannot be read");
        return false;
    }
    b->out.kind = MSG_BLOB_CHUNK;
    b->out.blob_chunk = (struct msg_blob_chunk){
        .offset = c->offset, .total_bytes = c->total, .n_bytes = c->n};
    snprintf(b->out.blob_chunk.hash, sizeof(b->out.blob_chunk.hash), "%s", hash);
    return send_out(b, to, (struct zframe){b->chunk, c->n});
}

// In the place of the same artifact, or of the one that was asked for longest ago.
static void note_sending(struct bulk_socket *b, const char *hash)
{
    struct sending *at = &b->sendings[0];
    for (size_t i = 0; i < SENDINGS_MAX && strcmp(at->hash, hash) != 0; i++) {
        struct sending *other = &b->sendings[i];
        if (strcmp(other->hash, hash) == 0 || other->asked_ms < at->asked_ms) {
            at = other;
        }
    }
    snprintf(at->hash, sizeof(at->hash), "%s", hash);
    at->asked_ms = clock_mono_ms();
}

bool bulk_socket_uses(const struct bulk_socket *b, const char *hash)
{
    int64_t since_ms = clock_mono_ms() - TRANSFER_IDLE_MS;
    for (size_t i = 0; i < SENDINGS_MAX; i++) {
        const struct sending *s = &b->sendings[i];
        if (s->asked_ms > since_ms && strcmp(s->hash, hash) == 0) {
            return true;
        }
    }
    return b->uploads && uploads_names(b->uploads, hash);
}

// In its own place, an empty one, or that of somebody who will ask again.
static void wait_for(struct bulk_socket *b, const struct route *from,
                     const struct msg_blob_get *get)
{
    struct waiting *at = &b->waiting[b->n_waited++ % WAITING_MAX];
    for (size_t i = 0; i < WAITING_MAX; i++) {
        struct waiting *w = &b->waiting[i];
        bool is_own =
            strcmp(w->get.hash, get->hash) == 0 && route_equal(&w->from, from);
        if (is_own || w->get.hash[0] == '\0') {
            at = w;
        }
        if (is_own) {
            break;
        }
    }
    *at = (struct waiting){.from = *from, .get = *get};
}

static void serve(struct bulk_socket *b, const struct route *to,
                  const struct msg_blob_get *get)
{
    struct errinfo why = {0};
    enum err e = open_file(b, get->hash, &why);
    if (e == ERR_NOTFOUND && turn_is_mending(b->turn)) {
        wait_for(b, to, get); // until it is made again, or its task is cancelled
        return;
    }
    if (e != ERR_OK) {
        send_done(b, to, get->hash, e, why.text);
        return;
    }
    const struct transfer_credit request = {get->offset, get->credit};
    struct transfer_chunk c;
    for (uint32_t i = 0; transfer_chunk_at(window, b->file.size_bytes, &request, i, &c);
         i++) {
        if (!send_chunk(b, to, get->hash, &c)) {
            return;
        }
    }
}

static void on_get(struct bulk_socket *b, const struct route *from)
{
    const struct msg_blob_get *get = &b->in.blob_get;
    note_sending(b, get->hash);
    if (b->keeper.is_verified && !b->keeper.is_verified(b->keeper.arg, get->hash)) {
        close_file(&b->file);
        wait_for(b, from, get);
    } else {
        serve(b, from, get);
    }
}

// Serving may let it wait again.
static void serve_waiting(struct bulk_socket *b, struct waiting *at)
{
    struct waiting w = *at;
    *at = (struct waiting){0};
    serve(b, &w.from, &w.get);
}

void bulk_socket_read(struct bulk_socket *b, const char *hash)
{
    for (size_t i = 0; i < WAITING_MAX; i++) {
        if (strcmp(b->waiting[i].get.hash, hash) == 0) {
            serve_waiting(b, &b->waiting[i]);
        }
    }
}

void bulk_socket_look(struct bulk_socket *b)
{
    for (size_t i = 0; i < WAITING_MAX; i++) {
        struct waiting *w = &b->waiting[i];
        if (w->get.hash[0] && blob_has(b->blobs, w->get.hash) &&
            (!b->keeper.is_verified ||
             b->keeper.is_verified(b->keeper.arg, w->get.hash))) {
            serve_waiting(b, w);
        }
    }
}

// ---- uploads

// A full disk is not the end of an upload: its sender waits and announces it again.
static enum err later_if_full(struct bulk_socket *b, enum err code)
{
    if (code != ERR_FULL) {
        return code;
    }
    turn_found_disk_full(b->turn);
    return ERR_BUSY;
}

static void answer_upload(struct bulk_socket *b, const struct route *to)
{
    if (b->out.kind == MSG_BLOB_DONE) {
        b->out.blob_done.code = later_if_full(b, b->out.blob_done.code);
    }
    send_out(b, to, (struct zframe){NULL, 0});
}

static void on_put(struct bulk_socket *b, const struct route *from)
{
    const struct msg_blob_put *put = &b->in.blob_put;
    if (!turn_may_store(b->turn, &from->key, put->total_bytes)) {
        send_done(b, from, put->hash, ERR_BUSY, "the disk is full: later");
        return;
    }
    if (uploads_announced(b->uploads, from, put, clock_mono_ms(), &b->out)) {
        answer_upload(b, from);
    }
}

static void on_chunk(struct bulk_socket *b, const struct route *from)
{
    if (uploads_chunk(b->uploads, from, &b->in.blob_chunk, clock_mono_ms(), &b->out)) {
        answer_upload(b, from);
    }
}

static void on_upload_done(void *arg, const struct route *to, const char *hash,
                           enum err code, const char *text)
{
    send_done(arg, to, hash, later_if_full(arg, code), text);
}

static void on_sweep(uv_timer_t *timer)
{
    struct bulk_socket *b = timer->data;
    uploads_sweep(b->uploads, clock_mono_ms());
    close_file(&b->file); // an artifact that was removed gives its space back
}

// ---- the socket

static enum err decode(struct bulk_socket *b, struct zframe body, struct zframe payload,
                       struct errinfo *why)
{
    enum err e = wire_decode(body.bytes, body.n, &b->in, why);
    if (e != ERR_OK) {
        return e;
    }
    bool is_chunk = b->in.kind == MSG_BLOB_CHUNK;
    if (is_chunk != (payload.bytes != NULL)) {
        return err_set(why, ERR_PROTO, "a second frame belongs to BLOB_CHUNK alone");
    }
    return is_chunk ? wire_attach_payload(&b->in, payload.bytes, payload.n, why)
                    : ERR_OK;
}

// A worker that lost its lease meanwhile hears so by its next BEAT; one that has yet to
// say HELLO asks again. So this ends no transfer.
static bool may_move(struct bulk_socket *b, const struct route *from)
{
    switch (b->in.kind) {
    case MSG_BLOB_GET:
        return turn_holds_artifact(b->turn, &from->key, b->in.blob_get.hash);
    case MSG_BLOB_PUT: return turn_holds_task(b->turn, &from->key);
    default: return true; // a chunk of an upload that was taken on, or dropped
    }
}

static bool is_allowed(struct bulk_socket *b, const struct route *from)
{
    bool is_upload = b->in.kind == MSG_BLOB_PUT || b->in.kind == MSG_BLOB_CHUNK;
    if (is_upload && !gate_allows(b->gate, &from->key, b->in.kind)) {
        refuse(b, from, REFUSAL_RIGHTS, ERR_AUTH,
               "only a worker's key may send artifacts");
        return false;
    }
    if (gate_role(b->gate, &from->key) == ROLE_WORKER && !may_move(b, from)) {
        refuse(b, from, REFUSAL_OWNER, ERR_AUTH,
               "no task that this key's workers hold is about that artifact");
        return false;
    }
    return true;
}

static void on_message(void *arg, const struct route *from, struct zframe body,
                       struct zframe payload)
{
    struct bulk_socket *b = arg;
    struct errinfo why = {0};
    enum err e = decode(b, body, payload, &why);
    if (e != ERR_OK) {
        refuse(b, from, REFUSAL_MALFORMED, e, why.text);
        return;
    }
    if (!is_allowed(b, from)) {
        return;
    }
    switch (b->in.kind) {
    case MSG_BLOB_GET: on_get(b, from); return;
    case MSG_BLOB_PUT: on_put(b, from); return;
    case MSG_BLOB_CHUNK: on_chunk(b, from); return;
    default:
        refuse(b, from, REFUSAL_MALFORMED, ERR_PROTO,
               "this kind of message is not for this socket");
        return;
    }
}

static void on_denied(void *arg, const struct route *from)
{
    refuse(arg, from, REFUSAL_RIGHTS, ERR_AUTH,
           "this key is not listed as a worker's or an operator's");
}

static void on_misframed(void *arg)
{
    struct bulk_socket *b = arg;
    refusals_note(&b->refusals, REFUSAL_MALFORMED, clock_mono_ms(),
                  "a message of impossible frames");
}

static void on_batch_ended(void *arg)
{
    (void)arg; // every message was answered by itself
}

enum err bulk_socket_start(struct bulk_socket *b, uv_loop_t *loop,
                           struct blob_store *blobs, const struct bulk_keeper *keeper,
                           struct turn *t, struct errinfo *why)
{
    const struct router_handlers handlers = {.arg = b,
                                             .message = on_message,
                                             .denied = on_denied,
                                             .misframed = on_misframed,
                                             .batch_ended = on_batch_ended};
    enum err e = router_start(b->router, loop, &handlers, why);
    if (e != ERR_OK) {
        return e;
    }
    b->blobs = blobs;
    b->turn = t;
    if (keeper) {
        b->keeper = *keeper;
    }
    b->uploads = uploads_create(loop, blobs, on_upload_done, b);
    BUG_ON(uv_timer_init(loop, &b->sweep) != 0);
    b->sweep.data = b;
    BUG_ON(uv_timer_start(&b->sweep, on_sweep, SWEEP_MS, SWEEP_MS) != 0);
    return ERR_OK;
}

void bulk_socket_stop(struct bulk_socket *b)
{
    router_stop(b->router);
    if (b->uploads) {
        uv_close((uv_handle_t *)&b->sweep, NULL);
        uploads_destroy(b->uploads);
        b->uploads = NULL;
    }
}

void bulk_socket_close(struct bulk_socket *b)
{
    if (b) {
        router_close(b->router);
        close_file(&b->file);
        buf_fini(&b->bytes);
        free(b);
    }
}

const struct refusals *bulk_socket_refusals(const struct bulk_socket *b)
{
    return &b->refusals;
}
