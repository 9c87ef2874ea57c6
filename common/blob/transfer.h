// SPDX-License-Identifier: Apache-2.0
// transfer.h - what both ends of a chunked transfer agree on; the stateless server
// side.
//
// The decisions of a transfer are pure: download.h and upload.h for the client,
// reception.h for the server of an upload; the server of a download keeps no state and
// answers each request with the chunks it names. Sockets, files and clocks are the
// caller's.
// The failures: anything may be lost, repeated or late. Chunks that do not continue
// what is there are dropped; after TRANSFER_PATIENCE_MS of silence the client asks
// again from the first byte that is missing.
//
// Owns: nothing; all structs are values. Threads: any.
#ifndef COMMON_BLOB_TRANSFER_H
#define COMMON_BLOB_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#define TRANSFER_PATIENCE_MS 5000
#define TRANSFER_IDLE_MS     60000 // a server forgets an upload that is silent this long

struct transfer_window {
    uint32_t chunk_bytes; // of every chunk but the last
    uint32_t n_chunks;    // in flight at most
};

// Asks for, or allows, `credit` chunks from `offset`.
struct transfer_credit {
    uint64_t offset;
    uint32_t credit;
};

struct transfer_chunk {
    uint64_t offset;
    uint64_t total; // bytes of the whole artifact
    uint32_t n;
};

enum chunk_verdict {
    CHUNK_TAKE,    // write it
    CHUNK_DROP,    // repeated, late, or after a hole
    CHUNK_INVALID, // contradicts what is known: its size or total cannot be
};

// Chunk i of what a request asked for; false when there is none. An empty artifact is
// one empty chunk.
bool transfer_chunk_at(struct transfer_window w, uint64_t total,
                       const struct transfer_credit *request, uint32_t i,
                       struct transfer_chunk *out);

// What a receiver that has `have` of `total` bytes does with a chunk.
enum chunk_verdict transfer_judge(struct transfer_window w, uint64_t have,
                                  uint64_t total, const struct transfer_chunk *c);

#endif
