// SPDX-License-Identifier: Apache-2.0
// memory.h - how much memory this worker has to give.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_AGENT_MEMORY_H
#define WORKER_AGENT_MEMORY_H

#include <stdint.h>

// The machine's, or the limit of our control group where that is less.
uint64_t memory_here(void);

// The limit of the control group whose folder this is; UINT64_MAX = none.
uint64_t memory_of_group(const char *folder);

#endif
