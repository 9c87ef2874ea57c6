// SPDX-License-Identifier: Apache-2.0
// uploads.h - artifacts that are coming in: who sends which, and how far each is.
//
// Chunks are written and hashed as they come; the final sync and rename, which may take
// as long as the disk likes, run on the thread pool. An upload that falls silent is
// forgotten with its partial file.
//
// Owns: uploads and their partial files. Borrows: the loop and the artifact store.
// Threads: loop thread only (and the pool, inside).
#ifndef COORDINATOR_SERVE_UPLOADS_H
#define COORDINATOR_SERVE_UPLOADS_H

#include "common/blob/store.h"
#include "coordinator/fleet/session.h"
#include "proto/msg.h"

#include <uv.h>

#define UPLOADS_MAX         256 // partial files and open descriptors
#define UPLOADS_PEER_MAX    8   // of one peer
#define UPLOADS_COMMITS_MAX 3   // of the pool's four threads: others need one too

struct uploads;

// An upload ended on the thread pool: tell its sender.
typedef void uploads_done_fn(void *arg, const struct route *to, const char *hash,
                             enum err code, const char *text);

struct uploads *uploads_create(uv_loop_t *loop, struct blob_store *blobs,
                               uploads_done_fn *done, void *arg);
// Waits for the commits on the pool (turns the loop), forgets the rest. NULL is fine.
void uploads_destroy(struct uploads *u);

// *reply becomes BLOB_CREDIT or BLOB_DONE; false when there is none (it is being
// synced).
bool uploads_announced(struct uploads *u, const struct route *from,
                       const struct msg_blob_put *put, int64_t now_ms,
                       struct msg *reply);
// *reply becomes BLOB_CREDIT or BLOB_DONE (it failed); false when there is none.
bool uploads_chunk(struct uploads *u, const struct route *from,
                   const struct msg_blob_chunk *chunk, int64_t now_ms,
                   struct msg *reply);
void uploads_sweep(struct uploads *u, int64_t now_ms); // forgets the silent ones
bool uploads_names(const struct uploads *u, const char *hash); // is one of that
size_t uploads_count(const struct uploads *u);

#endif
