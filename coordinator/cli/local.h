// SPDX-License-Identifier: Apache-2.0
// local.h - one study on this machine: a coordinator and its workers, kept alive.
//
// The happy path: the coordinator starts and writes where it listens; the workers
// start; the study goes on until the coordinator exits because everything is done; the
// workers are told to leave. The failures: a process that dies is started again (what
// it held is handed out anew); one that dies too often ends the run, with the last
// lines of its log. SIGINT, SIGTERM or SIGHUP drain: workers finish what they hold,
// then all exit; a second one kills. Both leave a directory that the same command goes
// on with.
//
// Owns: the loop, the processes, the terminal lines. Threads: main.
#ifndef COORDINATOR_CLI_LOCAL_H
#define COORDINATOR_CLI_LOCAL_H

#include "common/base/file.h"

#include <stdbool.h>

#define LOCAL_WORKERS_MAX 64

struct local_conf {
    char dir[FILE_PATH_MAX];   // locked by the caller
    char study[FILE_PATH_MAX]; // resolved study file
    const char *name;          // of the study
    unsigned n_workers;        // 1..LOCAL_WORKERS_MAX
    unsigned n_threads;        // of each
    const char *device; // what this machine is: the first worker measures; NULL: none
    bool is_quiet;
};

enum local_end {
    LOCAL_ENDED,   // the coordinator has nothing left to do: done, or the study failed
    LOCAL_DRAINED, // asked to stop; the same command goes on
    LOCAL_KILLED,  // asked twice
};

// ERR_INPUT: the coordinator refused its input. ERR_IO: a process cannot be kept alive.
MUST_CHECK enum err local_run(const struct local_conf *conf, enum local_end *end,
                              struct errinfo *why);

#endif
