// SPDX-License-Identifier: Apache-2.0
// transfer.c - see transfer.h.
#include "common/blob/transfer.h"

// Bytes of the chunk that starts at `offset`.
static uint32_t chunk_size(struct transfer_window w, uint64_t total, uint64_t offset)
{
    uint64_t left = total - offset;
    return left < w.chunk_bytes ? (uint32_t)left : w.chunk_bytes;
}

bool transfer_chunk_at(struct transfer_window w, uint64_t total,
                       const struct transfer_credit *request, uint32_t i,
                       struct transfer_chunk *out)
{
    if (i >= request->credit || i >= w.n_chunks || request->offset > total) {
        return false;
    }
    uint64_t ahead = (uint64_t)i * w.chunk_bytes;
    bool is_empty_whole = total == 0 && i == 0;
    if (!is_empty_whole && ahead >= total - request->offset) {
        return false;
    }
    uint64_t offset = request->offset + ahead;
    *out = (struct transfer_chunk){offset, total, chunk_size(w, total, offset)};
    return true;
}

enum chunk_verdict transfer_judge(struct transfer_window w, uint64_t have,
                                  uint64_t total, const struct transfer_chunk *c)
{
    if (c->total != total || c->offset > total ||
        c->n != chunk_size(w, total, c->offset)) {
        return CHUNK_INVALID;
    }
    return c->offset == have ? CHUNK_TAKE : CHUNK_DROP;
}
