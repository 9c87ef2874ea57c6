// SPDX-License-Identifier: Apache-2.0
// layout.c - see layout.h. Tensors in the order of the authors' checkpoints.
#include "worker/nn/layout.h"

#include "common/base/err.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_MAX 48 // "blocks.7.resconv.convs.14" and then some

// Appends a tensor named "prefix.suffix" behind the others of its block of floats.
static void add(struct layout *l, struct layout_tensor t, const char *prefix,
                const char *suffix)
{
    BUG_ON(l->n_tensors == LAYOUT_TENSORS_MAX);
    size_t *end = t.is_stat ? &l->n_stats : &l->n_weights;
    t.at = *end;
    *end += (size_t)t.out * (size_t)t.in * (size_t)t.taps;
    int n = snprintf(t.name, sizeof(t.name), "%s.%s", prefix, suffix);
    BUG_ON(n < 0 || (size_t)n >= sizeof(t.name));
    l->tensors[l->n_tensors++] = t;
}

static struct layout_tensor vector(int block, enum axis axis, int n)
{
    return (struct layout_tensor){
        .out_axis = axis, .block = block, .out = n, .in = 1, .taps = 1};
}

static struct layout_tensor matrix(int block, enum axis out_axis, int out,
                                   enum axis in_axis, int in)
{
    return (struct layout_tensor){.out_axis = out_axis,
                                  .in_axis = in_axis,
                                  .block = block,
                                  .out = out,
                                  .in = in,
                                  .taps = 1};
}

static struct layout_tensor elastic(struct layout_tensor t, int taps)
{
    t.taps = taps;
    t.is_elastic_kernel = true;
    return t;
}

static void add_norm(struct layout *l, int block, enum axis axis, int n,
                     const char *prefix)
{
    struct layout_tensor t = vector(block, axis, n);
    add(l, t, prefix, "weight");
    add(l, t, prefix, "bias");
    t.is_stat = true;
    add(l, t, prefix, "running_mean");
    add(l, t, prefix, "running_var");
}

// A convolution, then the BN over its outputs.
static void add_conv_norm(struct layout *l, struct layout_tensor conv,
                          const char *prefix)
{
    char norm[PREFIX_MAX + 8];
    snprintf(norm, sizeof(norm), "%s.bn.bn", prefix);
    add(l, conv, prefix, "conv.conv.weight");
    add_norm(l, conv.block, conv.out_axis, conv.out, norm);
}

static void add_linear(struct layout *l, struct layout_tensor t, const char *prefix)
{
    add(l, t, prefix, "linear.weight");
    add(l, vector(t.block, t.out_axis, t.out), prefix, "linear.bias");
}

static void add_res2(struct layout *l, int block, int width, int kernel)
{
    int group = width / l->dims.res2_scale;
    struct layout_tensor conv =
        elastic(matrix(block, AXIS_GROUP, group, AXIS_GROUP, group), kernel);
    for (int j = 0; j < l->dims.res2_scale - 1; j++) {
        char prefix[PREFIX_MAX];
        snprintf(prefix, sizeof(prefix), "blocks.%d.resconv.convs.%d", block - 1, j);
        add_conv_norm(l, conv, prefix);
    }
}

static void add_block(struct layout *l, int block)
{
    int c0 = l->arch.width[0];
    int mid = l->arch.width[block];
    int squeeze = c0 / l->dims.se_reduction;
    char prefix[PREFIX_MAX];
    snprintf(prefix, sizeof(prefix), "blocks.%d.first_conv", block - 1);
    add_conv_norm(l, matrix(block, AXIS_MID, mid, AXIS_C0, c0), prefix);
    add_res2(l, block, mid, l->arch.kernel[block]);
    snprintf(prefix, sizeof(prefix), "blocks.%d.last_conv", block - 1);
    add_conv_norm(l, matrix(block, AXIS_C0, c0, AXIS_MID, mid), prefix);
    snprintf(prefix, sizeof(prefix), "blocks.%d.se.reduce", block - 1);
    add_linear(l, matrix(block, AXIS_SQUEEZE, squeeze, AXIS_C0, c0), prefix);
    snprintf(prefix, sizeof(prefix), "blocks.%d.se.expand", block - 1);
    add_linear(l, matrix(block, AXIS_C0, c0, AXIS_SQUEEZE, squeeze), prefix);
}

void layout_build(struct layout *l, const struct net_dims *d, const struct arch *a)
{
    memset(l, 0, sizeof(*l));
    l->arch = *a;
    l->dims = *d;
    int c0 = a->width[0];
    add_conv_norm(l, elastic(matrix(0, AXIS_C0, c0, AXIS_MEL, d->n_mels), a->kernel[0]),
                  "layer1");
    for (int i = 1; i <= a->depth; i++) {
        add_block(l, i);
    }
    int neck = d->pool_bottleneck;
    add(l, matrix(0, AXIS_CAT, a->cat, AXIS_CONCAT, a->depth * c0), "catconv",
        "conv.weight");
    add(l, matrix(0, AXIS_NECK, neck, AXIS_CAT, a->cat), "pooling.linear1",
        "conv.weight");
    add(l, matrix(0, AXIS_CAT, a->cat, AXIS_NECK, neck), "pooling.linear2",
        "conv.weight");
    add_norm(l, 0, AXIS_STATS, 2 * a->cat, "bnpool.bn");
    add_linear(l, matrix(0, AXIS_EMBED, d->n_embed, AXIS_STATS, 2 * a->cat), "linear");
    add_norm(l, 0, AXIS_EMBED, d->n_embed, "bnembed");
}

const struct layout_tensor *layout_find(const struct layout *l, const char *name)
{
    for (int i = 0; i < l->n_tensors; i++) {
        if (strcmp(l->tensors[i].name, name) == 0) {
            return &l->tensors[i];
        }
    }
    return NULL;
}
