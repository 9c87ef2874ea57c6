// SPDX-License-Identifier: Apache-2.0
// draw.c - see draw.h.
#include "coordinator/search/draw.h"

#include "coordinator/search/vary.h"

// Some 10 ms of work. A problem that admits 1 path in 2,000 is then missed once in
// 20,000 proposals (e^-10), and taken care of by the repairs.
#define DRAWS_MAX       20000
#define DRAWS_START_MAX 50
#define REPAIRS_MAX     100
// Spaces up to this size are searched through before they are called exhausted.
#define SCAN_MAX        20000

struct rng draw_stream(const struct strategy_context *c, int strategy_id,
                       uint32_t number)
{
    return rng_stream(c->seed, RNG_SEARCH, (uint64_t)strategy_id, number);
}

bool draw_is_wanted(const struct strategy_context *c, const struct arch *a)
{
    return !seen_has(c->seen, a) && problem_admits(c->problem, a);
}

static bool draw_paths(const struct strategy_context *c, struct rng *r, int n,
                       struct arch *out)
{
    for (int i = 0; i < n; i++) {
        *out = space_draw(c->problem->space, r);
        if (draw_is_wanted(c, out)) {
            return true;
        }
    }
    return false;
}

static bool draw_repaired(const struct strategy_context *c, struct rng *r,
                          struct arch *out)
{
    for (int i = 0; i < REPAIRS_MAX; i++) {
        *out = space_draw(c->problem->space, r);
        if (!vary_repair(c->problem, out, r)) {
            return false; // the smallest is beyond the limits, and all around it
        }
        if (!seen_has(c->seen, out)) {
            return true;
        }
    }
    return false;
}

// Every architecture of a small space once, from a random one on.
static bool scan(const struct strategy_context *c, struct rng *r, struct arch *out)
{
    uint64_t count;
    if (space_count(c->problem->space, &count) != ERR_OK || count > SCAN_MAX) {
        return false;
    }
    uint64_t start = rng_below(r, count);
    for (uint64_t i = 0; i < count; i++) {
        *out = space_at(c->problem->space, (start + i) % count);
        if (draw_is_wanted(c, out)) {
            return true;
        }
    }
    return false;
}

struct spread {
    const struct strategy_context *context;
    struct arch *out;
    bool is_found;
};

static bool visit_spread(void *arg, const struct arch *neighbour)
{
    struct spread *s = arg;
    if (draw_is_wanted(s->context, neighbour)) {
        *s->out = *neighbour;
        s->is_found = true;
    }
    return !s->is_found;
}

// A neighbour of something that was within the limits, the youngest first, which have
// most of their neighbours to go. What is reached that way from the first networks is
// all that a narrow region has.
static bool spread(const struct strategy_context *c, struct arch *out)
{
    struct spread s = {c, out, false};
    for (size_t i = archive_count(c->archive); i-- > 0 && !s.is_found;) {
        const struct arch *a = &archive_at(c->archive, i)->arch;
        if (problem_admits(c->problem, a)) {
            vary_neighbours(c->problem->space, a, visit_spread, &s);
        }
    }
    return s.is_found;
}

bool draw_new(const struct strategy_context *c, struct rng *r, struct arch *out)
{
    return draw_paths(c, r, DRAWS_MAX, out) || draw_repaired(c, r, out) ||
           spread(c, out) || scan(c, r, out);
}

bool draw_start(const struct strategy_context *c, struct rng *r, struct arch *out)
{
    return draw_paths(c, r, DRAWS_START_MAX, out) || draw_repaired(c, r, out) ||
           spread(c, out) || draw_new(c, r, out);
}
