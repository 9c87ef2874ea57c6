// SPDX-License-Identifier: Apache-2.0
// works.h - what becomes of each held task: fetch its inputs, compute, store the
// output.
//
// Level-triggered: works_step looks at the session's slots and at what it is doing for
// each, and does the next thing for all of them. It may be called at any time.
//
// Owns: the runners. Borrows: all in struct works_conf. Threads: loop thread.
#ifndef WORKER_AGENT_WORKS_H
#define WORKER_AGENT_WORKS_H

#include "worker/agent/deliverer.h"
#include "worker/agent/fetcher.h"
#include "worker/agent/session.h"
#include "worker/exec/job.h"

#include <uv.h>

struct works;

struct works_conf {
    uv_loop_t *loop;
    struct session *session;
    struct blob_store *store;
    struct fetcher *fetcher;
    struct deliverer *deliverer;
    const char *program;     // run as a runner
    struct job job;          // all but the spec and its limit of memory
    uint64_t memory_bytes;   // that a task may allocate here; 0 = no limit
    int64_t silence_ms;      // without progress, then a runner is killed
    void (*wake)(void *arg); // something changed: call works_step
    void *arg;
};

struct works *works_create(const struct works_conf *conf);
void works_destroy(struct works *w); // no runner may be left; NULL is fine

void works_step(struct works *w, int64_t now_ms);
void works_kill(struct works *w); // all runners; they end in a later turn of the loop

#endif
