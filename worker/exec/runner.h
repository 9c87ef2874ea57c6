// SPDX-License-Identifier: Apache-2.0
// runner.h - the child process that computes one task.
//
// The agent spawns `voxarch-worker --runner` with three pipes: on fd 0 one frame (the
// encoded task_spec and where artifacts lie), on fd 3 frames come back (progress, then
// one result or error), stderr is captured for the log tail. A frame is a 4-byte
// little-endian length and that many bytes. confine.h says what it may not do.
//
// Owns: everything of its process. Threads: main thread, plus the batcher's.
#ifndef WORKER_EXEC_RUNNER_H
#define WORKER_EXEC_RUNNER_H

#include "common/base/err.h"
#include "common/blob/store.h"
#include "common/conf/study.h"
#include "proto/msg.h"

struct runner; // the running child's view: pipes, artifact store, threads

// One entry per task kind: the table in tasks.c dispatches on it.
typedef enum err task_fn(struct runner *r, const struct task_spec *spec,
                         struct task_result *result, struct errinfo *why);

enum err task_train(struct runner *r, const struct task_spec *spec,
                    struct task_result *result, struct errinfo *why);
enum err task_evaluate(struct runner *r, const struct task_spec *spec,
                       struct task_result *result, struct errinfo *why);
enum err task_measure(struct runner *r, const struct task_spec *spec,
                      struct task_result *result, struct errinfo *why);

enum err task_finetune(struct runner *r, const struct task_spec *spec,
                       struct task_result *result, struct errinfo *why);

// For task functions: the artifact store, the resolved study, and telling progress
// (rate-limited inside; false when the agent is gone: stop).
struct blob_store *runner_blobs(struct runner *r);
MUST_CHECK enum err runner_load_study(struct runner *r, const char *hash,
                                      struct study_conf *out, struct errinfo *why);
bool runner_progress(struct runner *r, const struct task_progress *p);
int runner_threads(const struct runner *r);         // for computing
const char *runner_backend(const struct runner *r); // "blas", "ref": backend_find

// main() of the child; returns the exit status.
int runner_main(void);

#endif
