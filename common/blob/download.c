// SPDX-License-Identifier: Apache-2.0
// download.c - see download.h.
#include "common/blob/download.h"

void download_init(struct download *d, struct transfer_window w, int64_t now_ms)
{
    *d = (struct download){.window = w, .heard_ms = now_ms};
}

static bool is_silent(const struct download *d, int64_t now_ms)
{
    return now_ms >= download_due_ms(d);
}

bool download_next(const struct download *d, int64_t now_ms,
                   struct transfer_credit *out)
{
    if (download_is_whole(d)) {
        return false;
    }
    const uint64_t chunk = d->window.chunk_bytes;
    const uint64_t window = chunk * d->window.n_chunks;
    if (d->asked <= d->have || is_silent(d, now_ms)) {
        *out = (struct transfer_credit){d->have, d->window.n_chunks};
        return true;
    }
    if (d->has_chunk && d->asked >= d->total) {
        return false; // all of it is on its way
    }
    uint64_t in_flight = d->asked - d->have;
    if (2 * in_flight > window) {
        return false;
    }
    *out = (struct transfer_credit){d->asked, (uint32_t)((window - in_flight) / chunk)};
    return true;
}

void download_asked(struct download *d, int64_t now_ms,
                    const struct transfer_credit *request)
{
    if (request->offset == d->have) {
        d->heard_ms = now_ms; // patience starts anew
    }
    d->asked = request->offset + (uint64_t)request->credit * d->window.chunk_bytes;
}

enum chunk_verdict download_chunk(struct download *d, int64_t now_ms,
                                  const struct transfer_chunk *c)
{
    uint64_t total = d->has_chunk ? d->total : c->total;
    enum chunk_verdict verdict = transfer_judge(d->window, d->have, total, c);
    if (verdict != CHUNK_TAKE || download_is_whole(d)) {
        return verdict == CHUNK_TAKE ? CHUNK_DROP : verdict;
    }
    d->total = total;
    d->has_chunk = true;
    d->have += c->n;
    d->heard_ms = now_ms;
    return CHUNK_TAKE;
}

bool download_is_whole(const struct download *d)
{
    return d->has_chunk && d->have == d->total;
}

int64_t download_due_ms(const struct download *d)
{
    return d->heard_ms + TRANSFER_PATIENCE_MS;
}
