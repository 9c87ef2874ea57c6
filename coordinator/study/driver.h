// SPDX-License-Identifier: Apache-2.0
// driver.h - moves studies forward: from stored state to new tasks.
//
// The loop turn tells the driver which studies changed; inside the same transaction the
// driver reads their rows, asks plan.h (pure) what to do next, and writes tasks, trials
// and study rows. Packing (a child process), merging weights and writing the run
// directory (thread pool) happen beside the loop and come back as another change. Every
// one of them can be repeated: after a crash the plan sees that it is still due.
//
// Owns: jobs in flight. Borrows: store, blobs, loop. Threads: loop thread.
#ifndef COORDINATOR_STUDY_DRIVER_H
#define COORDINATOR_STUDY_DRIVER_H

#include "common/blob/store.h"
#include "common/conf/study.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"

#include <uv.h>

struct driver;

// Makes something for people of what was just written, on the thread pool.
struct results;
typedef enum err driver_report_fn(const struct results *r, struct errinfo *why);

struct driver_hooks {
    void *arg;
    // A task row was inserted (inside the transaction): queue it once committed.
    void (*task_added)(void *arg, const struct task_row *row);
    // A job beside the loop ended: call driver_advance for it in a turn soon.
    void (*study_changed)(void *arg, uint64_t study_id);
    // How many live workers could run TRAIN now (bounds the shards of a new round).
    uint32_t (*train_workers)(void *arg);
    // Tasks of a study that goes on were cancelled (inside the transaction). May be
    // NULL.
    void (*tasks_cancelled)(void *arg);
    // A job beside the loop found the disk full. May be NULL.
    void (*disk_full)(void *arg);
};

struct driver_setup { // all but the two paths are borrowed for the driver's life
    uv_loop_t *loop;
    struct store *store;
    struct blob_store *blobs;
    const char *dir;            // results go to dir/results/NAME (results.h lists them)
    const char *worker_program; // path of voxarch-worker, for packing
    struct driver_hooks hooks;  // copied
    driver_report_fn *report;   // NULL = none
};

// Studies that an earlier process left unfinished are announced by study_changed once
// the loop runs. ERR_LIMIT: a path is too long.
MUST_CHECK enum err driver_create(const struct driver_setup *setup, struct driver **out,
                                  struct errinfo *why);
// Waits for jobs on the thread pool, kills a packing child. Turns the loop until its
// own handles are closed, so not from inside a callback. NULL is fine.
void driver_destroy(struct driver *d);

// Adds a study from its checked configuration, or finds the one of the same name: going
// on with it when its resolved file is the same, ERR_INPUT when it differs. A failed
// study that is added again is tried again. Inside a transaction, or in one of its own.
MUST_CHECK enum err driver_add_study(struct driver *d, const struct study_conf *conf,
                                     uint64_t *study_id, struct errinfo *why);

// A task of the study was settled or buried, in this transaction: record what it means
// (trial measured, loss row, study failed), before driver_advance.
MUST_CHECK enum err driver_task_ended(struct driver *d, const struct task_row *row,
                                      struct errinfo *why);
// Whether its study has any use for a buried task: ERR_STALE with a sentence.
MUST_CHECK enum err driver_wants_task(struct driver *d, const struct task_row *row,
                                      struct errinfo *why);
// Such a task is READY again, in this transaction: what its burial meant is taken back.
MUST_CHECK enum err driver_task_back(struct driver *d, const struct task_row *row,
                                     struct errinfo *why);
// Ends a study by somebody's word: its tasks are cancelled, what was measured stays.
// ERR_STALE: it is over.
MUST_CHECK enum err driver_cancel_study(struct driver *d, uint64_t study_id,
                                        struct errinfo *why);
// A study that failed or was cancelled takes up its work again; others are left alone.
MUST_CHECK enum err driver_go_on(struct driver *d, uint64_t study_id,
                                 struct errinfo *why);

// Decides and writes what comes next. Inside a transaction.
MUST_CHECK enum err driver_advance(struct driver *d, uint64_t study_id,
                                   struct errinfo *why);

// While the disk is full nothing is written that can wait.
void driver_settle_only(struct driver *d, bool is_settling);

// An artifact was taken out of the way, because it is damaged: whoever needs it has it
// made again, or fails.
void driver_artifact_lost(struct driver *d);
// Is something being made again that tasks may be waiting for?
bool driver_is_mending(const struct driver *d);

// Did a job bring that artifact, which no row names yet?
bool driver_uses(const struct driver *d, const char *hash);

// Fills the study's part of a status reply.
MUST_CHECK enum err driver_status(struct driver *d, uint64_t study_id,
                                  struct status_study *out);

// True when nothing is left to do for any study (all done or failed, no jobs).
bool driver_is_idle(const struct driver *d);

#endif
