// SPDX-License-Identifier: Apache-2.0
// agent.h - the process that speaks to the coordinator, and never computes.
//
// Sockets, processes, signals and the clock around session.h (what to say) and works.h
// (what a held task goes through). A crash of a runner costs one attempt, never the
// agent, which beats whatever they do. When the coordinator is away, runners go on and
// results wait.
//
// SIGTERM or SIGINT drains: nothing new is fetched, what is held is finished and
// reported. A second one gives everything back and leaves now.
//
// Owns: everything between start and end. Threads: main.
#ifndef WORKER_AGENT_AGENT_H
#define WORKER_AGENT_AGENT_H

#include "common/base/log.h"
#include "common/net/curve.h"
#include "common/net/endpoint.h"
#include "worker/agent/session.h"

struct agent_conf {
    struct endpoint coordinator;
    struct curve_link link; // its keys and the coordinator's
    const char *program;    // this executable, for runners
    const char *dir;        // artifacts in dir/blobs, sign of life in dir/alive
    const char *artifacts;  // a folder to read artifacts from first; NULL = none
    const char *backend;
    int64_t silence_ms; // of a runner, then it is taken to hang
    bool with_parent;   // leave when the process that started this one is gone
    enum log_level log_level;
    struct session_conf session; // id is filled in
};

// Runs until drained, refused or told twice to leave. ERR_OK when it left in order.
MUST_CHECK enum err agent_run(const struct agent_conf *conf, struct errinfo *why);

// 0 when the worker of `dir` heard from its coordinator in the last three beats, else 1
// (for container health checks).
int agent_health(const char *dir);

#endif
