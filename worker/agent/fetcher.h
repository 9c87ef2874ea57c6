// SPDX-License-Identifier: Apache-2.0
// fetcher.h - artifacts on their way here: one transfer each, whoever wants them.
//
// Wanting is a question asked again and again until the answer is not COMING: whoever
// stops asking stops the transfer some time later. A transfer goes on where it was
// after any silence; a wrong hash starts it over, a few times; one that gets nowhere
// for FETCH_STALLED_MS has failed.
//
// What was there before is read once before it is said to be there; a damaged copy is
// fetched again.
//
// Owns: partial files, through the store. Borrows: the store. Threads: loop thread.
#ifndef WORKER_AGENT_FETCHER_H
#define WORKER_AGENT_FETCHER_H

#include "common/blob/store.h"
#include "proto/msg.h"

#define FETCH_STALLED_MS 600000 // 120 questions without an answer of use

struct fetcher;

struct fetcher *fetcher_create(struct blob_store *store);
void fetcher_destroy(struct fetcher *f); // NULL is fine

enum fetch_state { FETCH_HAVE, FETCH_COMING, FETCH_FAILED };
// FAILED is said once, with the reason; wanting it again tries again.
enum fetch_state fetcher_want(struct fetcher *f, int64_t now_ms, const char *hash,
                              struct errinfo *why);

// The coordinator is away altogether: that time is not counted against a transfer.
void fetcher_excuse(struct fetcher *f, int64_t now_ms);

// As in session.h: the BLOB_GET that is due, and that it went out.
bool fetcher_next(struct fetcher *f, int64_t now_ms, struct msg *out);
void fetcher_sent(struct fetcher *f, int64_t now_ms, const struct msg *m);
int64_t fetcher_due_ms(const struct fetcher *f);

void fetcher_take(struct fetcher *f, int64_t now_ms,
                  const struct msg *m); // CHUNK, DONE

#endif
