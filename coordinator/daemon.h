// SPDX-License-Identifier: Apache-2.0
// daemon.h - the coordinator as a process: store, sockets, driver and turn on one loop.
//
// Owns: everything of a running coordinator. Threads: main.
#ifndef COORDINATOR_DAEMON_H
#define COORDINATOR_DAEMON_H

#include "common/conf/study.h"
#include "common/net/curve.h"
#include "common/net/endpoint.h"

struct daemon_conf {
    const char *dir;
    const char *worker_program;
    // Port 0: the one remembered from the last run, or a free one.
    struct endpoint worker, bulk, admin;
    // Both or neither: without a key, connections are neither encrypted nor
    // authenticated.
    const struct curve_key *key;
    const char *allow_path;
    const struct study_conf *const *studies; // to add, or to go on with
    size_t n_studies;
    bool exit_when_done;
    uint64_t reserve_bytes; // kept back on the disk, see reserve.h
    uint32_t keep_rounds;   // superseded ones whose weights stay, see artifact.h
    bool with_parent;       // leave when the process that started this one is gone
};

// Runs until it was drained, told to stop or, with exit_when_done, is done. Returns the
// error that ended it early; *has_failed tells whether a study failed.
MUST_CHECK enum err daemon_run(const struct daemon_conf *conf, bool *has_failed,
                               struct errinfo *why);

#endif
