// SPDX-License-Identifier: Apache-2.0
// machine.h - what a time was measured on: `key: value` lines.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_PROBE_MACHINE_H
#define WORKER_PROBE_MACHINE_H

#include "worker/probe/cpus.h"

#include <stddef.h>

struct kernels;

// processor, frequency (with its governor, where the kernel tells), kernel, pinned,
// compute, library, load. Whole lines, as many as fit into cap bytes.
void machine_describe(const struct kernels *k, const struct cpus *pinned, char *out,
                      size_t cap);

#endif
