// SPDX-License-Identifier: Apache-2.0
// upload.c - see upload.h.
#include "common/blob/upload.h"

void upload_init(struct upload *u, struct transfer_window w, uint64_t total)
{
    *u = (struct upload){.window = w, .total = total};
}

static bool has_more(const struct upload *u)
{
    return u->total == 0 ? !u->has_sent_empty : u->sent < u->total;
}

enum upload_step upload_next(const struct upload *u, int64_t now_ms,
                             struct transfer_chunk *out)
{
    if (!u->is_announced || now_ms >= upload_due_ms(u)) {
        return UPLOAD_ANNOUNCE;
    }
    struct transfer_credit one = {u->sent, 1};
    if (!u->is_answered || !has_more(u) || u->sent >= u->allowed ||
        !transfer_chunk_at(u->window, u->total, &one, 0, out)) {
        return UPLOAD_WAIT;
    }
    return UPLOAD_CHUNK;
}

void upload_announced(struct upload *u, int64_t now_ms)
{
    u->is_announced = true;
    u->is_answered = false;
    u->heard_ms = now_ms;
}

void upload_sent(struct upload *u, const struct transfer_chunk *c)
{
    u->sent = c->offset + c->n;
    u->has_sent_empty = u->total == 0;
}

void upload_credit(struct upload *u, int64_t now_ms, const struct transfer_credit *c)
{
    if (!u->is_announced || c->offset > u->total) {
        return;
    }
    uint64_t allowed = c->offset + (uint64_t)c->credit * u->window.chunk_bytes;
    if (!u->is_answered) { // where to go on
        u->is_answered = true;
        u->sent = c->offset;
        u->allowed = allowed;
        u->has_sent_empty = false;
    } else if (allowed > u->allowed) {
        u->allowed = allowed;
    }
    u->heard_ms = now_ms;
}

int64_t upload_due_ms(const struct upload *u)
{
    return u->heard_ms + TRANSFER_PATIENCE_MS;
}
