// SPDX-License-Identifier: Apache-2.0
// transfer.h - the decisions of a chunked transfer, without sockets, files or clocks.
//
// The happy path of a download: the client asks for a window of chunks, takes them in
// order and asks on when half of the window is in hand; the server keeps no state. Of an
// upload: the client announces, the server gives credit from where it is, the client
// sends up to it; credit comes again with every half window.
// The failures: anything may be lost, repeated or late. Chunks that do not continue what
// is there are dropped; after TRANSFER_PATIENCE_MS of silence the client asks again
// from the first byte that is missing.
//
// Owns: nothing; all structs are values. Threads: any.
#ifndef COMMON_BLOB_TRANSFER_H
#define COMMON_BLOB_TRANSFER_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TRANSFER_PATIENCE_MS 5000
#define TRANSFER_IDLE_MS     60000 // a server forgets an upload that is silent this long

struct transfer_window {
    uint32_t chunk_bytes; // of every chunk but the last
    uint32_t n_chunks;    // in flight at most
};

// ---- download, client
struct download {
    struct transfer_window window;
    uint64_t have;     // bytes taken, in order
    uint64_t asked;    // end of what was asked for
    uint64_t total;    // valid when is_sized
    bool is_sized;     // a first chunk came
    int64_t heard_ms;  // last progress, or last time we asked from `have`
};

void download_init(struct download *d, struct transfer_window w, int64_t now_ms);

struct download_request {
    uint64_t offset;
    uint32_t credit;
};
// The request to send now, if one is due; assumes that the caller sends it.
bool download_next(struct download *d, int64_t now_ms, struct download_request *out);

enum chunk_verdict {
    CHUNK_TAKE,    // write it
    CHUNK_DROP,    // repeated, late, or after a hole
    CHUNK_INVALID, // contradicts what is known: size or total differ
};
enum chunk_verdict download_chunk(struct download *d, int64_t now_ms, uint64_t offset,
                                  uint64_t total, uint32_t n);
bool download_is_whole(const struct download *d);
int64_t download_due_ms(const struct download *d); // when download_next may have more

// ---- download, server: chunk i of a request. False when there is none.
bool transfer_chunk_at(struct transfer_window w, uint64_t total, uint64_t offset,
                       uint32_t i, uint64_t *chunk_offset, uint32_t *n);

// ---- upload, client
struct upload {
    struct transfer_window window;
    uint64_t total;
    uint64_t sent;    // end of what was sent
    uint64_t allowed; // end of the credit
    bool is_announced;   // PUT was sent and not timed out
    bool is_answered;    // and a credit came for it
    bool has_sent_empty; // the one chunk of an empty artifact
    int64_t heard_ms;
};

void upload_init(struct upload *u, struct transfer_window w, uint64_t total,
                 int64_t now_ms);

enum upload_step {
    UPLOAD_WAIT,
    UPLOAD_ANNOUNCE, // send PUT, then upload_announced
    UPLOAD_CHUNK,    // send this chunk, then upload_sent
};
struct upload_chunk {
    uint64_t offset;
    uint32_t n;
};
enum upload_step upload_next(struct upload *u, int64_t now_ms, struct upload_chunk *out);
void upload_announced(struct upload *u, int64_t now_ms);
void upload_sent(struct upload *u, int64_t now_ms, const struct upload_chunk *c);
void upload_credit(struct upload *u, int64_t now_ms, uint64_t offset, uint32_t credit);
int64_t upload_due_ms(const struct upload *u);

// ---- upload, server
struct reception {
    struct transfer_window window;
    uint64_t total;
    uint64_t have;      // bytes taken, in order
    uint64_t credited;  // `have` when credit was last given
    int64_t heard_ms;
};

struct reception_credit {
    uint64_t offset;
    uint32_t credit;
};

void reception_init(struct reception *r, struct transfer_window w, uint64_t total,
                    int64_t now_ms);
// For every PUT, also a repeated one: where to go on.
struct reception_credit reception_announced(struct reception *r, int64_t now_ms);
// For every chunk. After CHUNK_TAKE ask reception_credit_due and reception_is_whole.
enum chunk_verdict reception_chunk(struct reception *r, int64_t now_ms, uint64_t offset,
                                   uint64_t total, uint32_t n);
bool reception_credit_due(struct reception *r, struct reception_credit *out);
bool reception_is_whole(const struct reception *r); // never for total 0 before its chunk
bool reception_is_idle(const struct reception *r, int64_t now_ms);

#endif
