// SPDX-License-Identifier: Apache-2.0
// team.h - a few threads that share one piece of work in a fixed partition.
//
// Owns: its threads, until the process ends. Threads: any; while one caller has the
// team, another does all parts itself, with the same results.
#ifndef WORKER_KERNELS_BLAS_TEAM_H
#define WORKER_KERNELS_BLAS_TEAM_H

#define TEAM_MAX 64

typedef void team_fn(const void *work, int part, int n_parts);

// Threads that share work from now on, the caller among them.
void team_set_size(int n_threads);
int team_size(void);

// Calls fn for each part below n_parts <= team_size(); returns when all are done.
void team_run(team_fn *fn, const void *work, int n_parts);

// First of the items of a part, of n shared out in multiples of `step`.
static inline int team_share(int n, int step, int part, int n_parts)
{
    int steps = (n + step - 1) / step;
    int first = (int)((long long)steps * part / n_parts) * step;
    return first < n ? first : n;
}

#endif
