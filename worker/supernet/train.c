// SPDX-License-Identifier: Apache-2.0
// train.c - see train.h.
#include "worker/supernet/train.h"

#include "common/conf/stage_batches.h"
#include "worker/nn/aam.h"
#include "worker/optim/schedule.h"
#include "worker/supernet/recalibrate.h"
#include "worker/supernet/slice.h"

#include <math.h>
#include <stdlib.h>

#define STATS_MOMENTUM 0.1

struct trainer {
    const struct study_conf *conf;
    struct supernet *supernet;
    struct space spaces[STAGE_KINDS]; // of the study's stages
    struct slice *slice;
    struct net *net;
    struct aam *aam;
    float *dense;        // weights of the path, then their gradients
    float *d_super;      // [n_values], the classifier's at its place
    float *stats;        // [layout.n_stats] of the batch
    double *counts;      // [layout.n_stats]
    float *embeddings;   // [max_utts][n_embed]
    float *d_embeddings; // as embeddings
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    BUG_ON(!p);
    return p;
}

static void allocate_blocks(struct trainer *t, int max_utts)
{
    const struct supernet *s = t->supernet;
    size_t n_embedded = (size_t)max_utts * (size_t)s->layout.dims.n_embed;
    t->dense = allocate(s->layout.n_weights, sizeof(float));
    t->d_super = allocate(s->n_values, sizeof(float));
    t->stats = allocate(s->layout.n_stats, sizeof(float));
    t->counts = allocate(s->layout.n_stats, sizeof(double));
    t->embeddings = allocate(n_embedded, sizeof(float));
    t->d_embeddings = allocate(n_embedded, sizeof(float));
}

struct trainer *trainer_create(const struct kernels *k, const struct study_conf *conf,
                               struct supernet *s, int max_utts, size_t max_frames)
{
    struct trainer *t = allocate(1, sizeof(*t));
    t->conf = conf;
    t->supernet = s;
    for (int i = 0; i < conf->train.n_stages; i++) {
        stage_space(&conf->space, conf->train.stages[i].kind, &t->spaces[i]);
    }
    t->slice = slice_create(s);
    t->net =
        net_create(k, &s->layout.dims, &s->layout.arch, max_utts, max_frames, true);
    t->aam = aam_create(k, s->layout.dims.n_embed, s->n_classes, max_utts,
                        conf->train.aam_margin, conf->train.aam_scale);
    allocate_blocks(t, max_utts);
    return t;
}

void trainer_destroy(struct trainer *t)
{
    if (!t) {
        return;
    }
    slice_destroy(t->slice);
    net_destroy(t->net);
    aam_destroy(t->aam);
    free(t->dense);
    free(t->d_super);
    free(t->stats);
    free(t->counts);
    free(t->embeddings);
    free(t->d_embeddings);
    free(t);
}

static void load_path(struct trainer *t, const struct arch *a)
{
    slice_plan(t->slice, a);
    slice_weights(t->slice, t->supernet, t->dense);
    net_reshape(t->net, a);
    net_load_weights(t->net, t->dense);
}

static bool is_finite(const float *x, size_t n)
{
    double sum = 0; // of squares: infinite or NaN as soon as one of them is
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return isfinite(sum);
}

// Forward, loss, backward: the gradient of the path is in d_super.
static enum err compute_gradient(struct trainer *t, const struct net_batch *b,
                                 const int32_t *labels, struct train_report *report)
{
    struct supernet *s = t->supernet;
    net_forward_train(t->net, b, t->embeddings);
    struct aam_batch batch = {b->n_utts, t->embeddings, labels};
    struct aam_report loss;
    enum err e = aam_loss(t->aam, &batch, s->values + s->classifier_at, t->d_embeddings,
                          t->d_super + s->classifier_at, &loss);
    report->loss = loss.loss;
    report->n_right = loss.n_right;
    if (e != ERR_OK) {
        return e;
    }
    net_backward(t->net, t->d_embeddings);
    net_read_grads(t->net, t->dense);
    if (!is_finite(t->dense, slice_layout(t->slice)->n_weights)) {
        return ERR_NUMERIC;
    }
    slice_adjoint(t->slice, s, t->dense, t->d_super);
    return ERR_OK;
}

static void follow_stats(struct trainer *t)
{
    net_read_batch_stats(t->net, t->stats, t->counts);
    bn_stats_unbias(slice_layout(t->slice), t->stats, t->counts);
    slice_average_stats(t->slice, t->supernet, t->stats, STATS_MOMENTUM);
}

// The margin at a batch of the stage: in its first part it grows from 0, since a
// network that knows nothing yet learns little from a hard target; fine-tuning has its
// own.
static double margin_at(const struct study_conf *conf, const struct train_step *at)
{
    const struct study_train *c = &conf->train;
    if (study_stage_tunes(conf, at->stage, at->position, at->n_batches)) {
        return c->stages[at->stage].tune_margin;
    }
    double ramp = c->margin_ramp * (double)at->n_batches;
    double share = (double)at->position < ramp ? (double)at->position / ramp : 1;
    return c->aam_margin * share;
}

static enum err step_on(struct trainer *t, const struct arch *a, double lr,
                        const struct net_batch *b, const int32_t *labels,
                        struct train_report *report)
{
    report->arch = *a;
    report->lr = lr;
    load_path(t, a);
    enum err e = compute_gradient(t, b, labels, report);
    if (e != ERR_OK) {
        return e;
    }
    struct adam adam = ADAM_DEFAULT(t->conf->train.weight_decay);
    slice_adam(t->slice, t->supernet, &adam, lr, t->d_super);
    follow_stats(t);
    return ERR_OK;
}

enum err trainer_step_on(struct trainer *t, const struct arch *a, double lr,
                         const struct net_batch *b, const int32_t *labels,
                         struct train_report *report)
{
    aam_set_margin(t->aam, t->conf->train.aam_margin);
    return step_on(t, a, lr, b, labels, report);
}

enum err trainer_step(struct trainer *t, const struct train_step *at,
                      const struct net_batch *b, const int32_t *labels,
                      struct train_report *report)
{
    BUG_ON(at->stage >= (uint32_t)t->conf->train.n_stages);
    const struct study_stage *stage = &t->conf->train.stages[at->stage];
    struct rng r = rng_stream(t->conf->seed, RNG_PATH, at->stage, at->position);
    struct arch path = space_draw(&t->spaces[at->stage], &r);
    double lr = schedule_triangular2(stage->lr_min, stage->lr_max, at->position,
                                     at->n_batches, stage->cycles);
    aam_set_margin(t->aam, margin_at(t->conf, at));
    return step_on(t, &path, lr, b, labels, report);
}

const float *trainer_gradient(const struct trainer *t)
{
    return t->d_super;
}
