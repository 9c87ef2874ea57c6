// SPDX-License-Identifier: Apache-2.0
// zap.c - see zap.h.
#include "common/net/zap.h"

#include "common/net/zwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENDPOINT       "inproc://zeromq.zap.01"
#define BATCH_REQUESTS 64  // a handshake costs half a millisecond of an I/O thread
#define TEXT_MAX       256 // ZeroMQ's own limit on these fields is 255

// The frames of a request, in order; a CURVE request has one credential: the key.
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, KEY, FRAMES };

struct zap {
    void *zsock;
    struct zwatch *watch; // NULL before start and after stop
    zap_decide_fn *decide;
    void *arg;
};

enum err zap_open(void *zctx, zap_decide_fn *decide, void *arg, struct zap **out,
                  struct errinfo *why)
{
    struct zap *z = calloc(1, sizeof(*z));
    BUG_ON(!z);
    z->decide = decide;
    z->arg = arg;
    z->zsock = zmq_socket(zctx, ZMQ_REP);
    int linger_ms = 0;
    if (!z->zsock ||
        zmq_setsockopt(z->zsock, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)) != 0 ||
        zmq_bind(z->zsock, ENDPOINT) != 0) {
        enum err e = zmq_errno() == EADDRINUSE ? ERR_BUSY : ERR_IO;
        err_set(why, e, "cannot bind the authentication handler: %s",
                zmq_strerror(zmq_errno()));
        zap_close(z);
        return e;
    }
    *out = z;
    return ERR_OK;
}

struct request {
    size_t n;
    zmq_msg_t frames[FRAMES];
};

static void drop_frame(struct zap *z, int *more)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    *more = zmq_msg_recv(&frame, z->zsock, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&frame);
    zmq_msg_close(&frame);
}

// False when nothing waits. Frames that no request of ours has are dropped.
static bool receive(struct zap *z, struct request *r)
{
    r->n = 0;
    for (int more = 1; more;) {
        if (r->n == FRAMES) {
            drop_frame(z, &more);
            continue;
        }
        zmq_msg_t *frame = &r->frames[r->n];
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, z->zsock, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            return false; // the first one: messages arrive whole
        }
        r->n++;
        more = zmq_msg_more(frame);
    }
    return true;
}

static void finish(struct request *r)
{
    for (size_t i = 0; i < r->n; i++) {
        zmq_msg_close(&r->frames[i]);
    }
}

static bool frame_is(struct request *r, size_t i, const char *text)
{
    return zmq_msg_size(&r->frames[i]) == strlen(text) &&
           memcmp(zmq_msg_data(&r->frames[i]), text, strlen(text)) == 0;
}

static void frame_text(struct request *r, size_t i, char out[static TEXT_MAX])
{
    size_t n = zmq_msg_size(&r->frames[i]);
    n = n < TEXT_MAX ? n : TEXT_MAX - 1;
    memcpy(out, zmq_msg_data(&r->frames[i]), n);
    out[n] = '\0';
}

static bool decide(struct zap *z, struct request *r, struct curve_public *key)
{
    char domain[TEXT_MAX];
    char address[TEXT_MAX];
    if (r->n != FRAMES || !frame_is(r, VERSION, "1.0") ||
        !frame_is(r, MECHANISM, "CURVE") ||
        zmq_msg_size(&r->frames[KEY]) != sizeof(key->bytes)) {
        return false;
    }
    memcpy(key->bytes, zmq_msg_data(&r->frames[KEY]), sizeof(key->bytes));
    frame_text(r, DOMAIN, domain);
    frame_text(r, ADDRESS, address);
    return curve_public_is_set(key) && z->decide(z->arg, domain, address, key);
}

// The last frame, metadata, is empty. A reply that cannot go is a refusal.
static void answer(struct zap *z, struct request *r, bool is_in,
                   const struct curve_public *key)
{
    char user[CURVE_HEX_MAX] = "";
    if (is_in) {
        curve_public_print(key, user);
    }
    const struct {
        const void *bytes;
        size_t n;
    } frames[] = {
        {"1.0", 3},
        {r->n > REQUEST_ID ? zmq_msg_data(&r->frames[REQUEST_ID]) : "",
         r->n > REQUEST_ID ? zmq_msg_size(&r->frames[REQUEST_ID]) : 0},
        {is_in ? "200" : "400", 3},
        {is_in ? "OK" : "No", 2},
        {user, strlen(user)},
        {"", 0},
    };
    const size_t n = sizeof(frames) / sizeof(frames[0]);
    for (size_t i = 0; i < n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);
        if (zmq_send(z->zsock, frames[i].bytes, frames[i].n, flags) < 0) {
            return;
        }
    }
}

static void on_readable(void *arg)
{
    struct zap *z = arg;
    for (int i = 0; i < BATCH_REQUESTS && z->watch; i++) {
        struct request r;
        struct curve_public key;
        if (!receive(z, &r)) {
            finish(&r);
            return;
        }
        answer(z, &r, decide(z, &r, &key), &key);
        finish(&r);
    }
}

enum err zap_start(struct zap *z, uv_loop_t *loop, struct errinfo *why)
{
    z->watch = zwatch_create(loop, z->zsock, on_readable, z);
    return z->watch ? ERR_OK : err_set(why, ERR_IO, "cannot watch a ZeroMQ socket");
}

void zap_stop(struct zap *z)
{
    zwatch_destroy(z->watch);
    z->watch = NULL;
}

void zap_close(struct zap *z)
{
    if (!z) {
        return;
    }
    BUG_ON(z->watch);
    if (z->zsock) {
        zmq_close(z->zsock);
    }
    free(z);
}

bool zap_key_of(zmq_msg_t *frame, struct curve_public *out)
{
    const char *user = zmq_msg_gets(frame, "User-Id");
    return user && curve_public_parse(user, strlen(user), out);
}
