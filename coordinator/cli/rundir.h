// SPDX-License-Identifier: Apache-2.0
// rundir.h - the run directory as `voxarch run` sees it: lock, study, endpoints, logs.
//
// DIR/run.lock keeps a second `voxarch run` out (a lock of the kernel's: it dies with
// its holder), DIR/study.yaml is the resolved study, DIR/endpoints is where the
// coordinator listens, DIR/logs/ is what the processes wrote.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_CLI_RUNDIR_H
#define COORDINATOR_CLI_RUNDIR_H

#include "common/conf/study.h"
#include "common/net/curve.h"

struct rundir_endpoints {
    char worker[128], bulk[128], admin[128];
    char public_key[CURVE_HEX_MAX]; // of the coordinator; "" when it has none
    long pid;                       // of the coordinator that wrote them
};

// Makes DIR and takes its lock until the process ends or *fd is closed. ERR_BUSY names
// the process that has it.
MUST_CHECK enum err rundir_lock(const char *dir, int *fd, struct errinfo *why);

// Puts the resolved study at `path` (DIR/study.yaml); ERR_INPUT when another one is
// there already, naming the first line that differs.
MUST_CHECK enum err rundir_put_study(const char *path, const struct study_conf *conf,
                                     struct errinfo *why);

// ERR_NOTFOUND while there are none, ERR_CORRUPT when a key is missing.
MUST_CHECK enum err rundir_endpoints(const char *dir, struct rundir_endpoints *out,
                                     struct errinfo *why);

// Appends the last lines of a file, each behind four spaces; nothing when unreadable.
void rundir_tail(const char *path, unsigned n_lines, struct buf *out);

#endif
