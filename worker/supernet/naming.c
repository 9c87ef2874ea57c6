// SPDX-License-Identifier: Apache-2.0
// naming.c - see naming.h.
#include "worker/supernet/naming.h"

#include "common/base/err.h"

#include <stdio.h>
#include <string.h>

static const char *leaf_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    BUG_ON(!dot);
    return dot + 1;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name);
    size_t k = strlen(end);
    return n >= k && strcmp(name + n - k, end) == 0;
}

const struct layout_tensor *
naming_sibling(const struct layout *l, const struct layout_tensor *t, const char *leaf)
{
    char name[sizeof(t->name) + 16];
    int prefix = (int)(leaf_of(t->name) - t->name);
    snprintf(name, sizeof(name), "%.*s%s", prefix, t->name, leaf);
    return layout_find(l, name);
}

enum naming_role naming_role_of(const struct layout *l, const struct layout_tensor *t)
{
    bool is_weight = strcmp(leaf_of(t->name), "weight") == 0;
    if (t->is_stat) {
        bool is_mean = strcmp(leaf_of(t->name), "running_mean") == 0;
        return is_mean ? NAMING_BN_MEAN : NAMING_BN_VARIANCE;
    }
    if (naming_sibling(l, t, "running_mean")) {
        return is_weight ? NAMING_BN_SCALE : NAMING_BN_SHIFT;
    }
    if (!is_weight) {
        return NAMING_LINEAR_BIAS;
    }
    return ends_with(t->name, ".conv.weight") ? NAMING_CONV : NAMING_LINEAR;
}

int naming_shape(const struct layout_tensor *t, int64_t shape[static 3])
{
    shape[0] = t->out;
    shape[1] = t->in;
    shape[2] = t->taps;
    if (t->in_axis == AXIS_ONE) {
        return 1;
    }
    return ends_with(t->name, ".conv.weight") ? 3 : 2;
}
