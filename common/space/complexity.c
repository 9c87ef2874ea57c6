// SPDX-License-Identifier: Apache-2.0
// complexity.c - see complexity.h. One function per part of the network, each adding
// what it holds and what it does; a batch norm holds 2 values a channel and is counted
// as 2 operations a value.
#include "common/space/complexity.h"

#define BN_VALUES 2
#define BN_OPS    2

static void add_conv(struct complexity *c, uint64_t n_weights, uint64_t frames)
{
    c->params += n_weights;
    c->macs += n_weights * frames;
}

static void add_bn(struct complexity *c, uint64_t channels, uint64_t frames)
{
    c->params += BN_VALUES * channels;
    c->macs += BN_OPS * channels * frames;
}

// The biases are parameters, but no multiply-accumulates.
static void add_linear(struct complexity *c, uint64_t in, uint64_t out)
{
    c->params += in * out + out;
    c->macs += in * out;
}

static void add_block(struct complexity *c, uint64_t outer, uint64_t inner,
                      uint64_t kernel, const struct net_dims *d, uint64_t frames)
{
    uint64_t n_groups = (uint64_t)d->res2_scale - 1; // the last one passes through
    uint64_t group = inner / (uint64_t)d->res2_scale;
    uint64_t squeezed = outer / (uint64_t)d->se_reduction;
    add_conv(c, outer * inner, frames);
    add_bn(c, inner, frames);
    add_conv(c, n_groups * group * group * kernel, frames);
    add_bn(c, n_groups * group, frames);
    add_conv(c, inner * outer, frames);
    add_bn(c, outer, frames);
    add_linear(c, outer, squeezed);
    add_linear(c, squeezed, outer);
}

static void add_head(struct complexity *c, uint64_t cat, const struct net_dims *d,
                     uint64_t frames)
{
    add_conv(c, 2 * (uint64_t)d->pool_bottleneck * cat, frames);
    add_bn(c, 2 * cat, 1);
    add_linear(c, 2 * cat, (uint64_t)d->n_embed);
    add_bn(c, (uint64_t)d->n_embed, 1);
}

struct complexity complexity_of(const struct arch *a, const struct net_dims *d,
                                int n_frames)
{
    BUG_ON(n_frames < 1 || a->depth < 1 || a->depth > ARCH_DEPTH_MAX);
    struct complexity c = {0};
    uint64_t frames = (uint64_t)n_frames;
    uint64_t outer = (uint64_t)a->width[0];
    uint64_t cat = (uint64_t)a->cat;
    add_conv(&c, (uint64_t)d->n_mels * outer * (uint64_t)a->kernel[0], frames);
    add_bn(&c, outer, frames);
    for (int i = 1; i <= a->depth; i++) {
        add_block(&c, outer, (uint64_t)a->width[i], (uint64_t)a->kernel[i], d, frames);
    }
    add_conv(&c, (uint64_t)a->depth * outer * cat, frames);
    add_head(&c, cat, d, frames);
    c.bytes = c.params * sizeof(float);
    return c;
}
