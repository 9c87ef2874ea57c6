// SPDX-License-Identifier: Apache-2.0
// pack_job.h - reads a study's recordings into a pack: a child process, then the store.
//
// The child is `voxarch-worker data pack --study FILE -o SCRATCH`: decoding untrusted
// audio stays out of the coordinator. Its file is hashed and taken in on the thread
// pool.
//
// Owns: the child, its pipes, what it said. Borrows: nothing once started. Threads:
// loop thread, but for the hashing.
#ifndef COORDINATOR_STUDY_PACK_JOB_H
#define COORDINATOR_STUDY_PACK_JOB_H

#include "common/blob/store.h"
#include "coordinator/study/job.h"
#include "coordinator/study/pack_report.h"

struct pack_job {
    struct job job;  // first: its done runs at the very end, however that comes about
    void *arg;       // the caller's
    bool was_killed; // by a signal: not the input's fault
    char pack[HASH_HEX_MAX]; // the result
    struct pack_counts counts;

    char blob_dir[FILE_PATH_MAX];
    char scratch[FILE_PATH_MAX];
    uv_process_t process;
    uv_pipe_t out, err;
    int n_handles; // not closed yet
    int exit_status;
    int exit_signal;
    struct buf said;       // on stdout
    struct buf complained; // on stderr, but for
    char progress[96];     // the newest line about progress; "" before the first
    char block[4096];      // what is being read
};

struct pack_setup {
    uv_loop_t *loop;
    struct blob_store *blobs;
    const char *worker_program;
    const char *study_path;
    void (*done)(struct job *j);
    void *arg;
};

// Spawns the child. ERR_IO when it cannot be started. Afterwards `done` runs on the
// loop, never from inside this call, and calls pack_job_destroy.
MUST_CHECK enum err pack_job_start(const struct pack_setup *setup,
                                   struct pack_job **out, struct errinfo *why);
void pack_job_kill(struct pack_job *p); // done follows, with was_killed
void pack_job_destroy(struct pack_job *p);

#endif
