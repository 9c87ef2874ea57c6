// SPDX-License-Identifier: Apache-2.0
// deliverer.h - artifacts on their way to the coordinator.
//
// As with fetcher.h, wanting is asked until the answer is not GOING. Done is when the
// coordinator says that it is stored and synced; one that gets nowhere for
// DELIVER_STALLED_MS has failed.
//
// Owns: open files, one buffer. Borrows: the store. Threads: loop thread.
#ifndef WORKER_AGENT_DELIVERER_H
#define WORKER_AGENT_DELIVERER_H

#include "common/blob/store.h"
#include "proto/msg.h"

#define DELIVER_STALLED_MS 600000 // its disk may take its time

struct deliverer;

struct deliverer *deliverer_create(const struct blob_store *store);
void deliverer_destroy(struct deliverer *d); // NULL is fine

enum deliver_state { DELIVER_STORED, DELIVER_GOING, DELIVER_FAILED };
// STORED and FAILED are said once; wanting it again delivers again.
enum deliver_state deliverer_want(struct deliverer *d, int64_t now_ms, const char *hash,
                                  struct errinfo *why);

// The coordinator is away altogether: that time is not counted against a delivery.
void deliverer_excuse(struct deliverer *d, int64_t now_ms);

// The BLOB_PUT or BLOB_CHUNK that is due; a chunk's bytes are valid until the next
// call.
bool deliverer_next(struct deliverer *d, int64_t now_ms, struct msg *out);
void deliverer_sent(struct deliverer *d, int64_t now_ms, const struct msg *m);
int64_t deliverer_due_ms(const struct deliverer *d);

void deliverer_take(struct deliverer *d, int64_t now_ms,
                    const struct msg *m); // CREDIT, DONE

#endif
