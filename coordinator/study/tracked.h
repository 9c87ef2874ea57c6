// SPDX-License-Identifier: Apache-2.0
// tracked.h - what the driver keeps in memory; private to this room.
//
// Nothing here is needed to go on after a crash: a study's configuration is an
// artifact, and a job that was lost is due again. What a job brought back counts only
// for the very inputs it was started with (their digest), so that a transaction that
// was rolled back cannot leave a wrong answer here.
//
// Owns: see the structs. Threads: loop thread.
#ifndef COORDINATOR_STUDY_TRACKED_H
#define COORDINATOR_STUDY_TRACKED_H

#include "coordinator/study/devices.h"
#include "coordinator/study/driver.h"
#include "coordinator/study/fit_job.h"
#include "coordinator/study/pack_job.h"
#include "coordinator/study/plan.h"
#include "coordinator/study/propose_job.h"

#define DRIVER_TICK_MS    500
#define DRIVER_RETRY_MS   5000 // a job that failed for lack of disk or memory
#define DRIVER_REFRESH_MS 5000 // between writings of a running study's results

// The pack, merge, fit, proposing or final writing of one study: at most one at a time.
struct job_slot {
    enum plan_job_state state;
    char inputs[HASH_HEX_MAX];     // digest of what it works on
    char artifact[HASH_HEX_MAX];   // done: the pack or the merged checkpoint
    struct pack_counts counts;     // done: of the pack
    char error[LIMIT_TEXT];        // failed, or waiting to be tried again
    int64_t retry_at_ms;           // monotonic; 0 = not waiting
    unsigned n_kills;              // packers that a signal killed, in a row
    struct pack_job *packer;       // while one runs
    struct fit_job *fit;           // done: what it found
    struct propose_job *proposals; // done: what it found
};

struct tracked { // a study
    struct driver *driver;
    uint64_t id;
    struct study_conf *conf;
    struct job_slot slot;
    bool is_suspect;                // something it needs may be missing, see mend.h
    char lost[HASH_HEX_MAX];        // is missing, and being made again
    char pack_wanted[HASH_HEX_MAX]; // what the packer must bring
    char pack_again[LIMIT_TEXT];    // why the pack could not be made again
    bool has_paused;                // this turn took in what it may, the rest is due
    bool is_writing;                // a refresh or the final results
    bool is_refresh_due;            // something was measured since the last writing
    int64_t refreshed_ms;           // monotonic
    struct devices devices;
    struct aims_tables tables; // of its devices, as far as they are there
    uint32_t exhausted_at;     // trials after which there was nothing more to propose
    struct tracked *next;
};

struct driver {
    uv_loop_t *loop;
    struct store *store;
    struct blob_store *blobs;
    char dir[FILE_PATH_MAX];
    char worker_program[FILE_PATH_MAX];
    struct driver_hooks hooks;
    driver_report_fn *report;
    struct tracked *studies;
    uv_timer_t timer;
    unsigned n_jobs; // running, of all studies
    bool is_started; // the studies left by an earlier process were announced
    bool is_stopping;
    bool is_settling; // the disk is full
    bool is_timer_closed;
};

#define TRACKED_NOT_EXHAUSTED UINT32_MAX

// The study with its configuration loaded. ERR_NOTFOUND, ERR_CORRUPT, ERR_IO ...
MUST_CHECK enum err tracked_open(struct driver *d, uint64_t study_id,
                                 struct tracked **out, struct errinfo *why);
void tracked_destroy(struct tracked *t);

// Forgets what the last job brought. None may be running.
void tracked_reset_slot(struct tracked *t);

// What the study lets a task of it take.
void tracked_limit(const struct study_conf *conf, struct task_spec *spec);

bool tracked_is_over(enum study_state s); // done or failed

// DIR/results/NAME, and a file in it.
MUST_CHECK enum err tracked_results_dir(const struct driver *d, const char *name,
                                        char out[static FILE_PATH_MAX],
                                        struct errinfo *why);

#endif
