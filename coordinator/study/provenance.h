// SPDX-License-Identifier: Apache-2.0
// provenance.h - where and with what a run was made.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_STUDY_PROVENANCE_H
#define COORDINATOR_STUDY_PROVENANCE_H

#include <stddef.h>
#include <stdint.h>

struct provenance {
    char version[32]; // of voxarch
    char host[65];
    char cpu[128]; // model, as the kernel names it; "unknown" where it does not
    int n_cpus;
};

void provenance_read(struct provenance *p);

// "2024-05-31T12:00:00Z"; returns `out`.
char *provenance_time(int64_t wall_ms, char out[static 24]);

#endif
