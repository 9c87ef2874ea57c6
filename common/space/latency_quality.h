// SPDX-License-Identifier: Apache-2.0
// latency_quality.h - how far a latency table is to be trusted: its sums against
// networks that were measured whole and are not in it.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_SPACE_LATENCY_QUALITY_H
#define COMMON_SPACE_LATENCY_QUALITY_H

#include "common/space/latency_table.h"

struct latency_quality {
    size_t n_compared;   // networks that the table covers
    double spearman;     // of sums and measurements
    double median_error; // |sum - measured| / measured
    double p95_error;
};

// Measurements are positive. All zero when the table covers none of the networks.
struct latency_quality latency_quality_of(const struct latency_table *t,
                                          const struct net_dims *d,
                                          const struct arch *archs, const double *ms,
                                          size_t n);

#endif
