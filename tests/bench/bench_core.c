// SPDX-License-Identifier: Apache-2.0
// bench_core.c - times the numeric core: a training step, a forward pass, peak sgemm.
//
// bench_core [--mode train|forward|latency|sgemm] [--arch A] [--batch N] [--frames N]
//            [--classes N] [--threads N] [--repeats N] [--backend B]
// train: forward, AAM loss, backward, Adam. forward: evaluation pass. latency: the same
// with a batch of one. sgemm: 1024^3 products. One line of key=value: median and
// minimum over the repeats, after two steps to warm up.
#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/space/complexity.h"
#include "worker/kernels/backend.h"
#include "worker/kernels/kernels.h"
#include "worker/nn/aam.h"
#include "worker/nn/net.h"
#include "worker/optim/adam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS_MAX 1000
#define SGEMM_SIZE  1024

struct options {
    const char *mode, *arch, *backend;
    int batch, frames, classes, threads, repeats;
};

struct bench {
    struct options o;
    const struct kernels *k;
    struct stream *stream; // sgemm alone
    struct memory *memory;
    struct linear product;
    struct arch arch;
    struct net_dims dims;
    struct net *net;
    struct aam *aam;
    size_t n_weights, n_classifier;
    float *weights, *grads, *m, *v; // the network's, then the classifier's
    int *n_frames;
    int32_t *labels;
    float *features;
    float *embeddings, *d_embeddings;
    uint64_t step;
};

typedef void step_fn(struct bench *b);

static float *allocate(size_t n, double scale)
{
    float *x = calloc(n, sizeof(*x));
    if (!x) {
        abort();
    }
    struct rng r = rng_stream(1, RNG_TEST, n, 0);
    for (size_t i = 0; i < n && scale > 0; i++) {
        x[i] = (float)rng_uniform(&r, -scale, scale);
    }
    return x;
}

static void step_forward(struct bench *b)
{
    struct net_batch batch = {b->o.batch, b->n_frames, b->features};
    net_forward_eval(b->net, &batch, b->embeddings);
}

static void step_train(struct bench *b)
{
    struct net_batch batch = {b->o.batch, b->n_frames, b->features};
    struct adam adam = ADAM_DEFAULT(2e-5);
    struct aam_batch embedded = {b->o.batch, b->embeddings, b->labels};
    struct aam_report report;
    net_load_weights(b->net, b->weights);
    net_forward_train(b->net, &batch, b->embeddings);
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

static void step_sgemm(struct bench *b)
{
    b->k->linear(b->stream, &b->product);
}

static void set_up_network(struct bench *b, bool for_training)
{
    size_t n_frames = (size_t)b->o.batch * (size_t)b->o.frames;
    b->dims = DIMS_PAPER;
    b->net = net_create(b->k, &b->dims, &b->arch, b->o.batch, n_frames, for_training);
    b->n_weights = net_layout(b->net)->n_weights;
    b->n_classifier = (size_t)b->dims.n_embed * (size_t)b->o.classes;
    b->aam = aam_create(b->k, b->dims.n_embed, b->o.classes, b->o.batch, 0.2, 30);
    size_t n = b->n_weights + b->n_classifier;
    b->weights = allocate(n, 0.05);
    b->grads = allocate(n, 0);
    b->m = allocate(n, 0);
    b->v = allocate(n, 0);
    b->features = allocate(n_frames * (size_t)b->dims.n_mels, 1);
    b->embeddings = allocate((size_t)b->o.batch * (size_t)b->dims.n_embed, 0);
    b->d_embeddings = allocate((size_t)b->o.batch * (size_t)b->dims.n_embed, 0);
    b->n_frames = calloc((size_t)b->o.batch, sizeof(int));
    b->labels = calloc((size_t)b->o.batch, sizeof(int32_t));
    for (int u = 0; u < b->o.batch; u++) {
        b->n_frames[u] = b->o.frames;
        b->labels[u] = u % b->o.classes;
    }
    float *stats = allocate(net_layout(b->net)->n_stats, 0);
    for (size_t i = 0; i < net_layout(b->net)->n_stats; i++) {
        stats[i] = 1;
    }
    net_load_weights(b->net, b->weights);
    net_load_stats(b->net, stats);
    free(stats);
}

static void set_up_sgemm(struct bench *b)
{
    size_t n = (size_t)SGEMM_SIZE * SGEMM_SIZE;
    b->stream = b->k->stream_open();
    b->memory = b->k->memory_create(b->stream, 3 * n + SGEMM_SIZE);
    struct place at = {b->memory, 0};
    float *values = allocate(2 * n, 1);
    b->k->upload(b->stream, at, values, 2 * n);
    free(values);
    b->product = (struct linear){.n_rows = SGEMM_SIZE,
                                 .out = SGEMM_SIZE,
                                 .in = SGEMM_SIZE,
                                 .weights = at,
                                 .x = place_at(at, n),
                                 .y = place_at(at, 2 * n),
                                 .bias = place_at(at, 3 * n)};
}

static void tear_down(struct bench *b)
{
    aam_destroy(b->aam);
    net_destroy(b->net);
    if (b->stream) {
        b->k->memory_destroy(b->stream, b->memory);
        b->k->stream_close(b->stream);
    }
    free(b->weights);
    free(b->grads);
    free(b->m);
    free(b->v);
    free(b->features);
    free(b->embeddings);
    free(b->d_embeddings);
    free(b->n_frames);
    free(b->labels);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

// Multiply-adds of one step; backward counts as two forwards.
static double macs_of(const struct bench *b, const char *mode)
{
    if (strcmp(mode, "sgemm") == 0) {
        return (double)SGEMM_SIZE * SGEMM_SIZE * SGEMM_SIZE;
    }
    struct complexity c = complexity_of(&b->arch, &b->dims, b->o.frames);
    return (double)c.macs * b->o.batch * (strcmp(mode, "train") == 0 ? 3 : 1);
}

// Time this process spent computing: what a machine shared with others cannot spoil.
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void measure(struct bench *b, step_fn *step)
{
    double ms[REPEATS_MAX];
    double cpu[REPEATS_MAX];
    step(b);
    step(b);
    for (int i = 0; i < b->o.repeats; i++) {
        int64_t start = clock_mono_ns();
        double cpu_start = cpu_ms();
        step(b);
        ms[i] = (double)(clock_mono_ns() - start) * 1e-6;
        cpu[i] = cpu_ms() - cpu_start;
    }
    qsort(ms, (size_t)b->o.repeats, sizeof(ms[0]), by_value);
    qsort(cpu, (size_t)b->o.repeats, sizeof(cpu[0]), by_value);
    double median = ms[b->o.repeats / 2];
    printf("arch=%s mode=%s backend=%s threads=%d batch=%d frames=%d median_ms=%.2f "
           "min_ms=%.2f cpu_ms=%.2f gflops=%.1f memory_mib=%.1f\n",
           b->o.arch, b->o.mode, b->o.backend, b->o.threads, b->o.batch, b->o.frames,
           median, ms[0], cpu[b->o.repeats / 2], 2e-6 * macs_of(b, b->o.mode) / median,
           b->net ? (double)net_memory_bytes(b->net) / (1 << 20) : 0.0);
}

static const char **text_option(struct options *o, const char *name)
{
    return strcmp(name, "--mode") == 0      ? &o->mode
           : strcmp(name, "--arch") == 0    ? &o->arch
           : strcmp(name, "--backend") == 0 ? &o->backend
                                            : NULL;
}

static int *number_option(struct options *o, const char *name)
{
    return strcmp(name, "--batch") == 0     ? &o->batch
           : strcmp(name, "--frames") == 0  ? &o->frames
           : strcmp(name, "--classes") == 0 ? &o->classes
           : strcmp(name, "--threads") == 0 ? &o->threads
           : strcmp(name, "--repeats") == 0 ? &o->repeats
                                            : NULL;
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char **text = text_option(o, argv[i]);
        int *number = number_option(o, argv[i]);
        if (text) {
            *text = argv[i + 1];
        } else if (number) {
            *number = (int)strtol(argv[i + 1], NULL, 10);
        } else {
            return false;
        }
    }
    return argc % 2 == 1 && o->batch > 0 && o->frames > 0 && o->classes > 0 &&
           o->threads > 0 && o->repeats > 0 && o->repeats <= REPEATS_MAX;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *mode;
        step_fn *step;
    } modes[] = {{"train", step_train},
                 {"forward", step_forward},
                 {"latency", step_forward},
                 {"sgemm", step_sgemm}};
    struct bench b = {
        .o = {"train", "3-512-512-512-512-5-3-3-3-1536", "blas", 32, 200, 1000, 1, 7}};
    if (!parse(&b.o, argc, argv)) {
        fprintf(stderr, "usage: see the top of bench_core.c\n");
        return 2;
    }
    if (strcmp(b.o.mode, "latency") == 0) {
        b.o.batch = 1;
    }
    struct errinfo why = {0};
    if (arch_parse(b.o.arch, &b.arch, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    b.k = backend_find(b.o.backend);
    if (!b.k) {
        fprintf(stderr, "no backend \"%s\"\n", b.o.backend);
        return 2;
    }
    backend_set_threads(b.o.threads);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(b.o.mode, modes[i].mode) == 0) {
            if (modes[i].step == step_sgemm) {
                set_up_sgemm(&b);
            } else {
                set_up_network(&b, modes[i].step == step_train);
            }
            measure(&b, modes[i].step);
            tear_down(&b);
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "no mode \"%s\"\n", b.o.mode);
    return 2;
}
