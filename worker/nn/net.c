// SPDX-License-Identifier: Apache-2.0
// net.c - see net.h. The plan says what; this file says in which order.
#include "worker/nn/net.h"

#include "worker/kernels/kernels.h"
#include "worker/nn/plan.h"

#include <stdlib.h>
#include <string.h>

struct block {
    struct memory *memory;
    size_t n; // floats it has room for
};

struct net {
    const struct kernels *k;
    struct stream *stream;
    struct plan_limits limits;
    struct layout layout;
    struct plan plan;
    struct block weights, grads, stats, batch_stats, workspace;
    int n_utts; // of the last forward
    size_t n_frames;
    bool is_forwarded; // in training mode: backward may follow
    net_mark_fn *mark; // NULL: nobody asks
    void *mark_arg;
};

static void block_reserve(struct net *n, struct block *b, size_t size)
{
    if (size <= b->n) {
        return;
    }
    n->k->memory_destroy(n->stream, b->memory);
    b->memory = n->k->memory_create(n->stream, size);
    b->n = size;
}

// The layout of one architecture, then room for it, then the places.
static void plan_for(struct net *n, const struct net_dims *d, const struct arch *a)
{
    layout_build(&n->layout, d, a);
    plan_build(&n->plan, &n->layout, &n->limits, &(struct plan_memories){0});
    block_reserve(n, &n->weights, n->layout.n_weights);
    block_reserve(n, &n->stats, n->layout.n_stats);
    block_reserve(n, &n->batch_stats, n->layout.n_stats);
    block_reserve(n, &n->workspace, n->plan.n_workspace);
    if (n->limits.for_training) {
        block_reserve(n, &n->grads, n->layout.n_weights);
    }
    n->k->stream_reserve(n->stream, n->limits.max_utts, n->plan.max_channels);
    struct plan_memories m = {.weights = n->weights.memory,
                              .grads = n->grads.memory,
                              .stats = n->stats.memory,
                              .batch_stats = n->batch_stats.memory,
                              .workspace = n->workspace.memory};
    plan_build(&n->plan, &n->layout, &n->limits, &m);
    n->is_forwarded = false;
}

struct net *net_create(const struct kernels *k, const struct net_dims *d,
                       const struct arch *a, int max_utts, size_t max_frames,
                       bool for_training)
{
    struct net *n = calloc(1, sizeof(*n));
    if (!n) {
        abort();
    }
    n->k = k;
    n->stream = k->stream_open();
    n->limits = (struct plan_limits){max_utts, max_frames, for_training};
    plan_for(n, d, a);
    return n;
}

void net_destroy(struct net *n)
{
    if (!n) {
        return;
    }
    n->k->memory_destroy(n->stream, n->weights.memory);
    n->k->memory_destroy(n->stream, n->grads.memory);
    n->k->memory_destroy(n->stream, n->stats.memory);
    n->k->memory_destroy(n->stream, n->batch_stats.memory);
    n->k->memory_destroy(n->stream, n->workspace.memory);
    n->k->stream_close(n->stream);
    free(n);
}

void net_reshape(struct net *n, const struct arch *a)
{
    struct net_dims d = n->layout.dims;
    plan_for(n, &d, a);
}

const struct layout *net_layout(const struct net *n)
{
    return &n->layout;
}

size_t net_memory_bytes(const struct net *n)
{
    size_t floats =
        n->weights.n + n->grads.n + n->stats.n + n->batch_stats.n + n->workspace.n;
    return floats * sizeof(float);
}

void net_load_weights(struct net *n, const float *weights)
{
    n->k->upload(n->stream, (struct place){n->weights.memory, 0}, weights,
                 n->layout.n_weights);
}

void net_load_stats(struct net *n, const float *stats)
{
    n->k->upload(n->stream, (struct place){n->stats.memory, 0}, stats,
                 n->layout.n_stats);
}

void net_read_grads(const struct net *n, float *grads)
{
    BUG_ON(!n->limits.for_training);
    n->k->download(n->stream, (struct place){n->grads.memory, 0}, grads,
                   n->layout.n_weights);
}

void net_read_batch_stats(const struct net *n, float *stats, double *counts)
{
    n->k->download(n->stream, (struct place){n->batch_stats.memory, 0}, stats,
                   n->layout.n_stats);
    for (int i = 0; i < n->layout.n_tensors; i++) {
        const struct layout_tensor *t = &n->layout.tensors[i];
        bool is_per_utt = t->out_axis == AXIS_STATS || t->out_axis == AXIS_EMBED;
        for (int j = 0; j < t->out && t->is_stat; j++) {
            counts[t->at + (size_t)j] = is_per_utt ? n->n_utts : (double)n->n_frames;
        }
    }
}

static void start(struct net *n, const struct net_batch *b)
{
    BUG_ON(b->n_utts < 1 || b->n_utts > n->limits.max_utts);
    n->n_utts = b->n_utts;
    n->n_frames = 0;
    for (int u = 0; u < b->n_utts; u++) {
        n->n_frames += (size_t)b->n_frames[u];
    }
    BUG_ON(n->n_frames > n->limits.max_frames);
    n->k->stream_batch(n->stream, b->n_utts, b->n_frames, n->plan.gap);
    plan_set_utts(&n->plan, b->n_utts);
    n->k->load(n->stream, b->features, n->layout.dims.n_mels, n->plan.layer1.x);
}

typedef void conv_norm_op(struct stream *s, const struct conv_norm *c);

static void run_res2(struct net *n, const struct plan_block *b, conv_norm_op *run)
{
    int width = b->groups[0].conv.out;
    n->k->copy(n->stream, b->tail_from, b->tail_to, width);
    for (int j = 0; j < n->plan.n_groups - 1; j++) {
        run(n->stream, &b->groups[j]);
    }
}

static void read_embeddings(struct net *n, float *embeddings)
{
    n->k->download(n->stream, n->plan.embed_norm.y, embeddings,
                   (size_t)n->n_utts * (size_t)n->layout.dims.n_embed);
}

int net_n_units(const struct net *n)
{
    return n->plan.depth + 4;
}

void net_set_mark(struct net *n, net_mark_fn *mark, void *arg)
{
    n->mark = mark;
    n->mark_arg = arg;
}

static void mark(const struct net *n, int unit)
{
    if (n->mark) {
        n->mark(n->mark_arg, unit);
    }
}

void net_forward_eval(struct net *n, const struct net_batch *b, float *embeddings)
{
    const struct kernels *k = n->k;
    const struct plan *p = &n->plan;
    start(n, b);
    n->is_forwarded = false;
    k->conv_norm_eval(n->stream, &p->layer1);
    mark(n, 0);
    for (int i = 0; i < p->depth; i++) {
        k->conv_norm_eval(n->stream, &p->blocks[i].first);
        run_res2(n, &p->blocks[i], k->conv_norm_eval);
        k->block_end_eval(n->stream, &p->blocks[i].end);
        mark(n, 1 + i);
    }
    k->conv_relu(n->stream, &p->cat);
    mark(n, p->depth + 1);
    k->pool(n->stream, &p->pool);
    k->vector_norm_eval(n->stream, &p->pool_norm);
    mark(n, p->depth + 2);
    k->linear(n->stream, &p->linear);
    k->vector_norm_eval(n->stream, &p->embed_norm);
    read_embeddings(n, embeddings);
    mark(n, p->depth + 3);
}

void net_forward_train(struct net *n, const struct net_batch *b, float *embeddings)
{
    const struct kernels *k = n->k;
    const struct plan *p = &n->plan;
    start(n, b);
    k->conv_norm_train(n->stream, &p->layer1);
    for (int i = 0; i < p->depth; i++) {
        k->conv_norm_train(n->stream, &p->blocks[i].first);
        run_res2(n, &p->blocks[i], k->conv_norm_train);
        k->block_end_train(n->stream, &p->blocks[i].end);
    }
    k->conv_relu(n->stream, &p->cat);
    k->pool(n->stream, &p->pool);
    k->vector_norm_train(n->stream, &p->pool_norm);
    k->linear(n->stream, &p->linear);
    k->vector_norm_train(n->stream, &p->embed_norm);
    n->is_forwarded = true;
    read_embeddings(n, embeddings);
}

static void block_back(struct net *n, const struct plan_block *b)
{
    const struct kernels *k = n->k;
    k->block_end_back(n->stream, &b->end, &b->end_back);
    for (int j = n->plan.n_groups - 2; j >= 0; j--) {
        k->conv_norm_back(n->stream, &b->groups[j], &b->group_backs[j]);
    }
    k->copy(n->stream, b->d_tail_from, b->d_tail_to, b->groups[0].conv.out);
    k->conv_norm_back(n->stream, &b->first, &b->first_back);
}

void net_backward(struct net *n, const float *d_embeddings)
{
    const struct kernels *k = n->k;
    const struct plan *p = &n->plan;
    BUG_ON(!n->is_forwarded || !n->limits.for_training);
    n->is_forwarded = false; // backward overwrites what forward kept
    k->upload(n->stream, p->embed_norm_back.dy, d_embeddings,
              (size_t)n->n_utts * (size_t)n->layout.dims.n_embed);
    k->vector_norm_back(n->stream, &p->embed_norm, &p->embed_norm_back);
    k->linear_back(n->stream, &p->linear, &p->linear_back);
    k->vector_norm_back(n->stream, &p->pool_norm, &p->pool_norm_back);
    k->pool_back(n->stream, &p->pool, &p->pool_back);
    k->conv_relu_back(n->stream, &p->cat, &p->cat_back);
    for (int i = p->depth - 1; i >= 0; i--) {
        block_back(n, &p->blocks[i]);
    }
    k->conv_norm_back(n->stream, &p->layer1, &p->layer1_back);
}
