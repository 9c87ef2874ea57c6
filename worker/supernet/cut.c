// SPDX-License-Identifier: Apache-2.0
// cut.c - see cut.h.
#include "worker/supernet/cut.h"

#include "common/base/err.h"

// Runs an axis falls into: in the dense tensor and in the supernet's.
static size_t n_runs_of(enum axis axis, const struct net_dims *d, int depth)
{
    switch (axis) {
    case AXIS_MID: return (size_t)d->res2_scale;
    case AXIS_CONCAT: return (size_t)depth;
    case AXIS_STATS: return 2;
    case AXIS_ONE:
    case AXIS_MEL:
    case AXIS_C0:
    case AXIS_GROUP:
    case AXIS_SQUEEZE:
    case AXIS_CAT:
    case AXIS_NECK:
    case AXIS_EMBED: break;
    }
    return 1;
}

static struct cut_pattern pattern_of(enum axis axis, int dense, int super,
                                     const struct layout *l)
{
    size_t n = n_runs_of(axis, &l->dims, l->arch.depth);
    size_t n_super = n_runs_of(axis, &l->dims, l->dims.max_depth);
    struct cut_pattern p = {n, (size_t)dense / n, (size_t)super / n_super};
    BUG_ON(p.length * n != (size_t)dense || p.stride * n_super != (size_t)super);
    BUG_ON(p.length > p.stride || n > n_super);
    return p;
}

struct cut cut_make(const struct layout *l, const struct layout_tensor *dense,
                    const struct layout_tensor *super)
{
    BUG_ON(dense->taps > super->taps || super->taps > CUT_TAPS_MAX);
    return (struct cut){
        .dense_at = dense->at,
        .super_at = super->at,
        .out = pattern_of(dense->out_axis, dense->out, super->out, l),
        .in = pattern_of(dense->in_axis, dense->in, super->in, l),
        .dense_row = (size_t)dense->in,
        .super_row = (size_t)super->in,
        .dense_tap = (size_t)dense->out * (size_t)dense->in,
        .super_tap = (size_t)super->out * (size_t)super->in,
        .n_dense_taps = dense->taps,
        .n_super_taps = super->taps,
        .is_stat = dense->is_stat,
    };
}

static void each_run_of_row(const struct cut *c, size_t dense, size_t super,
                            cut_run_fn *fn, void *arg)
{
    for (size_t r = 0; r < c->in.n_runs; r++) {
        fn(arg, dense + r * c->in.length, super + r * c->in.stride, c->in.length);
    }
}

void cut_each_run(const struct cut *c, cut_run_fn *fn, void *arg)
{
    bool rows_are_whole = c->dense_row == c->super_row; // then they lie end to end
    for (size_t r = 0; r < c->out.n_runs; r++) {
        size_t dense = r * c->out.length * c->dense_row;
        size_t super = r * c->out.stride * c->super_row;
        if (rows_are_whole) {
            fn(arg, dense, super, c->out.length * c->dense_row);
            continue;
        }
        for (size_t i = 0; i < c->out.length; i++) {
            each_run_of_row(c, dense, super, fn, arg);
            dense += c->dense_row;
            super += c->super_row;
        }
    }
}
