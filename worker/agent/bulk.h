// SPDX-License-Identifier: Apache-2.0
// bulk.h - artifacts to and from the coordinator over the bulk socket, many at once.
//
// Each artifact is one transfer however often it is asked for. Chunks flow under credit
// (common/blob/download.h, upload.h decide; this file has the socket, the files and the
// clock). A lost connection costs time: after silence a transfer goes on from the first
// byte that is missing. `done` is called once per transfer, never inside a call.
//
// Owns: the socket and the transfers. Borrows: loop, context, artifact store.
// Threads: loop thread.
#ifndef WORKER_AGENT_BULK_H
#define WORKER_AGENT_BULK_H

#include "common/blob/store.h"
#include "common/net/endpoint.h"

#include <uv.h>

struct bulk;

// code ERR_OK: the artifact is complete on this side (fetch) or stored at the
// coordinator (send); otherwise `text` says why the transfer ended.
typedef void bulk_done_fn(void *arg, const char *hash, enum err code, const char *text);

struct bulk *bulk_create(uv_loop_t *loop, void *zctx, struct blob_store *blobs,
                         bulk_done_fn *done, void *arg);
// Stops; run the loop until it is idle, then bulk_destroy. NULL is fine.
void bulk_stop(struct bulk *b);
void bulk_destroy(struct bulk *b);

// Where the coordinator's bulk socket is, now. The same endpoint again changes nothing.
MUST_CHECK enum err bulk_connect(struct bulk *b, const struct endpoint *to,
                                 struct errinfo *why);

void bulk_fetch(struct bulk *b, const char *hash);
void bulk_send(struct bulk *b, const char *hash);
// Forgets the transfer of this artifact, if there is one; `done` is not called.
void bulk_forget(struct bulk *b, const char *hash);

#endif
