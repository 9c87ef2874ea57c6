// SPDX-License-Identifier: Apache-2.0
// dims.c - see dims.h.
#include "common/space/dims.h"

#include "common/space/arch.h"

// Far above any useful network, far below any overflow in sizes and work.
#define FIXED_MAX 4096

static enum err check_range(const char *name, int value, int min, int max,
                            struct errinfo *why)
{
    if (value >= min && value <= max) {
        return ERR_OK;
    }
    return err_set(why, ERR_INPUT, "supernet %s is %d; allowed: %d to %d", name, value,
                   min, max);
}

static enum err check_fixed(const struct net_dims *d, struct errinfo *why)
{
    const struct {
        const char *name;
        int value;
        int min, max;
    } fixed[] = {
        {"mel bins", d->n_mels, 1, FIXED_MAX},
        {"embedding", d->n_embed, 1, FIXED_MAX},
        {"Res2 scale", d->res2_scale, 2, DIMS_RES2_SCALE_MAX},
        {"SE reduction", d->se_reduction, 1, 64},
        {"pool bottleneck", d->pool_bottleneck, 1, FIXED_MAX},
        {"input", d->input, INPUT_BY_RECORDING, INPUT_FIXED},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        e = check_range(fixed[i].name, fixed[i].value, fixed[i].min, fixed[i].max, why);
    }
    return e;
}

enum err dims_check(const struct net_dims *d, struct errinfo *why)
{
    enum err e = check_fixed(d, why);
    if (e != ERR_OK) {
        return e;
    }
    e = check_range("depth", d->max_depth, 1, ARCH_DEPTH_MAX, why);
    if (e != ERR_OK) {
        return e;
    }
    struct arch largest = arch_largest(d);
    e = arch_fits(&largest, d, why);
    return e == ERR_OK ? ERR_OK : err_prefix(why, e, "supernet");
}
