// SPDX-License-Identifier: Apache-2.0
// draw.h - something new within the limits, when there is nothing to learn from.
//
// Uniformly drawn paths as long as they meet the limits now and then; where the limits
// leave next to nothing, draws are lowered until they meet them, then the neighbours of
// what met them are gone through. Spaces of some thousand networks are searched
// through. The work is bounded.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_SEARCH_DRAW_H
#define COORDINATOR_SEARCH_DRAW_H

#include "coordinator/search/strategy.h"

// The streams of a proposal's random numbers, one proposal one stream.
struct rng draw_stream(const struct strategy_context *c, int strategy_id,
                       uint32_t number);

// New, and within the limits on costs?
bool draw_is_wanted(const struct strategy_context *c, const struct arch *a);

// False when nothing new was found within the limits.
bool draw_new(const struct strategy_context *c, struct rng *r, struct arch *out);

// The same without the patience of a uniform draw: after a few draws they are lowered.
// For strategies that need something to start from, wherever the limits are.
bool draw_start(const struct strategy_context *c, struct rng *r, struct arch *out);

#endif
