// SPDX-License-Identifier: Apache-2.0
// latency_cover.h - few networks in which every unit of a space appears.
//
// Measuring a whole network gives the times of all its units, so a latency table for a
// space needs networks that cover the space's units: layer1, each block at its place
// (its dilation), the concatenated convolution, pooling, embedding. Kernels are all
// covered; of long lists of widths and cats only some values are (knots, both ends
// among them): the table interpolates between them.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_SPACE_LATENCY_COVER_H
#define COMMON_SPACE_LATENCY_COVER_H

#include "common/space/space.h"

#define LATENCY_KNOTS_MAX   8
#define LATENCY_REPEATS_MAX 3 // networks a unit is wanted in, where time allows

// The space with at most n_knots (>= 2) values of each width and cat, evenly spread.
void latency_grid(const struct space *s, int n_knots, struct space *out);

// Networks of `grid` (widths and cats with at most LATENCY_KNOTS_MAX values) in which
// each of its units appears at least n_repeats times, the widest gaps first; returns
// how many. *out is the caller's to free(). A pure function of its arguments.
size_t latency_cover(const struct space *grid, int n_repeats, uint64_t seed,
                     struct arch **out);

// The finest cover of the space by at most n_max networks: as many knots as fit, then
// as many repeats. Two knots, once, is the coarsest there is, whatever n_max says.
size_t latency_cover_within(const struct space *s, size_t n_max, uint64_t seed,
                            struct arch **out);

// n networks of the space, different from each other and from `others`, to check a
// table with; fewer where the space has no more. Returns how many.
size_t latency_holdout(const struct space *s, uint64_t seed, const struct arch *others,
                       size_t n_others, size_t n, struct arch *out);

#endif
