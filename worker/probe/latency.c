// SPDX-License-Identifier: Apache-2.0
// latency.c - see latency.h.
#include "worker/probe/latency.h"

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "worker/kernels/backend.h"
#include "worker/nn/net.h"
#include "worker/probe/machine.h"
#include "worker/probe/samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_MIN     5    // whatever the budget is
#define PASSES_SURE    20   // before a median is believed
#define PASSES_MAX     2000 // of a round: then more say nothing new
#define PASSES_A_CHECK 10   // between looks at how well the median is known
#define WARM_PASSES    3
#define WARM_MS        50
#define ROUNDS         2     // the second when the first was noisy
#define ERROR_ENOUGH   0.003 // relative, of the median

// What makes a round noisy.
#define SPREAD_NOISY    0.10 // interquartile range of whole passes over their median
#define FOREIGN_NOISY   0.05 // of the pinned processors, by other processes
#define STOLEN_NOISY    0.02 // of the pinned processors, by other machines
#define ELSEWHERE_NOISY 0.50 // the other processors busy: caches and memory are shared
#define TICK_S          0.01 // others' use is told in ticks: one or two mean nothing

struct bench {
    const struct latency_setup *setup;
    struct net *net;
    struct net_batch batch;
    float *features, *embeddings;
    int *n_frames;
    size_t n_units;
    struct samples *samples; // columns: the units, then the whole
    double *row;             // of the pass that is timed; NULL while warming up
    int64_t last_ns;
    int64_t start_ms;
};

struct round {
    struct measure_result result; // its timings and is_noisy
    struct cpus_use use;
    double noise; // larger is worse; over 1 is noisy
};

enum err latency_open(int n_threads, struct cpus *out, struct errinfo *why)
{
    enum err e = cpus_pin(n_threads, out, why);
    if (e == ERR_OK) {
        backend_set_threads(n_threads);
    }
    return e;
}

// ---- a network with weights that mean nothing but keep activations ordinary

static float *make_floats(size_t n)
{
    float *values = calloc(n > 0 ? n : 1, sizeof(*values));
    BUG_ON(!values);
    return values;
}

static void fill(struct rng *r, float *values, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)rng_uniform(r, -scale, scale);
    }
}

static bool is_variance(const struct layout_tensor *t)
{
    const char *end = strstr(t->name, "running_var");
    return t->is_stat && end;
}

// Matrices of unit gain, BN that leaves alone what it gets.
static void load_weights(struct net *net)
{
    const struct layout *l = net_layout(net);
    float *weights = make_floats(l->n_weights);
    float *stats = make_floats(l->n_stats);
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        size_t n = (size_t)t->out * (size_t)t->in * (size_t)t->taps;
        struct rng r = rng_stream(1, RNG_MEASURE, 2, (uint64_t)i);
        if (is_variance(t)) {
            for (size_t j = 0; j < n; j++) {
                stats[t->at + j] = 1;
            }
        } else if (!t->is_stat) {
            fill(&r, weights + t->at, n, sqrt(3.0 / (t->in * t->taps)));
        }
    }
    net_load_weights(net, weights);
    net_load_stats(net, stats);
    free(weights);
    free(stats);
}

static void on_unit(void *arg, int unit)
{
    struct bench *b = arg;
    int64_t now_ns = clock_mono_ns();
    if (b->row) {
        b->row[unit] = (double)(now_ns - b->last_ns) / 1e6;
    }
    b->last_ns = now_ns;
}

static void bench_init(struct bench *b, const struct latency_setup *s)
{
    size_t n_utts = (size_t)s->batch;
    size_t n_frames = n_utts * (size_t)s->frames;
    *b = (struct bench){.setup = s, .start_ms = clock_mono_ms()};
    b->net = net_create(s->kernels, &s->dims, &s->arch, s->batch, n_frames, false);
    load_weights(b->net);
    b->features = make_floats(n_frames * (size_t)s->dims.n_mels);
    b->embeddings = make_floats(n_utts * (size_t)s->dims.n_embed);
    b->n_frames = calloc(n_utts, sizeof(*b->n_frames));
    BUG_ON(!b->n_frames);
    for (size_t i = 0; i < n_utts; i++) {
        b->n_frames[i] = s->frames;
    }
    struct rng r = rng_stream(1, RNG_MEASURE, 3, 0);
    fill(&r, b->features, n_frames * (size_t)s->dims.n_mels, sqrt(3));
    b->batch = (struct net_batch){s->batch, b->n_frames, b->features};
    b->n_units = (size_t)net_n_units(b->net);
    b->samples = samples_create(b->n_units + 1, PASSES_MAX);
    net_set_mark(b->net, on_unit, b);
}

static void bench_fini(struct bench *b)
{
    net_destroy(b->net);
    samples_destroy(b->samples);
    free(b->features);
    free(b->embeddings);
    free(b->n_frames);
}

// ---- passes

static void time_pass(struct bench *b)
{
    b->row = samples_next(b->samples);
    BUG_ON(!b->row);
    int64_t start_ns = clock_mono_ns();
    b->last_ns = start_ns;
    net_forward_eval(b->net, &b->batch, b->embeddings);
    b->row[b->n_units] = (double)(b->last_ns - start_ns) / 1e6;
    samples_keep(b->samples);
}

static enum err warm_up(struct bench *b, struct errinfo *why)
{
    int64_t start_ms = clock_mono_ms();
    for (int i = 0; i < WARM_PASSES || clock_mono_ms() - start_ms < WARM_MS; i++) {
        net_forward_eval(b->net, &b->batch, b->embeddings);
    }
    size_t n = (size_t)b->setup->batch * (size_t)b->setup->dims.n_embed;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(b->embeddings[i])) {
            return err_set(why, ERR_NUMERIC, "embeddings are not finite numbers here");
        }
    }
    return ERR_OK;
}

static bool tell(const struct bench *b)
{
    const struct latency_setup *s = b->setup;
    double done = (double)(clock_mono_ms() - b->start_ms) / (double)s->budget_ms;
    return !s->progress || s->progress(s->arg, done < 1 ? done : 1);
}

static bool is_known_well(struct bench *b)
{
    if (samples_count(b->samples) < PASSES_SURE) {
        return false;
    }
    struct timing whole = samples_timing(b->samples, b->n_units);
    return samples_error(&whole) <= ERROR_ENOUGH;
}

static enum err pass_until(struct bench *b, int64_t end_ms, struct errinfo *why)
{
    samples_clear(b->samples);
    for (size_t n = 0; n < PASSES_MAX; n++) {
        bool is_late = clock_mono_ms() >= end_ms;
        bool is_check = n > 0 && n % PASSES_A_CHECK == 0;
        if ((is_late && n >= PASSES_MIN) || (is_check && is_known_well(b))) {
            break;
        }
        if ((is_check || is_late) && !tell(b)) {
            return err_set(why, ERR_CANCELLED, "stopped");
        }
        time_pass(b);
    }
    return ERR_OK;
}

// ---- rounds

static double larger(double a, double b)
{
    return a > b ? a : b;
}

// How far the worst sign of noise is from where it counts.
static double judge(const struct timing *whole, const struct cpus_use *use,
                    double wall_s)
{
    double ticks = wall_s > 0 ? 2 * TICK_S / wall_s : 1; // a share that says nothing
    double noise = samples_spread(whole) / SPREAD_NOISY;
    noise = larger(noise, use->foreign / (FOREIGN_NOISY + ticks));
    noise = larger(noise, use->stolen / (STOLEN_NOISY + ticks));
    return larger(noise, use->elsewhere / (ELSEWHERE_NOISY + ticks));
}

static enum err run_round(struct bench *b, int64_t end_ms, struct round *out,
                          struct errinfo *why)
{
    struct cpus_time before;
    struct cpus_time after;
    cpus_time_read(b->setup->cpus, &before);
    enum err e = pass_until(b, end_ms, why);
    if (e != ERR_OK) {
        return e;
    }
    cpus_time_read(b->setup->cpus, &after);
    struct measure_result *r = &out->result;
    *r = (struct measure_result){.n_units = (uint32_t)b->n_units};
    for (size_t i = 0; i < b->n_units; i++) {
        r->units[i] = samples_timing(b->samples, i);
    }
    r->whole = samples_timing(b->samples, b->n_units);
    out->use = cpus_use_between(&before, &after);
    out->noise =
        judge(&r->whole, &out->use, (double)(after.wall_ns - before.wall_ns) / 1e9);
    r->is_noisy = out->noise > 1;
    return ERR_OK;
}

static void describe(const struct latency_setup *s, const struct round *r,
                     struct measure_result *out)
{
    char *text = out->provenance;
    machine_describe(s->kernels, s->cpus, text, sizeof(out->provenance));
    size_t n = strlen(text);
    snprintf(
        text + n, sizeof(out->provenance) - n,
        "used by others: %.1f %% of the pinned processors, %.1f %% stolen, %.0f %% "
        "of the rest\n",
        100 * r->use.foreign, 100 * r->use.stolen, 100 * r->use.elsewhere);
}

static enum err measure(struct bench *b, struct measure_result *out,
                        struct errinfo *why)
{
    const struct latency_setup *s = b->setup;
    struct round best = {.noise = INFINITY};
    enum err e = warm_up(b, why);
    for (int i = 0; i < ROUNDS && e == ERR_OK && best.noise > 1; i++) {
        struct round round;
        e = run_round(b, b->start_ms + s->budget_ms * (i + 1) / ROUNDS, &round, why);
        if (e == ERR_OK && round.noise < best.noise) {
            best = round;
        }
    }
    if (e != ERR_OK) {
        return e;
    }
    *out = best.result;
    describe(s, &best, out);
    out->seconds = (double)(clock_mono_ms() - b->start_ms) / 1000;
    return ERR_OK;
}

enum err latency_measure(const struct latency_setup *s, struct measure_result *out,
                         struct errinfo *why)
{
    BUG_ON(s->batch < 1 || s->frames < 1 || s->budget_ms < 1);
    struct bench b;
    bench_init(&b, s);
    enum err e = measure(&b, out, why);
    bench_fini(&b);
    return e;
}
