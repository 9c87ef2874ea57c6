// SPDX-License-Identifier: Apache-2.0
// oom.h - whether the kernel killed processes for lack of memory.
//
// A SIGKILL says not whose it was. The kernel counts its own: those of our control
// group (exact, where there is one with a count) or of the whole machine. A count that
// grew while a runner lived, and a SIGKILL that was not ours, are as much as can be
// known.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_EXEC_OOM_H
#define WORKER_EXEC_OOM_H

#include "common/base/file.h"

#include <stdbool.h>
#include <stdint.h>

struct oom_kills {
    bool is_known;
    bool is_group; // of our control group, not of the machine
    uint64_t n;
};

struct oom_kills oom_kills_now(void);

// The same from other places than /proc and /sys/fs/cgroup: for tests.
struct oom_kills oom_kills_in(const char *proc, const char *cgroup);

// The folder of our control group (of the second version). False when there is none.
bool oom_own_group(const char *proc, const char *cgroup,
                   char out[static FILE_PATH_MAX]);

bool oom_has_grown(const struct oom_kills *before, const struct oom_kills *now);

#endif
