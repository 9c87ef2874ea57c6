// SPDX-License-Identifier: Apache-2.0
// reception.h - the server of an upload: which chunks to take, when to give credit.
//
// Owns: nothing; a value. Threads: any.
#ifndef COMMON_BLOB_RECEPTION_H
#define COMMON_BLOB_RECEPTION_H

#include "common/blob/transfer.h"

struct reception {
    struct transfer_window window;
    uint64_t total;
    uint64_t have;     // bytes taken, in order
    uint64_t credited; // `have` when credit was last given
    bool has_chunk;
    int64_t heard_ms;
};

void reception_init(struct reception *r, struct transfer_window w, uint64_t total,
                    int64_t now_ms);

// For every announcement, also a repeated one: the credit to answer with.
struct transfer_credit reception_announced(struct reception *r, int64_t now_ms);

// For every chunk. After CHUNK_TAKE ask the next two.
enum chunk_verdict reception_chunk(struct reception *r, int64_t now_ms,
                                   const struct transfer_chunk *c);
bool reception_credit_due(struct reception *r, struct transfer_credit *out);
bool reception_is_whole(const struct reception *r);

bool reception_is_idle(const struct reception *r, int64_t now_ms); // forget it

#endif
