// SPDX-License-Identifier: Apache-2.0
// latency.h - how long a network takes here, and each of its units.
//
// Units are timed where they are: inside whole evaluation passes, by marks that the
// network sets between them (net_set_mark). So a unit is exactly what the network runs
// - its fused BN and SE, its residual sum, the layout of its inputs, the caches as its
// predecessor left them - and the units of a pass add up to the pass. Each unit is then
// summed up on its own (median, p90, spread), as is the whole.
//
// A pass is repeated until the median is known well or the time is up. When the machine
// was noisy meanwhile (the times spread, others used the processors) that is done again
// once, and the quieter of the two is kept; what is noisy even then is flagged.
//
// Owns: nothing. Threads: the process's main one: it is pinned, and with it those that
// compute.
#ifndef WORKER_PROBE_LATENCY_H
#define WORKER_PROBE_LATENCY_H

#include "proto/msg.h"
#include "worker/probe/cpus.h"

struct kernels;

// Takes n processors and has the compute backends use as many threads. Once in a
// process, before anything is computed. Errors as cpus_pin.
MUST_CHECK enum err latency_open(int n_threads, struct cpus *out, struct errinfo *why);

struct latency_setup {
    const struct kernels *kernels;
    const struct cpus *cpus; // of latency_open
    struct net_dims dims;
    struct arch arch;
    int batch, frames; // utterances in a pass, frames of each
    int64_t budget_ms; // of measuring; a handful of passes is made in any case
    bool (*progress)(void *arg, double fraction); // false: stop; may be NULL
    void *arg;
};

// ERR_CANCELLED, ERR_NUMERIC (the network computes nonsense on this machine).
MUST_CHECK enum err latency_measure(const struct latency_setup *s,
                                    struct measure_result *out, struct errinfo *why);

#endif
