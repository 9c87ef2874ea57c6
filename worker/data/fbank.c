// SPDX-License-Identifier: Apache-2.0
// fbank.c - see fbank.h. The loops are in mel_loops.h; here are their tables.
#include "worker/data/fbank.h"

#include "worker/data/mel_loops.h"
#include "worker/data/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALF             (MEL_N_FFT / 2)
#define PREEMPHASIS      0.97f
#define LOW_HZ           20.0
#define HIGH_HZ          7600.0
#define CACHE_LINE_BYTES 64

struct fbank {
    const struct mel_loops *loops;
    struct mel_plan plan;
    float *padded; // pre-emphasised, reflected at both ends, zeros behind
    size_t padded_cap;
    float *scratch; // of the loops
};

static double mel_of(double hz)
{
    return 2595.0 * log10(1.0 + hz / 700.0);
}

static double hz_of(double mel)
{
    return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
}

// Edge i of the triangles, 0 .. n_mels + 1, evenly spaced on the mel scale.
static double edge_hz(int i, int n_mels)
{
    double low = mel_of(LOW_HZ);
    double high = mel_of(HIGH_HZ);
    return hz_of(low + (high - low) * i / (n_mels + 1));
}

static double triangle(double hz, const double edges[static 3])
{
    double up = (hz - edges[0]) / (edges[1] - edges[0]);
    double down = (edges[2] - hz) / (edges[2] - edges[1]);
    return fmax(0.0, fmin(up, down));
}

// Its weights go to the plan's from `at`; returns the place behind them.
static size_t make_filter(struct fbank *f, int m, size_t at)
{
    const double edges[3] = {
        edge_hz(m, f->plan.n_mels),
        edge_hz(m + 1, f->plan.n_mels),
        edge_hz(m + 2, f->plan.n_mels),
    };
    struct mel_plan *p = &f->plan;
    struct mel_filter *filter = &p->filters[m];
    filter->weights_at = at;
    for (int k = 0; k < MEL_N_BINS; k++) {
        double weight = triangle((double)k * PACK_SAMPLE_RATE / MEL_N_FFT, edges);
        if (weight <= 0.0) {
            continue;
        }
        if (filter->n_bins++ == 0) {
            filter->first_bin = k;
        }
        p->weights[at++] = (float)weight;
    }
    return at;
}

static float *allocate_scratch(int n_mels)
{
    size_t bytes = mel_scratch_floats(n_mels) * sizeof(float);
    float *p = aligned_alloc(CACHE_LINE_BYTES, bytes);
    BUG_ON(!p);
    return p;
}

struct fbank *fbank_create(int n_mels)
{
    BUG_ON(n_mels < 1);
    struct fbank *f = calloc(1, sizeof(*f));
    BUG_ON(!f);
    struct mel_plan *p = &f->plan;
    f->loops = mel_loops_at(0);
    f->scratch = allocate_scratch(n_mels);
    p->n_mels = n_mels;
    p->hop = FBANK_HOP;
    p->filters = calloc((size_t)n_mels, sizeof(*p->filters));
    p->weights =
        calloc((size_t)2 * MEL_N_BINS, sizeof(float)); // a bin is under two triangles
    BUG_ON(!p->filters || !p->weights);
    for (int i = 0; i < MEL_WINDOW; i++) {
        p->window[i] = (float)(0.54 - 0.46 * cos(2.0 * M_PI * i / MEL_WINDOW));
    }
    mel_plan_turns(p);
    size_t at = 0;
    for (int m = 0; m < n_mels; m++) {
        at = make_filter(f, m, at);
    }
    return f;
}

void fbank_destroy(struct fbank *f)
{
    if (!f) {
        return;
    }
    free(f->plan.filters);
    free(f->plan.weights);
    free(f->padded);
    free(f->scratch);
    free(f);
}

int fbank_n_frames(size_t n_samples)
{
    return 1 + (int)(n_samples / FBANK_HOP);
}

// Pre-emphasis, then HALF reflected samples at both ends (the edge is not repeated).
static void pad(struct fbank *f, const float *x, size_t n)
{
    // The loops read a frame for each lane, wanted or not.
    size_t behind = (size_t)MEL_LANES_MAX * FBANK_HOP;
    size_t need = n + MEL_N_FFT + behind;
    if (need > f->padded_cap) {
        free(f->padded);
        f->padded = malloc(need * sizeof(float));
        BUG_ON(!f->padded);
        f->padded_cap = need;
    }
    float *y = f->padded + HALF;
    y[0] = x[0] - PREEMPHASIS * x[1];
    for (size_t t = 1; t < n; t++) {
        y[t] = x[t] - PREEMPHASIS * x[t - 1];
    }
    for (size_t t = 1; t <= HALF; t++) {
        f->padded[HALF - t] = y[t];
        y[n - 1 + t] = y[n - 1 - t];
    }
    memset(f->padded + n + MEL_N_FFT, 0, behind * sizeof(float));
}

void fbank_log_mel(struct fbank *f, const float *samples, size_t n, float *out)
{
    BUG_ON(n < FBANK_MIN_SAMPLES);
    pad(f, samples, n);
    int n_frames = fbank_n_frames(n);
    int n_lanes = f->loops->n_lanes;
    const float *first = f->padded + (MEL_N_FFT - MEL_WINDOW) / 2;
    for (int at = 0; at < n_frames; at += n_lanes) {
        f->loops->log_mel(&f->plan, first + (size_t)at * FBANK_HOP,
                          n_frames - at < n_lanes ? n_frames - at : n_lanes, f->scratch,
                          out + (size_t)at * (size_t)f->plan.n_mels);
    }
}

void fbank_normalise(float *log_mel, int n_frames, int n_mels)
{
    const struct mel_loops *loops = mel_loops_at(0);
    for (int m = 0; m < n_mels; m += MEL_BINS_AT_ONCE) {
        int n = n_mels - m < MEL_BINS_AT_ONCE ? n_mels - m : MEL_BINS_AT_ONCE;
        loops->normalise(log_mel + m, n_frames, n_mels, n);
    }
}

void fbank_compute(struct fbank *f, const float *samples, size_t n, float *out)
{
    fbank_log_mel(f, samples, n, out);
    fbank_normalise(out, fbank_n_frames(n), f->plan.n_mels);
}
