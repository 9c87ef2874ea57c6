// SPDX-License-Identifier: Apache-2.0
// plan.c - see plan.h. Walks the layout in its order, so the two orders must agree.
#include "worker/nn/plan.h"

#include "common/base/err.h"

#include <string.h>

#define ALIGN_FLOATS 16 // a cache line

struct builder {
    struct plan *p;
    const struct layout *l;
    const struct plan_limits *limits;
    const struct plan_memories *m;
    int tensor;  // next of the layout
    size_t used; // of the workspace
    // Buffers that blocks share, or that outlive one block.
    struct plane total, concat, d_total, d_concat;
    struct plane shared_a, shared_b;      // inside blocks, when nothing is kept
    struct plane d_inner, d_outer, d_end; // gradients inside blocks
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct place take(struct builder *b, size_t n)
{
    struct place p = {b->m->workspace, b->used};
    b->used += (n + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    if (b->used > b->p->n_workspace) {
        b->p->n_workspace = b->used;
    }
    return p;
}

static struct plane take_plane(struct builder *b, int n)
{
    return (struct plane){take(b, b->p->n_rows * (size_t)n), n};
}

static struct place take_vectors(struct builder *b, int n)
{
    return take(b, (size_t)b->limits->max_utts * (size_t)n);
}

static const struct layout_tensor *next_tensor(struct builder *b)
{
    BUG_ON(b->tensor == b->l->n_tensors);
    const struct layout_tensor *t = &b->l->tensors[b->tensor++];
    b->p->max_channels = t->out > b->p->max_channels ? t->out : b->p->max_channels;
    return t;
}

struct trained {
    struct place value, gradient;
};

static struct trained trained_at(const struct builder *b, const struct layout_tensor *t)
{
    return (struct trained){{b->m->weights, t->at}, {b->m->grads, t->at}};
}

static struct conv take_conv(struct builder *b, int dilation, struct place *gradient)
{
    const struct layout_tensor *t = next_tensor(b);
    struct trained w = trained_at(b, t);
    *gradient = w.gradient;
    return (struct conv){w.value, t->out, t->in, t->taps, dilation};
}

static struct norm take_norm(struct builder *b, struct place *d_gamma,
                             struct place *d_beta)
{
    struct trained gamma = trained_at(b, next_tensor(b));
    struct trained beta = trained_at(b, next_tensor(b));
    const struct layout_tensor *mean = next_tensor(b);
    const struct layout_tensor *var = next_tensor(b);
    BUG_ON(!mean->is_stat || !var->is_stat);
    *d_gamma = gamma.gradient;
    *d_beta = beta.gradient;
    return (struct norm){.gamma = gamma.value,
                         .beta = beta.value,
                         .running_mean = {b->m->stats, mean->at},
                         .running_var = {b->m->stats, var->at},
                         .batch_mean = {b->m->batch_stats, mean->at},
                         .batch_var = {b->m->batch_stats, var->at}};
}

static struct place take_trained(struct builder *b, struct place *gradient)
{
    struct trained t = trained_at(b, next_tensor(b));
    *gradient = t.gradient;
    return t.value;
}

static void take_conv_norm(struct builder *b, int dilation, struct conv_norm *c,
                           struct conv_norm_back *back)
{
    c->conv = take_conv(b, dilation, &back->d_weights);
    c->norm = take_norm(b, &back->d_gamma, &back->d_beta);
}

static int widest_padding(const struct arch *a)
{
    int widest = a->kernel[0] / 2;
    for (int i = 1; i <= a->depth; i++) {
        int padding = a->kernel[i] / 2 * (i + 1);
        widest = padding > widest ? padding : widest;
    }
    return widest;
}

static int widest_block(const struct arch *a)
{
    int widest = 0;
    for (int i = 1; i <= a->depth; i++) {
        widest = a->width[i] > widest ? a->width[i] : widest;
    }
    return widest;
}

// Where pre-BN values go: kept for backward in a place of their own, or not at all.
static struct plane take_kept(struct builder *b, struct plane otherwise, int n)
{
    return b->limits->for_training ? take_plane(b, n) : otherwise;
}

static void plan_layer1(struct builder *b)
{
    struct plan *p = b->p;
    take_conv_norm(b, 1, &p->layer1, &p->layer1_back);
    p->layer1.x = take_plane(b, b->l->dims.n_mels);
    p->layer1.y = take_plane(b, p->layer1.conv.out);
    p->layer1.z = take_kept(b, p->layer1.y, p->layer1.conv.out);
    // d_total has by then taken up block 1's dx as well: it is all of dy.
    p->layer1_back.dy = b->d_total;
}

// Res2: group j's input is x_j + y_(j-1), made in place; its output goes to b.
static void plan_groups(struct builder *b, struct plan_block *k, struct plane in,
                        struct plane out, int block)
{
    int n_groups = b->p->n_groups;
    int width = b->l->arch.width[block] / n_groups;
    struct plane kept = take_kept(b, out, b->l->arch.width[block]);
    for (int j = 0; j < n_groups - 1; j++) {
        struct conv_norm *c = &k->groups[j];
        struct conv_norm_back *back = &k->group_backs[j];
        take_conv_norm(b, block + 1, c, back);
        c->x = plane_from(in, j * width);
        c->y = plane_from(out, j * width);
        c->z = plane_from(kept, j * width);
        back->dy = plane_from(b->d_outer, j * width);
        back->dx = plane_from(b->d_inner, j * width);
        if (j < n_groups - 2) {
            c->next = plane_from(in, (j + 1) * width);
            back->dy_more = plane_from(b->d_inner, (j + 1) * width);
        }
    }
    int last = (n_groups - 1) * width;
    k->tail_from = plane_from(in, last);
    k->tail_to = plane_from(out, last);
    k->d_tail_from = plane_from(b->d_outer, last);
    k->d_tail_to = plane_from(b->d_inner, last);
}

static void plan_squeeze(struct builder *b, struct plan_block *k)
{
    struct squeeze *q = &k->end.squeeze;
    q->n = b->l->arch.width[0] / b->l->dims.se_reduction;
    q->w1 = take_trained(b, &k->end_back.d_w1);
    q->b1 = take_trained(b, &k->end_back.d_b1);
    q->w2 = take_trained(b, &k->end_back.d_w2);
    q->b2 = take_trained(b, &k->end_back.d_b2);
    k->end.mean = take_vectors(b, b->l->arch.width[0]);
    k->end.gate = take_vectors(b, b->l->arch.width[0]);
    k->end.squeezed = take_vectors(b, q->n);
}

static void plan_end(struct builder *b, struct plan_block *k, struct plane in,
                     int block)
{
    int c0 = b->l->arch.width[0];
    bool is_last = block == b->l->arch.depth;
    struct block_end *e = &k->end;
    struct block_end_back *back = &k->end_back;
    e->conv = take_conv(b, 1, &back->d_weights);
    e->norm = take_norm(b, &back->d_gamma, &back->d_beta);
    plan_squeeze(b, k);
    e->x = in;
    e->y = plane_from(b->concat, (block - 1) * c0);
    e->z = take_kept(b, e->y, c0);
    e->total_in = block == 1 ? b->p->layer1.y : b->total;
    e->total_out = is_last ? (struct plane){{NULL, 0}, 0} : b->total;
    back->dy = plane_from(b->d_concat, (block - 1) * c0);
    back->d_total = b->d_total;
    back->is_last = is_last;
    back->dz = b->d_end;
    back->dx = b->d_outer;
}

static void plan_block(struct builder *b, int block)
{
    struct plan_block *k = &b->p->blocks[block - 1];
    int mid = b->l->arch.width[block];
    int c0 = b->l->arch.width[0];
    struct plane in = b->shared_a;
    struct plane out = b->shared_b;
    if (b->limits->for_training) {
        in = take_plane(b, mid);
        out = take_plane(b, mid);
    }
    in.ld = out.ld = b->d_inner.ld = b->d_outer.ld = mid;
    take_conv_norm(b, 1, &k->first, &k->first_back);
    k->first.x = block == 1 ? b->p->layer1.y : plane_from(b->concat, (block - 2) * c0);
    k->first.y = in;
    k->first.z = take_kept(b, in, mid);
    k->first_back.dy = b->d_inner;
    k->first_back.dx =
        block == 1 ? b->d_total : plane_from(b->d_concat, (block - 2) * c0);
    k->first_back.accumulate_dx = true;
    plan_groups(b, k, in, out, block);
    plan_end(b, k, out, block);
}

static void plan_pool(struct builder *b)
{
    struct plan *p = b->p;
    p->pool.n = b->l->arch.cat;
    p->pool.neck = b->l->dims.pool_bottleneck;
    p->pool.w1 = take_trained(b, &p->pool_back.d_w1);
    p->pool.w2 = take_trained(b, &p->pool_back.d_w2);
    p->pool.h = p->cat.y;
    p->pool.stats = take_vectors(b, 2 * p->pool.n);
}

static void plan_vectors(struct builder *b)
{
    struct plan *p = b->p;
    int n = 2 * p->pool.n;
    int n_embed = b->l->dims.n_embed;
    p->pool_norm.n = n;
    p->pool_norm.norm =
        take_norm(b, &p->pool_norm_back.d_gamma, &p->pool_norm_back.d_beta);
    p->pool_norm.x = p->pool.stats;
    p->pool_norm.y = take_vectors(b, n);
    p->linear.in = n;
    p->linear.out = n_embed;
    p->linear.weights = take_trained(b, &p->linear_back.d_weights);
    p->linear.bias = take_trained(b, &p->linear_back.d_bias);
    p->linear.x = p->pool_norm.y;
    p->linear.y = take_vectors(b, n_embed);
    p->embed_norm.n = n_embed;
    p->embed_norm.norm =
        take_norm(b, &p->embed_norm_back.d_gamma, &p->embed_norm_back.d_beta);
    p->embed_norm.x = p->linear.y;
    p->embed_norm.y = take_vectors(b, n_embed);
    p->embed_norm_back.dy = p->embed_norm_back.dx = take_vectors(b, n_embed);
    p->linear_back.dy = p->embed_norm_back.dx;
    p->linear_back.dx = take_vectors(b, n);
    p->pool_norm_back.dy = p->pool_norm_back.dx = p->linear_back.dx;
    p->pool_back.d_stats = p->pool_norm_back.dx;
}

// Gradients of frames. The concatenation's gradient takes the attention's room once
// pooling is done with it, and the gradients inside blocks that of the pooling input's.
static void share_gradients(struct builder *b)
{
    const struct arch *a = &b->l->arch;
    int widest = widest_block(a);
    size_t start = b->used;
    b->p->cat_back.dy = b->p->pool_back.dh = take_plane(b, a->cat);
    size_t end = b->used;
    b->used = start;
    b->d_total = take_plane(b, a->width[0]);
    b->d_end = take_plane(b, a->width[0]);
    b->d_inner = take_plane(b, widest);
    b->d_outer = take_plane(b, widest);
    b->used = larger(b->used, end);
    b->p->pool_back.d_hidden = take_plane(b, b->l->dims.pool_bottleneck);
}

// One room, two tenants, one after the other; returns the first, `second` the other.
static struct plane take_either(struct builder *b, int n_first, int n_second,
                                struct plane *second)
{
    size_t start = b->used;
    struct plane first = take_plane(b, n_first);
    size_t end = b->used;
    b->used = start;
    *second = take_plane(b, n_second);
    b->used = larger(b->used, end);
    return first;
}

static void start_training(struct builder *b)
{
    const struct arch *a = &b->l->arch;
    struct plan *p = b->p;
    b->concat = take_plane(b, a->depth * a->width[0]);
    p->pool.attention = take_either(b, a->cat, a->depth * a->width[0], &b->d_concat);
    p->cat.y = take_plane(b, a->cat);
    p->pool.hidden = take_plane(b, b->l->dims.pool_bottleneck);
    b->total = take_plane(b, a->width[0]);
    share_gradients(b);
    p->cat_back.dx = b->d_concat;
}

// Nothing kept: attention overwrites the concatenation it was computed from, and all
// that the blocks use makes room for the pooling's input.
static void start_evaluation(struct builder *b)
{
    const struct arch *a = &b->l->arch;
    struct plan *p = b->p;
    b->concat = take_either(b, a->depth * a->width[0], a->cat, &p->pool.attention);
    p->pool.hidden = take_plane(b, b->l->dims.pool_bottleneck);
    size_t start = b->used;
    p->cat.y = take_plane(b, a->cat);
    b->used = start;
    b->total = take_plane(b, a->width[0]);
    b->shared_a = take_plane(b, widest_block(a));
    b->shared_b = take_plane(b, widest_block(a));
}

void plan_build(struct plan *p, const struct layout *l,
                const struct plan_limits *limits, const struct plan_memories *m)
{
    BUG_ON(l->dims.res2_scale < 2 || l->dims.res2_scale > PLAN_GROUPS_MAX);
    memset(p, 0, sizeof(*p));
    p->depth = l->arch.depth;
    p->n_groups = l->dims.res2_scale;
    p->gap = widest_padding(&l->arch);
    p->n_rows = rows_needed(limits->max_utts, limits->max_frames, p->gap);
    struct builder b = {.p = p, .l = l, .limits = limits, .m = m};
    if (limits->for_training) {
        start_training(&b);
    } else {
        start_evaluation(&b);
    }
    plan_layer1(&b);
    for (int i = 1; i <= p->depth; i++) {
        plan_block(&b, i);
    }
    p->cat.conv = take_conv(&b, 1, &p->cat_back.d_weights);
    p->cat.x = b.concat;
    if (!limits->for_training) {
        b.used = larger(b.used, p->n_workspace);
    }
    plan_pool(&b);
    plan_vectors(&b);
    BUG_ON(b.tensor != l->n_tensors);
}

void plan_set_utts(struct plan *p, int n_utts)
{
    p->pool_norm.n_rows = n_utts;
    p->linear.n_rows = n_utts;
    p->embed_norm.n_rows = n_utts;
}
