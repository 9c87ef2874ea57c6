// SPDX-License-Identifier: Apache-2.0
// work.h - what a held task goes through on this machine: fetch, compute, send, report.
//
// One `struct work` per slot of the session. Happy path: the artifacts a task names are
// fetched if they are not here, a runner computes, what it made is sent to the
// coordinator, and only then is the result reported. The failures: an artifact that
// cannot be had or sent, and every way a runner ends badly, become the outcome of the
// attempt; a task that is no longer ours has its runner killed.
//
// Owns: runners. Borrows: session, bulk, artifact store, loop. Threads: loop thread.
#ifndef WORKER_AGENT_WORK_H
#define WORKER_AGENT_WORK_H

#include "common/base/log.h"
#include "worker/agent/bulk.h"
#include "worker/agent/session.h"

struct works;

struct works_conf {
    uv_loop_t *loop;
    struct session *session;
    struct bulk *bulk;
    struct blob_store *blobs;
    const char *program; // voxarch-worker itself, for runners
    const char *blob_dir;
    const char *also_read; // "" = none
    const char *backend;
    uint32_t n_threads;
    int64_t timeout_ms; // without progress
    enum log_level log_level;
    void (*changed)(void *arg); // something for the session to say: pump soon
    void *arg;
};

struct works *works_create(const struct works_conf *conf);
void works_destroy(struct works *w); // nothing may be computing. NULL is fine

// Looks at every slot of the session and does what its state asks for.
void works_look(struct works *w);

// From the bulk client: a transfer ended.
void works_moved(struct works *w, const char *hash, enum err code, const char *text);

void works_kill(struct works *w); // every runner, now; their ends still come
bool works_is_idle(const struct works *w);

#endif
