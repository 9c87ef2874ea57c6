// SPDX-License-Identifier: Apache-2.0
// download.h - the client of a download: which chunks to ask for, which to take.
//
// Happy path: ask for a window, take chunks in order, ask on when half of the window is
// in hand, until it is whole. After silence it asks again from the first missing byte.
//
// Owns: nothing; a value. Threads: any.
#ifndef COMMON_BLOB_DOWNLOAD_H
#define COMMON_BLOB_DOWNLOAD_H

#include "common/blob/transfer.h"

struct download {
    struct transfer_window window;
    uint64_t have;    // bytes taken, in order
    uint64_t asked;   // end of what was asked for
    uint64_t total;   // valid when has_chunk
    bool has_chunk;   // a first chunk came
    int64_t heard_ms; // last progress, or last time we asked from `have`
};

void download_init(struct download *d, struct transfer_window w, int64_t now_ms);

// The request to send now, if one is due. Call download_asked when it went out.
bool download_next(const struct download *d, int64_t now_ms,
                   struct transfer_credit *out);
void download_asked(struct download *d, int64_t now_ms,
                    const struct transfer_credit *request);

enum chunk_verdict download_chunk(struct download *d, int64_t now_ms,
                                  const struct transfer_chunk *c);
bool download_is_whole(const struct download *d);
int64_t download_due_ms(const struct download *d); // when silence becomes too long

#endif
