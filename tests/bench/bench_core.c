// SPDX-License-Identifier: Apache-2.0
// bench_core.c - times the numeric core.
//
// bench_core [--mode M] [--arch A] [--batch N] [--frames N] [--classes N] [--threads N]
//            [--repeats N] [--backend B] [--size N] [--study S.yaml --pack P]
// train: forward, AAM loss, backward, Adam. forward: evaluation pass. latency: the same
// with a batch of one. sgemm: products of --size squared, OpenBLAS's own and ours.
// frontend: samples to normalised log-mel. train-data: training steps on batches of a
// pack made meanwhile. evaluate: one candidate, recalibrated, embedded and scored.
// One line of key=value: median, minimum and mean over the repeats, after two steps to
// warm up; peak resident memory of the process.
#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/space/complexity.h"
#include "tests/bench/bench.h"
#include "worker/kernels/backend.h"
#include "worker/kernels/blas/blas.h"
#include "worker/kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

float *bench_noise(size_t n, double scale)
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

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[n / 2];
}

// Time this process spent computing: what a machine shared with others cannot spoil.
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

struct bench_times bench_measure(bench_step_fn *step, void *arg, int repeats)
{
    double ms[BENCH_REPEATS_MAX];
    double cpu[BENCH_REPEATS_MAX];
    struct bench_times t = {0};
    step(arg);
    step(arg);
    for (int i = 0; i < repeats; i++) {
        int64_t start = clock_mono_ns();
        double cpu_start = cpu_ms();
        step(arg);
        ms[i] = (double)(clock_mono_ns() - start) * 1e-6;
        cpu[i] = cpu_ms() - cpu_start;
        t.mean_ms += ms[i] / repeats;
    }
    t.median_ms = median(ms, repeats);
    t.min_ms = ms[0];
    t.cpu_ms = median(cpu, repeats);
    return t;
}

void bench_print_options(const struct bench_options *o)
{
    printf("arch=%s mode=%s backend=%s threads=%d batch=%d frames=%d", o->arch, o->mode,
           o->backend, o->threads, o->batch, o->frames);
}

void bench_print_times(const struct bench_times *t)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    printf(" median_ms=%.3f min_ms=%.3f mean_ms=%.3f cpu_ms=%.3f rss_mib=%.1f\n",
           t->median_ms, t->min_ms, t->mean_ms, t->cpu_ms,
           (double)usage.ru_maxrss / 1024);
}

// Multiply-adds of one step; backward counts as two forwards.
static double macs_of(const struct bench_options *o, const struct arch *a,
                      bool for_training)
{
    struct net_dims dims = DIMS_PAPER;
    struct complexity c = complexity_of(a, &dims, o->frames);
    return (double)c.macs * o->batch * (for_training ? 3 : 1);
}

static enum err time_steps(const struct kernels *k, const struct bench_options *o,
                           bool for_training, struct errinfo *why)
{
    struct arch arch;
    enum err e = arch_parse(o->arch, &arch, why);
    if (e != ERR_OK) {
        return e;
    }
    struct bench_net *net = bench_net_create(k, o, for_training);
    struct bench_times t = bench_measure(
        for_training ? bench_net_train : bench_net_forward, net, o->repeats);
    bench_print_options(o);
    printf(" gflops=%.1f planned_mib=%.1f",
           2e-6 * macs_of(o, &arch, for_training) / t.median_ms,
           (double)bench_net_memory_bytes(net) / (1 << 20));
    bench_print_times(&t);
    bench_net_destroy(net);
    return ERR_OK;
}

static enum err train(const struct kernels *k, const struct bench_options *o,
                      struct errinfo *why)
{
    return time_steps(k, o, true, why);
}

static enum err forward(const struct kernels *k, const struct bench_options *o,
                        struct errinfo *why)
{
    return time_steps(k, o, false, why);
}

static enum err latency(const struct kernels *k, const struct bench_options *o,
                        struct errinfo *why)
{
    struct bench_options alone = *o;
    alone.batch = 1;
    return time_steps(k, &alone, false, why);
}

struct square {
    int n, threads;
    float *a, *b, *c;
};

static void multiply_by_library(void *arg)
{
    struct square *s = arg;
    blas_library_product(s->n, s->a, s->b, s->c, s->threads);
}

static void multiply(void *arg)
{
    struct square *s = arg;
    gemm_nn((struct shape){s->n, s->n, s->n}, (struct matrix){s->a, s->n},
            (struct matrix){s->b, s->n}, 0, (struct rows){s->c, s->n});
}

static enum err sgemm(const struct kernels *k, const struct bench_options *o,
                      struct errinfo *why)
{
    (void)k;
    (void)why;
    size_t n = (size_t)o->size * (size_t)o->size;
    struct square s = {o->size, o->threads, bench_noise(n, 1), bench_noise(n, 1),
                       bench_noise(n, 0)};
    double gflop = 2e-9 * (double)n * o->size;
    struct bench_times library = bench_measure(multiply_by_library, &s, o->repeats);
    backend_set_threads(o->threads);
    struct bench_times own = bench_measure(multiply, &s, o->repeats);
    printf("mode=sgemm library=\"%s\" threads=%d size=%d library_gflops=%.1f "
           "own_gflops=%.1f library_ms=%.2f",
           backend_library(), o->threads, o->size, gflop / library.median_ms * 1e3,
           gflop / own.median_ms * 1e3, library.median_ms);
    bench_print_times(&own);
    free(s.a);
    free(s.b);
    free(s.c);
    return ERR_OK;
}

static const char **text_option(struct bench_options *o, const char *name)
{
    return strcmp(name, "--mode") == 0      ? &o->mode
           : strcmp(name, "--arch") == 0    ? &o->arch
           : strcmp(name, "--backend") == 0 ? &o->backend
           : strcmp(name, "--study") == 0   ? &o->study
           : strcmp(name, "--pack") == 0    ? &o->pack
                                            : NULL;
}

static int *number_option(struct bench_options *o, const char *name)
{
    return strcmp(name, "--batch") == 0     ? &o->batch
           : strcmp(name, "--frames") == 0  ? &o->frames
           : strcmp(name, "--classes") == 0 ? &o->classes
           : strcmp(name, "--threads") == 0 ? &o->threads
           : strcmp(name, "--repeats") == 0 ? &o->repeats
           : strcmp(name, "--size") == 0    ? &o->size
                                            : NULL;
}

static bool parse(struct bench_options *o, int argc, char **argv)
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
           o->threads > 0 && o->size > 0 && o->repeats > 0 &&
           o->repeats <= BENCH_REPEATS_MAX;
}

static const struct mode {
    const char *name;
    bench_mode_fn *run;
} modes[] = {
    {"train", train},
    {"forward", forward},
    {"latency", latency},
    {"sgemm", sgemm},
    {"frontend", bench_frontend},
    {"train-data", bench_train_data},
    {"evaluate", bench_evaluate},
};

static bench_mode_fn *mode_find(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(name, modes[i].name) == 0) {
            return modes[i].run;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct bench_options o = {.mode = "train",
                              .arch = "3-512-512-512-512-5-3-3-3-1536",
                              .backend = "blas",
                              .batch = 32,
                              .frames = 200,
                              .classes = 1000,
                              .threads = 1,
                              .repeats = 7,
                              .size = 2048};
    bench_mode_fn *run = parse(&o, argc, argv) ? mode_find(o.mode) : NULL;
    const struct kernels *k = backend_find(o.backend);
    if (!run || !k) {
        fprintf(stderr, "usage: see the top of bench_core.c\n");
        return 2;
    }
    struct errinfo why = {0};
    backend_set_threads(o.threads);
    enum err e = run(k, &o, &why);
    if (e != ERR_OK) {
        fprintf(stderr, "bench_core: %s\n", why.text);
    }
    return err_exit_status(e);
}
