// SPDX-License-Identifier: Apache-2.0
// health.c - see health.h.
#include "coordinator/health.h"

#include "common/base/clock.h"
#include "common/net/keyfile.h"
#include "common/net/zsock.h"
#include "coordinator/cli/rundir.h"
#include "proto/wire.h"

#include <stdlib.h>

#define PATIENCE_MS 3000
#define POLL_MS     50

static bool has_answer(void *zsock, struct msg *answer)
{
    struct zmessage m;
    if (zsock_recv(zsock, &m) != ERR_OK) {
        return false;
    }
    struct zframe body = zmessage_frame(&m, 0);
    bool is_whole = wire_decode(body.bytes, body.n, answer, NULL) == ERR_OK &&
                    answer->kind == MSG_STATUS_REPLY;
    zmessage_fini(&m);
    return is_whole;
}

// Asks until the question could be sent (the connection may take a moment), then waits.
static bool ask(void *zsock, struct msg *m)
{
    struct buf question = BUF_INIT;
    m->kind = MSG_STATUS;
    wire_encode(m, &question);
    const struct zframe frame = {question.data, question.len};
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    bool is_sent = false;
    bool is_answered = false;
    while (!is_answered && clock_mono_ms() < end_ms) {
        is_sent = is_sent || zsock_send(zsock, &frame, 1) == ERR_OK;
        zmq_pollitem_t item = {.socket = zsock, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, POLL_MS);
        is_answered = has_answer(zsock, m);
    }
    buf_fini(&question);
    return is_answered;
}

static enum err ask_at(void *zctx, const char *text, const struct curve_link *link,
                       struct errinfo *why)
{
    struct endpoint admin;
    void *zsock = NULL;
    enum err e = endpoint_parse(text, &admin, why);
    if (e == ERR_OK) {
        e = zsock_open(zctx, ZMQ_DEALER, (size_t)LIMIT_MESSAGE_BYTES, &zsock, why);
    }
    if (e == ERR_OK) {
        e = curve_join(zsock, link, why);
    }
    if (e == ERR_OK) {
        e = zsock_connect(zsock, &admin, why);
    }
    if (e == ERR_OK) {
        struct msg *m = calloc(1, sizeof(*m)); // large
        BUG_ON(!m);
        e = ask(zsock, m) ? ERR_OK
                          : err_set(why, ERR_IO, "no answer from %s within %d s", text,
                                    PATIENCE_MS / 1000);
        free(m);
    }
    zsock_close(zsock);
    return e;
}

// The coordinator knows its own key, as a viewer's.
static enum err load_link(const struct rundir_endpoints *at, const char *key_path,
                          struct curve_link *link, struct errinfo *why)
{
    if (!key_path && at->public_key[0]) {
        return err_set(why, ERR_INPUT,
                       "this coordinator runs with keys: say --key FILE");
    }
    if (!key_path || !at->public_key[0]) {
        return ERR_OK;
    }
    enum err e = keyfile_load(key_path, &link->mine, why);
    if (e == ERR_OK) {
        link->theirs = *curve_key_public(link->mine);
    }
    return e;
}

enum err health_check(const char *dir, const char *key_path, struct errinfo *why)
{
    struct rundir_endpoints at;
    struct curve_link link = {.mine = NULL};
    enum err e = rundir_endpoints(dir, &at, why);
    if (e == ERR_OK) {
        e = load_link(&at, key_path, &link, why);
    }
    if (e != ERR_OK) {
        return e;
    }
    void *zctx = zmq_ctx_new();
    BUG_ON(!zctx);
    e = ask_at(zctx, at.admin, &link, why);
    zmq_ctx_term(zctx);
    curve_key_destroy(link.mine);
    return e;
}
