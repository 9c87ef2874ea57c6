// SPDX-License-Identifier: Apache-2.0
// complexity.h - exact size and work of an architecture, in closed form.
//
// Source: supernet complexity of arXiv 2103.13581 as its authors' program counts it
// (BN counted as 2 operations a value; SE and the final layers once per utterance).
// Published points: Base 5,789,760 parameters, 1445.21M MACs on 3 s (301 frames).
//
// Owns: nothing. Threads: any.
#ifndef COMMON_SPACE_COMPLEXITY_H
#define COMMON_SPACE_COMPLEXITY_H

#include "common/space/arch.h"

#include <stdint.h>

struct complexity {
    uint64_t params; // trained values
    uint64_t macs;   // multiply-accumulates for one utterance of n_frames
    uint64_t bytes;  // of the trained values as 32-bit floats
};

struct complexity complexity_of(const struct arch *a, const struct net_dims *d,
                                int n_frames);

#endif
