// SPDX-License-Identifier: Apache-2.0
// admin_socket.c - see admin_socket.h.
#include "coordinator/serve/admin_socket.h"

#include "common/base/clock.h"
#include "proto/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_MESSAGES 16 // people's tools; workers come first
#define BATCH_MS       5

struct admin_socket {
    struct router *router;
    struct gate *gate; // NULL: open
    struct admin_hooks hooks;
    struct refusals refusals;
    struct msg in, message; // large: once
    struct buf bytes;
};

enum err admin_socket_open(void *zctx, struct gate *gate, struct endpoint *at,
                           struct admin_socket **out, struct errinfo *why)
{
    const struct router_conf conf = {.gate = gate,
                                     .socket = SOCKET_ADMIN,
                                     .max_frame_bytes = (size_t)LIMIT_MESSAGE_BYTES,
                                     .max_messages = BATCH_MESSAGES,
                                     .max_ms = BATCH_MS};
    struct admin_socket *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->gate = gate;
    enum err e = router_open(zctx, &conf, at, &a->router, why);
    if (e != ERR_OK) {
        free(a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

static void reply(struct admin_socket *a, const struct route *to)
{
    buf_clear(&a->bytes);
    wire_encode(&a->message, &a->bytes);
    // A tool that does not read asks again.
    (void)router_send(a->router, to, (struct zframe){a->bytes.data, a->bytes.len},
                      (struct zframe){NULL, 0});
}

static void decline(struct admin_socket *a, const struct route *to, enum err code,
                    const char *text)
{
    a->message.kind = MSG_REFUSED;
    a->message.refused.code = code;
    snprintf(a->message.refused.text, sizeof(a->message.refused.text), "%s", text);
    reply(a, to);
}

static void refuse(struct admin_socket *a, const struct route *to, enum refusal reason,
                   const char *text)
{
    refusals_note(&a->refusals, reason, clock_mono_ms(), text);
    decline(a, to, reason == REFUSAL_RIGHTS ? ERR_AUTH : ERR_PROTO, text);
}

// What cannot be done is the asker's to know, and no breach of anything.
static void on_order(struct admin_socket *a, const struct route *from)
{
    struct errinfo why = {0};
    enum err e = a->hooks.order(a->hooks.arg, &a->in, &a->message, &why);
    if (e == ERR_OK) {
        reply(a, from);
    } else {
        decline(a, from, e, why.text);
    }
}

static void on_message(void *arg, const struct route *from, struct zframe body,
                       struct zframe payload)
{
    (void)payload; // none on this socket
    struct admin_socket *a = arg;
    struct errinfo why = {0};
    if (wire_decode(body.bytes, body.n, &a->in, &why) != ERR_OK) {
        refuse(a, from, REFUSAL_MALFORMED, why.text);
        return;
    }
    bool is_order = a->hooks.takes_order(a->in.kind);
    if ((a->in.kind == MSG_DRAIN || is_order) &&
        !gate_allows(a->gate, &from->key, a->in.kind)) {
        char text[64];
        snprintf(text, sizeof(text), "only an operator's key may say %s",
                 msg_kind_name(a->in.kind));
        refuse(a, from, REFUSAL_RIGHTS, text);
        return;
    }
    if (is_order) {
        on_order(a, from);
        return;
    }
    switch (a->in.kind) {
    case MSG_STATUS:
        a->message.kind = MSG_STATUS_REPLY;
        a->hooks.status(a->hooks.arg, &a->message.status_reply);
        reply(a, from);
        return;
    case MSG_DRAIN:
        a->message.kind = MSG_DRAIN_REPLY;
        reply(a, from);
        a->hooks.drain(a->hooks.arg);
        return;
    default:
        refuse(a, from, REFUSAL_MALFORMED,
               "this kind of message is not for this socket");
        return;
    }
}

static void on_denied(void *arg, const struct route *from)
{
    refuse(arg, from, REFUSAL_RIGHTS,
           "this key is not listed as an operator's or a viewer's");
}

static void on_misframed(void *arg)
{
    struct admin_socket *a = arg;
    refusals_note(&a->refusals, REFUSAL_MALFORMED, clock_mono_ms(),
                  "a message that is not one frame");
}

static void on_batch_ended(void *arg)
{
    (void)arg; // every message was answered by itself
}

enum err admin_socket_start(struct admin_socket *a, uv_loop_t *loop,
                            const struct admin_hooks *hooks, struct errinfo *why)
{
    a->hooks = *hooks;
    const struct router_handlers handlers = {.arg = a,
                                             .message = on_message,
                                             .denied = on_denied,
                                             .misframed = on_misframed,
                                             .batch_ended = on_batch_ended};
    return router_start(a->router, loop, &handlers, why);
}

void admin_socket_stop(struct admin_socket *a)
{
    router_stop(a->router);
}

void admin_socket_close(struct admin_socket *a)
{
    if (a) {
        router_close(a->router);
        buf_fini(&a->bytes);
        free(a);
    }
}

const struct refusals *admin_socket_refusals(const struct admin_socket *a)
{
    return &a->refusals;
}
