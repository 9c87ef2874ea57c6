// SPDX-License-Identifier: Apache-2.0
// link.c - see link.h.
#include "worker/agent/link.h"

#include "proto/wire.h"

enum err link_send(void *zsock, const struct msg *m)
{
    struct buf body = BUF_INIT;
    wire_encode(m, &body);
    struct zframe frames[2] = {{body.data, body.len}};
    size_t n = 1;
    if (m->kind == MSG_BLOB_CHUNK) {
        frames[n++] = (struct zframe){m->blob_chunk.bytes, m->blob_chunk.n_bytes};
    }
    enum err e = zsock_send(zsock, frames, n);
    buf_fini(&body);
    return e;
}

static enum err decode(struct zmessage *held, struct msg *out, struct errinfo *why)
{
    struct zframe body = zmessage_frame(held, 0);
    enum err e = wire_decode(body.bytes, body.n, out, why);
    if (e != ERR_OK) {
        return e;
    }
    bool is_chunk = out->kind == MSG_BLOB_CHUNK;
    if (held->n != (is_chunk ? 2 : 1)) {
        return err_set(why, ERR_PROTO, "%s of %zu frames", msg_kind_name(out->kind),
                       held->n);
    }
    struct zframe payload = zmessage_frame(held, held->n - 1);
    return is_chunk ? wire_attach_payload(out, payload.bytes, payload.n, why) : ERR_OK;
}

enum err link_recv(void *zsock, struct msg *out, struct zmessage *held,
                   struct errinfo *why)
{
    enum err e = zsock_recv(zsock, held);
    if (e != ERR_OK) {
        return e == ERR_PROTO ? err_set(why, e, "a message of too many frames") : e;
    }
    e = decode(held, out, why);
    if (e != ERR_OK) {
        zmessage_fini(held);
    }
    return e;
}
