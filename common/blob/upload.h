// SPDX-License-Identifier: Apache-2.0
// upload.h - the client of an upload: announce, then send as credit allows.
//
// Happy path: ANNOUNCE, a credit comes, CHUNKs up to it, credit comes again, until all
// is sent; the server's word ends it (the caller sees that). After silence it announces
// again, and the first credit after that says where to go on.
//
// Owns: nothing; a value. Threads: any.
#ifndef COMMON_BLOB_UPLOAD_H
#define COMMON_BLOB_UPLOAD_H

#include "common/blob/transfer.h"

struct upload {
    struct transfer_window window;
    uint64_t total;
    uint64_t sent;       // end of what was sent
    uint64_t allowed;    // end of the credit
    bool is_announced;   // and not silent since
    bool is_answered;    // a credit came for it
    bool has_sent_empty; // the one chunk of an empty artifact
    int64_t heard_ms;
};

enum upload_step {
    UPLOAD_WAIT,
    UPLOAD_ANNOUNCE, // then upload_announced
    UPLOAD_CHUNK,    // then upload_sent
};

void upload_init(struct upload *u, struct transfer_window w, uint64_t total);
enum upload_step upload_next(const struct upload *u, int64_t now_ms,
                             struct transfer_chunk *out);
void upload_announced(struct upload *u, int64_t now_ms);
void upload_sent(struct upload *u, const struct transfer_chunk *c);
void upload_credit(struct upload *u, int64_t now_ms, const struct transfer_credit *c);
int64_t upload_due_ms(const struct upload *u); // when silence becomes too long

#endif
