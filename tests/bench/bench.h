// SPDX-License-Identifier: Apache-2.0
// bench.h - what the modes of bench_core share: options, timing, the line they print.
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "common/base/err.h"
#include "common/space/arch.h"
#include "worker/nn/net.h"

#include <stdbool.h>

#define BENCH_REPEATS_MAX 1000

struct kernels;

struct bench_options {
    const char *mode, *arch, *backend;
    const char *study, *pack; // of the modes that read recordings
    int batch, frames, classes, threads, repeats, size;
};

struct bench_times {
    double median_ms, min_ms, mean_ms;
    double cpu_ms; // median of what the whole process computed
};

typedef void bench_step_fn(void *arg);

// Two steps to warm up, then `repeats` of them.
struct bench_times bench_measure(bench_step_fn *step, void *arg, int repeats);

// Floats from -scale to scale; abort on no memory.
float *bench_noise(size_t n, double scale);

// The front of a line: what was asked for.
void bench_print_options(const struct bench_options *o);
// Its end: times and the most memory the process had.
void bench_print_times(const struct bench_times *t);

// A network of the options' architecture with its classifier, random weights and a
// batch, and everything a step needs.
struct bench_net;
struct bench_net *bench_net_create(const struct kernels *k,
                                   const struct bench_options *o, bool for_training);
void bench_net_destroy(struct bench_net *b); // NULL is fine
// The batch of the steps to come; borrowed. NULL: its own.
void bench_net_set_batch(struct bench_net *b, const struct net_batch *batch,
                         const int32_t *labels);
void bench_net_forward(void *net); // bench_step_fn
void bench_net_train(void *net);
size_t bench_net_memory_bytes(const struct bench_net *b);

typedef enum err bench_mode_fn(const struct kernels *k, const struct bench_options *o,
                               struct errinfo *why);

bench_mode_fn bench_frontend;
bench_mode_fn bench_evaluate;
bench_mode_fn bench_train_data;

#endif
