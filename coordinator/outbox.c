// SPDX-License-Identifier: Apache-2.0
// outbox.c - see outbox.h.
#include "coordinator/outbox.h"

#include "proto/wire.h"

#include <string.h>

struct outbox_head {
    struct route to;
    size_t n_bytes;
};

void outbox_fini(struct outbox *o)
{
    buf_fini(&o->bytes);
}

void outbox_add(struct outbox *o, const struct route *to, const struct msg *m)
{
    struct outbox_head head = {.to = *to};
    size_t at = o->bytes.len;
    buf_add(&o->bytes, &head, sizeof(head));
    wire_encode(m, &o->bytes);
    head.n_bytes = o->bytes.len - at - sizeof(head);
    memcpy(o->bytes.data + at, &head, sizeof(head));
}

size_t outbox_mark(const struct outbox *o)
{
    return o->bytes.len;
}

void outbox_cut(struct outbox *o, size_t mark)
{
    BUG_ON(mark > o->bytes.len);
    o->bytes.len = mark;
}

void outbox_flush(struct outbox *o, outbox_send_fn *send, void *arg)
{
    size_t at = 0;
    while (at < o->bytes.len) {
        struct outbox_head head;
        memcpy(&head, o->bytes.data + at, sizeof(head));
        at += sizeof(head);
        send(arg, &head.to, o->bytes.data + at, head.n_bytes);
        at += head.n_bytes;
    }
    buf_clear(&o->bytes);
}
