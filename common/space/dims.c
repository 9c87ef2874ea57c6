// SPDX-License-Identifier: Apache-2.0
// dims.c - see dims.h.
#include "common/space/dims.h"

#include "common/space/arch.h"

// Far above any useful network, far below any overflow in sizes and work.
#define FIXED_MAX 4096

static enum err check_range(const char *name, int value, int max, struct errinfo *why)
{
    if (value >= 1 && value <= max) {
        return ERR_OK;
    }
    return err_set(why, ERR_INPUT, "supernet %s is %d; allowed: 1 to %d", name, value,
                   max);
}

static enum err check_fixed(const struct net_dims *d, struct errinfo *why)
{
    const struct {
        const char *name;
        int value;
        int max;
    } fixed[] = {
        {"mel bins", d->n_mels, FIXED_MAX},
        {"embedding", d->n_embed, FIXED_MAX},
        {"Res2 scale", d->res2_scale, 64},
        {"SE reduction", d->se_reduction, 64},
        {"pool bottleneck", d->pool_bottleneck, FIXED_MAX},
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        enum err e = check_range(fixed[i].name, fixed[i].value, fixed[i].max, why);
        if (e != ERR_OK) {
            return e;
        }
    }
    return d->res2_scale >= 2
               ? ERR_OK
               : err_set(why, ERR_INPUT, "supernet Res2 scale is 1; allowed: 2 to 64");
}

enum err dims_check(const struct net_dims *d, struct errinfo *why)
{
    enum err e = check_fixed(d, why);
    if (e != ERR_OK) {
        return e;
    }
    e = check_range("depth", d->max_depth, ARCH_DEPTH_MAX, why);
    if (e != ERR_OK) {
        return e;
    }
    struct arch largest = arch_largest(d);
    e = arch_fits(&largest, d, why);
    return e == ERR_OK ? ERR_OK : err_prefix(why, e, "supernet");
}
