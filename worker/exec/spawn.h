// SPDX-License-Identifier: Apache-2.0
// spawn.h - the agent's side of a runner: start it, listen to it, see how it ends.
//
// Happy path: the job goes in on fd 0, progress comes out on fd 3, then a result; the
// process exits and `end` is called once with OK. The failures: it says what is wrong
// (ERROR, NUMERIC, NOMEM), dies or exits without a word or talks nonsense (CRASH),
// memory is refused or the kernel takes it (NOMEM), it is over its run-time limit
// (TIMEOUT), makes no progress for too long (HANG), or is killed by spawn_kill.
//
// A runner leads a process group of its own, which ends with it. Nothing it does or
// leaves undone makes the agent wait.
//
// Owns: the process, its pipes and itself, until after `end`. Borrows: the loop.
// Threads: loop thread.
#ifndef WORKER_EXEC_SPAWN_H
#define WORKER_EXEC_SPAWN_H

#include "worker/exec/job.h"

#include <uv.h>

struct spawn;

struct spawn_limits {
    int64_t run_ms;     // from start to last word
    int64_t silence_ms; // without progress
};

struct spawn_end {
    enum outcome outcome;
    struct task_result result;     // OK
    char error[LIMIT_TEXT];        // otherwise: one sentence
    char log_tail[LIMIT_LOG_TAIL]; // otherwise
};

struct spawn_hooks {
    void (*progress)(void *arg, const struct task_progress *p);
    void (*said)(void *arg, const char *line); // on stderr; of a flood, some lines
    void (*end)(void *arg, const struct spawn_end *end); // once; never inside a call
    void *arg;
};

// Runs `program --runner`. job->parent_pid is filled in here. ERR_IO.
MUST_CHECK enum err spawn_start(uv_loop_t *loop, const char *program,
                                const struct job *job,
                                const struct spawn_limits *limits,
                                const struct spawn_hooks *hooks, struct spawn **out,
                                struct errinfo *why);

// SIGKILL; `end` comes all the same. The pointer is valid until `end` returned.
void spawn_kill(struct spawn *s);
int spawn_pid(const struct spawn *s);

#endif
