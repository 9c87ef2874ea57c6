// SPDX-License-Identifier: Apache-2.0
// backend.h - choosing a compute backend by name.
//
// Owns: nothing. Threads: any (after backend_init).
#ifndef WORKER_KERNELS_BACKEND_H
#define WORKER_KERNELS_BACKEND_H

#include <stddef.h>

struct kernels; // kernels.h: the table of operations

// "ref" (plain loops, the oracle) or "blas" (OpenBLAS); NULL for anything else.
const struct kernels *backend_find(const char *name);
const char *backend_name_at(size_t i); // for listings; NULL past the end

// What computes here, for people: instruction set and library.
const char *backend_library(void);

// Threads each operation may use; tells OpenBLAS too. Call once before computing.
void backend_set_threads(int n_threads);

// Makes OpenBLAS take the buffer of the calling thread, a large one that is hardly
// touched. Under a limit of memory it would ask for it for ever.
void backend_warm_up(void);

#endif
