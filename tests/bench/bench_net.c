// SPDX-License-Identifier: Apache-2.0
// bench_net.c - one network and its steps; see bench.h.
#include "tests/bench/bench.h"
#include "worker/kernels/kernels.h"
#include "worker/nn/aam.h"
#include "worker/optim/adam.h"

#include <stdio.h>
#include <stdlib.h>

struct bench_net {
    struct net_dims dims;
    struct net *net;
    struct aam *aam;
    size_t n_weights, n_classifier;
    float *weights, *grads, *m, *v; // the network's, then the classifier's
    struct net_batch own, batch;
    int *n_frames;
    int32_t *own_labels;
    const int32_t *labels;
    float *features;
    float *embeddings, *d_embeddings;
    uint64_t step;
};

void bench_net_forward(void *net)
{
    struct bench_net *b = net;
    net_forward_eval(b->net, &b->batch, b->embeddings);
}

void bench_net_train(void *net)
{
    struct bench_net *b = net;
    struct adam adam = ADAM_DEFAULT(2e-5);
    struct aam_batch embedded = {b->batch.n_utts, b->embeddings, b->labels};
    struct aam_report report;
    net_load_weights(b->net, b->weights);
    net_forward_train(b->net, &b->batch, b->embeddings);
    if (aam_loss(b->aam, &embedded, b->weights + b->n_weights, b->d_embeddings,
                 b->grads + b->n_weights, &report)) {
        fprintf(stderr, "the loss is not finite\n");
        abort();
    }
    net_backward(b->net, b->d_embeddings);
    net_read_grads(b->net, b->grads);
    struct adam_factors f = adam_at(&adam, 1e-3, ++b->step);
    adam_update(&f, b->n_weights + b->n_classifier, b->weights, b->grads, b->m, b->v);
}

static void make_weights(struct bench_net *b, bool for_training)
{
    size_t n = b->n_weights + b->n_classifier;
    b->weights = bench_noise(n, 0.05);
    if (for_training) {
        b->grads = bench_noise(n, 0);
        b->m = bench_noise(n, 0);
        b->v = bench_noise(n, 0);
    }
    size_t n_stats = net_layout(b->net)->n_stats;
    float *stats = bench_noise(n_stats, 0);
    for (size_t i = 0; i < n_stats; i++) {
        stats[i] = 1;
    }
    net_load_weights(b->net, b->weights);
    net_load_stats(b->net, stats);
    free(stats);
}

static void make_batch(struct bench_net *b, const struct bench_options *o)
{
    size_t n_utts = (size_t)o->batch;
    size_t n_embed = (size_t)b->dims.n_embed;
    b->features = bench_noise(n_utts * (size_t)o->frames * (size_t)b->dims.n_mels, 1);
    b->embeddings = bench_noise(n_utts * n_embed, 0);
    b->d_embeddings = bench_noise(n_utts * n_embed, 0);
    b->n_frames = calloc(n_utts, sizeof(int));
    b->own_labels = calloc(n_utts, sizeof(int32_t));
    if (!b->n_frames || !b->own_labels) {
        abort();
    }
    for (int u = 0; u < o->batch; u++) {
        b->n_frames[u] = o->frames;
        b->own_labels[u] = u % o->classes;
    }
    b->own = (struct net_batch){o->batch, b->n_frames, b->features};
    bench_net_set_batch(b, NULL, NULL);
}

struct bench_net *bench_net_create(const struct kernels *k,
                                   const struct bench_options *o, bool for_training)
{
    struct bench_net *b = calloc(1, sizeof(*b));
    struct arch arch;
    struct errinfo why = {0};
    if (!b || arch_parse(o->arch, &arch, &why)) {
        abort();
    }
    b->dims = DIMS_PAPER;
    b->net = net_create(k, &b->dims, &arch, o->batch,
                        (size_t)o->batch * (size_t)o->frames, for_training);
    b->n_weights = net_layout(b->net)->n_weights;
    if (for_training) {
        b->n_classifier = (size_t)b->dims.n_embed * (size_t)o->classes;
        b->aam = aam_create(k, b->dims.n_embed, o->classes, o->batch, 0.2, 30);
    }
    make_weights(b, for_training);
    make_batch(b, o);
    return b;
}

void bench_net_destroy(struct bench_net *b)
{
    if (!b) {
        return;
    }
    aam_destroy(b->aam);
    net_destroy(b->net);
    free(b->weights);
    free(b->grads);
    free(b->m);
    free(b->v);
    free(b->features);
    free(b->embeddings);
    free(b->d_embeddings);
    free(b->n_frames);
    free(b->own_labels);
    free(b);
}

void bench_net_set_batch(struct bench_net *b, const struct net_batch *batch,
                         const int32_t *labels)
{
    b->batch = batch ? *batch : b->own;
    b->labels = batch ? labels : b->own_labels;
}

size_t bench_net_memory_bytes(const struct bench_net *b)
{
    return net_memory_bytes(b->net);
}
