// SPDX-License-Identifier: Apache-2.0
// toy.h - a small supernet with nothing symmetric about it, and random paths through
// it.
#ifndef TESTS_UNIT_WORKER_SUPERNET_TOY_H
#define TESTS_UNIT_WORKER_SUPERNET_TOY_H

#include "common/base/rng.h"
#include "common/space/space.h"
#include "worker/supernet/supernet.h"

#include <math.h>

#define TOY_DIMS     ((struct net_dims){6, 3, 32, 5, 48, 12, 8, 4, 10, INPUT_BY_RECORDING})
#define TOY_SPEAKERS 5

static inline struct net_dims toy_dims(int max_kernel)
{
    struct net_dims d = TOY_DIMS;
    d.max_kernel = max_kernel;
    return d;
}

static inline void toy_fill(float *x, size_t n, uint64_t stream)
{
    struct rng r = rng_stream(11, RNG_TEST, stream, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)rng_normal(&r);
    }
}

// Every value drawn, the kernel matrices too (near the identity), statistics positive.
static inline struct supernet *toy_supernet(int max_kernel)
{
    struct net_dims d = toy_dims(max_kernel);
    struct supernet *s = supernet_create(&d, TOY_SPEAKERS, 3);
    struct rng r = rng_stream(12, RNG_TEST, 0, 0);
    for (size_t i = 0; i < s->n_values; i++) {
        s->values[i] += (float)(0.1 * rng_normal(&r));
    }
    for (size_t i = 0; i < s->layout.n_stats; i++) {
        s->stats[i] += (float)(0.2 * fabs(rng_normal(&r)));
    }
    return s;
}

static inline struct arch toy_arch(int max_kernel, uint64_t i)
{
    struct rng r = rng_stream(13, RNG_TEST, i, 0);
    struct net_dims d = toy_dims(max_kernel);
    struct arch a = {.depth = 1 + (int)rng_below(&r, (uint64_t)d.max_depth)};
    for (int layer = 0; layer <= a.depth; layer++) {
        a.width[layer] = 8 * (1 + (int)rng_below(&r, (uint64_t)d.max_width / 8));
        a.kernel[layer] = 1 + 2 * (int)rng_below(&r, (uint64_t)(max_kernel + 1) / 2);
    }
    a.cat = 8 * (1 + (int)rng_below(&r, (uint64_t)d.max_cat / 8));
    return a;
}

// Supernet index of dense index i of n: supernet.md's elastic rules, index by index.
static inline int toy_twin_index(enum axis axis, int i, int n, const struct layout *l)
{
    const struct net_dims *d = &l->dims;
    int c0 = l->arch.width[0];
    int group = n / d->res2_scale;
    switch (axis) {
    case AXIS_MID: return i / group * (d->max_width / d->res2_scale) + i % group;
    case AXIS_CONCAT: return i / c0 * d->max_width + i % c0;
    case AXIS_STATS: return i / l->arch.cat * d->max_cat + i % l->arch.cat;
    default: return i;
    }
}

// Offset of one value in its block.
static inline size_t toy_place(const struct layout_tensor *t, int tap, int out, int in)
{
    return t->at + (size_t)((tap * t->out + out) * t->in + in);
}

#endif
