// SPDX-License-Identifier: Apache-2.0
// confine.h - what a runner may not do: outlive its agent, scatter processes, or take
// more memory than its limit.
//
// The limit is on memory that is private and writable (RLIMIT_DATA): mapped packs and
// checkpoints do not count, nor does what the program and OpenBLAS hold before the task
// begins. Memory that is refused ends the process with a status of its own, whichever
// line of which library asked.
//
// Owns: the process it is called in. Threads: main, before any other.
#ifndef WORKER_EXEC_CONFINE_H
#define WORKER_EXEC_CONFINE_H

#include "common/base/err.h"

#include <stdint.h>

#define CONFINE_EXIT_NOMEM 75 // the exit status of "memory was refused"

// First thing in the runner.
void confine_process(void);

// So many bytes more than the process has, and for each further thread what one needs
// for itself. 0 = no limit. Does nothing under sanitizers, whose shadow is many
// terabytes. ERR_IO.
MUST_CHECK enum err confine_memory(uint64_t bytes, int n_threads, struct errinfo *why);

// A runner that ended on purpose: nothing is to be made of its last errno.
void confine_done(void);

#endif
