// SPDX-License-Identifier: Apache-2.0
// outbox.h - encoded replies that wait for the end of the turn.
//
// Owns: its bytes. Threads: loop thread only.
#ifndef COORDINATOR_OUTBOX_H
#define COORDINATOR_OUTBOX_H

#include "common/base/buf.h"
#include "coordinator/fleet/session.h"
#include "proto/msg.h"

struct outbox {
    struct buf bytes; // entries: struct outbox_head, then the message
};

#define OUTBOX_INIT \
    {               \
        BUF_INIT    \
    }

void outbox_fini(struct outbox *o);
void outbox_add(struct outbox *o, const struct route *to, const struct msg *m);

// For taking back what a part of the turn added: outbox_cut(o, outbox_mark(o)).
size_t outbox_mark(const struct outbox *o);
void outbox_cut(struct outbox *o, size_t mark);

// Hands every reply to `send` in order, and is empty afterwards.
typedef void outbox_send_fn(void *arg, const struct route *to, const void *bytes,
                            size_t n);
void outbox_flush(struct outbox *o, outbox_send_fn *send, void *arg);

#endif
