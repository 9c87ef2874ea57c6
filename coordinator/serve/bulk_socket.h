// SPDX-License-Identifier: Apache-2.0
// bulk_socket.h - the socket artifacts travel on, in chunks with credit.
//
// Behind a gate, a worker reads what the tasks it holds name, and writes while it holds
// one; an operator reads everything.
//
// Owns: its router and the uploads. Borrows: the artifact store, the turn, the loop.
// Threads: loop thread only.
#ifndef COORDINATOR_SERVE_BULK_SOCKET_H
#define COORDINATOR_SERVE_BULK_SOCKET_H

#include "common/blob/store.h"
#include "coordinator/serve/router.h"
#include "coordinator/turn.h"

struct bulk_socket;

MUST_CHECK enum err bulk_socket_open(void *zctx, struct gate *gate, struct endpoint *at,
                                     struct bulk_socket **out, struct errinfo *why);
// Who knows whether artifacts are right on the disk. NULL: they are.
struct bulk_keeper {
    void *arg;
    // False: it is being read, and bulk_socket_read is called then.
    bool (*is_verified)(void *arg, const char *hash);
};

MUST_CHECK enum err bulk_socket_start(struct bulk_socket *b, uv_loop_t *loop,
                                      struct blob_store *blobs,
                                      const struct bulk_keeper *keeper, struct turn *t,
                                      struct errinfo *why);
// An artifact was read: whoever waits for it is served, or told what became of it.
void bulk_socket_read(struct bulk_socket *b, const char *hash);
// Now and then: what somebody waits for may have been made again.
void bulk_socket_look(struct bulk_socket *b);
// Is that artifact being sent, or received? As far as can be told: a download that
// asked for nothing for a minute is over.
bool bulk_socket_uses(const struct bulk_socket *b, const char *hash);
// Waits for uploads that are being synced (turns the loop): not from inside a callback.
void bulk_socket_stop(struct bulk_socket *b);
void bulk_socket_close(struct bulk_socket *b); // NULL is fine

const struct refusals *bulk_socket_refusals(const struct bulk_socket *b);

#endif
