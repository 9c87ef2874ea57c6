// SPDX-License-Identifier: Apache-2.0
// reception.c - see reception.h.
#include "common/blob/reception.h"

void reception_init(struct reception *r, struct transfer_window w, uint64_t total,
                    int64_t now_ms)
{
    *r = (struct reception){.window = w, .total = total, .heard_ms = now_ms};
}

static struct transfer_credit give_credit(struct reception *r)
{
    r->credited = r->have;
    return (struct transfer_credit){r->have, r->window.n_chunks};
}

struct transfer_credit reception_announced(struct reception *r, int64_t now_ms)
{
    r->heard_ms = now_ms;
    return give_credit(r);
}

enum chunk_verdict reception_chunk(struct reception *r, int64_t now_ms,
                                   const struct transfer_chunk *c)
{
    enum chunk_verdict verdict = transfer_judge(r->window, r->have, r->total, c);
    if (verdict != CHUNK_TAKE || reception_is_whole(r)) {
        return verdict == CHUNK_TAKE ? CHUNK_DROP : verdict;
    }
    r->have += c->n;
    r->has_chunk = true;
    r->heard_ms = now_ms;
    return CHUNK_TAKE;
}

bool reception_credit_due(struct reception *r, struct transfer_credit *out)
{
    uint64_t taken = r->have - r->credited;
    uint64_t half = (uint64_t)r->window.chunk_bytes * r->window.n_chunks / 2;
    if (reception_is_whole(r) || taken < half) {
        return false;
    }
    *out = give_credit(r);
    return true;
}

bool reception_is_whole(const struct reception *r)
{
    return r->has_chunk && r->have == r->total;
}

bool reception_is_idle(const struct reception *r, int64_t now_ms)
{
    return now_ms - r->heard_ms >= TRANSFER_IDLE_MS;
}
