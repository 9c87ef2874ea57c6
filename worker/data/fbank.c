// SPDX-License-Identifier: Apache-2.0
// fbank.c - see fbank.h.
//
// Frames are worked on in groups of LANES: two real frames share one complex FFT, and
// everything after it (power, filters, logarithm) runs with the frames of the group
// side by side, so that the inner loops are straight vector code whatever a filter's
// length.
#include "worker/data/fbank.h"

#include "worker/data/pack.h"

#include <kiss_fft.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define N_FFT       512
#define N_BINS      (N_FFT / 2 + 1)
#define HALF        (N_FFT / 2)
#define WINDOW      400
#define PREEMPHASIS 0.97f
#define FLOOR       1e-6f
#define LOW_HZ      20.0
#define HIGH_HZ     7600.0
#define NORM_EPS    1e-5
#define LANES       8

struct filter {
    int first_bin, n_bins;
    size_t weights_at;
};

struct fbank {
    int n_mels;
    kiss_fft_cfg fft;
    float window[WINDOW];
    struct filter *filters; // [n_mels]
    float *weights;
    float *padded; // pre-emphasised, reflected at both ends
    size_t padded_cap;
    kiss_fft_cpx pair[N_FFT]; // two windowed frames: one real, one imaginary
    kiss_fft_cpx spectrum[N_FFT];
    float power[N_BINS][LANES];
    float *mel; // [n_mels][LANES]
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

// Its weights go to f->weights from `at`; returns the place behind them.
static size_t make_filter(struct fbank *f, int m, size_t at)
{
    const double edges[3] = {
        edge_hz(m, f->n_mels),
        edge_hz(m + 1, f->n_mels),
        edge_hz(m + 2, f->n_mels),
    };
    struct filter *filter = &f->filters[m];
    filter->weights_at = at;
    for (int k = 0; k < N_BINS; k++) {
        double weight = triangle((double)k * PACK_SAMPLE_RATE / N_FFT, edges);
        if (weight <= 0.0) {
            continue;
        }
        if (filter->n_bins++ == 0) {
            filter->first_bin = k;
        }
        f->weights[at++] = (float)weight;
    }
    return at;
}

struct fbank *fbank_create(int n_mels)
{
    BUG_ON(n_mels < 1);
    struct fbank *f = calloc(1, sizeof(*f));
    BUG_ON(!f);
    f->n_mels = n_mels;
    f->fft = kiss_fft_alloc(N_FFT, 0, NULL, NULL);
    f->filters = calloc((size_t)n_mels, sizeof(*f->filters));
    f->weights =
        calloc((size_t)2 * N_BINS, sizeof(float)); // a bin is under two triangles
    f->mel = calloc((size_t)n_mels * LANES, sizeof(float));
    BUG_ON(!f->fft || !f->filters || !f->weights || !f->mel);
    for (int i = 0; i < WINDOW; i++) {
        f->window[i] = (float)(0.54 - 0.46 * cos(2.0 * M_PI * i / WINDOW));
    }
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
    kiss_fft_free(f->fft);
    free(f->filters);
    free(f->weights);
    free(f->padded);
    free(f->mel);
    free(f);
}

int fbank_n_frames(size_t n_samples)
{
    return 1 + (int)(n_samples / FBANK_HOP);
}

// Pre-emphasis, then HALF reflected samples at both ends (the edge is not repeated).
static void pad(struct fbank *f, const float *x, size_t n)
{
    size_t need = n + N_FFT;
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
}

// The window lies in the middle of the transform; where it begins only turns phases, so
// the frames are put at its start.
static void load_pair(struct fbank *f, const float *a, const float *b)
{
    for (int i = 0; i < WINDOW; i++) {
        f->pair[i].r = a[i] * f->window[i];
        f->pair[i].i = b[i] * f->window[i];
    }
}

// Z = A + iB with A, B the spectra of two real frames:
// A[k] = (Z[k] + conj Z[-k]) / 2, B[k] = (Z[k] - conj Z[-k]) / 2i.
static void split_power(struct fbank *f, int lane)
{
    for (int k = 0; k < N_BINS; k++) {
        kiss_fft_cpx z = f->spectrum[k];
        kiss_fft_cpx w = f->spectrum[(N_FFT - k) % N_FFT];
        float a_re = z.r + w.r;
        float a_im = z.i - w.i;
        float b_re = z.i + w.i;
        float b_im = w.r - z.r;
        f->power[k][lane] = 0.25f * (a_re * a_re + a_im * a_im);
        f->power[k][lane + 1] = 0.25f * (b_re * b_re + b_im * b_im);
    }
}

static void apply_filters(struct fbank *f)
{
    for (int m = 0; m < f->n_mels; m++) {
        const struct filter *filter = &f->filters[m];
        const float *weights = f->weights + filter->weights_at;
        float sum[LANES] = {0};
        for (int k = 0; k < filter->n_bins; k++) {
            const float *power = f->power[filter->first_bin + k];
            for (int lane = 0; lane < LANES; lane++) {
                sum[lane] += weights[k] * power[lane];
            }
        }
        memcpy(f->mel + (size_t)m * LANES, sum, sizeof(sum));
    }
}

// Natural logarithm of x > 0, normal; under 1e-7 relative. No branch and no call, so it
// vectorises. Source: the polynomial of Cephes' logf.
static inline float log_of(float x)
{
    const uint32_t sqrt_half = 0x3f3504f3u;
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    bits -= sqrt_half;
    float exponent = (float)((int32_t)bits >> 23);
    bits = (bits & 0x007fffffu) + sqrt_half; // mantissa in [sqrt .5, sqrt 2)
    float mantissa;
    memcpy(&mantissa, &bits, sizeof(mantissa));
    float z = mantissa - 1.0f;
    float square = z * z;
    float p = 7.0376836292e-2f;
    p = p * z - 1.1514610310e-1f;
    p = p * z + 1.1676998740e-1f;
    p = p * z - 1.2420140846e-1f;
    p = p * z + 1.4249322787e-1f;
    p = p * z - 1.6668057665e-1f;
    p = p * z + 2.0000714765e-1f;
    p = p * z - 2.4999993993e-1f;
    p = p * z + 3.3333331174e-1f;
    p = p * z * square - 2.12194440e-4f * exponent - 0.5f * square;
    return z + p + 0.693359375f * exponent;
}

static void take_logs(struct fbank *f)
{
    size_t n = (size_t)f->n_mels * LANES;
    for (size_t i = 0; i < n; i++) {
        f->mel[i] = log_of(f->mel[i] + FLOOR);
    }
}

static void store(const struct fbank *f, int n_lanes, float *out)
{
    for (int lane = 0; lane < n_lanes; lane++) {
        for (int m = 0; m < f->n_mels; m++) {
            out[lane * f->n_mels + m] = f->mel[m * LANES + lane];
        }
    }
}

void fbank_log_mel(struct fbank *f, const float *samples, size_t n, float *out)
{
    BUG_ON(n < FBANK_MIN_SAMPLES);
    pad(f, samples, n);
    int n_frames = fbank_n_frames(n);
    const float *first = f->padded + (N_FFT - WINDOW) / 2;
    for (int at = 0; at < n_frames; at += LANES) {
        int n_lanes = n_frames - at < LANES ? n_frames - at : LANES;
        for (int lane = 0; lane < n_lanes; lane += 2) {
            const float *a = first + (size_t)(at + lane) * FBANK_HOP;
            load_pair(f, a, lane + 1 < n_lanes ? a + FBANK_HOP : a);
            kiss_fft(f->fft, f->pair, f->spectrum);
            split_power(f, lane);
        }
        apply_filters(f);
        take_logs(f);
        store(f, n_lanes, out + (size_t)at * f->n_mels);
    }
}

#define BINS_AT_ONCE 80

// A few neighbouring bins at a time, so that rows are read as they lie.
static void normalise_bins(float *x, int n_frames, int stride, int n)
{
    double mean[BINS_AT_ONCE] = {0};
    double variance[BINS_AT_ONCE] = {0};
    float centre[BINS_AT_ONCE];
    float scale[BINS_AT_ONCE];
    for (int t = 0; t < n_frames; t++) {
        for (int i = 0; i < n; i++) {
            mean[i] += (double)x[(size_t)t * stride + i];
        }
    }
    for (int i = 0; i < n; i++) {
        mean[i] /= n_frames;
        centre[i] = (float)mean[i];
    }
    for (int t = 0; t < n_frames; t++) {
        for (int i = 0; i < n; i++) {
            double d = (double)x[(size_t)t * stride + i] - mean[i];
            variance[i] += d * d;
        }
    }
    for (int i = 0; i < n; i++) {
        scale[i] = (float)(1.0 / sqrt(variance[i] / n_frames + NORM_EPS));
    }
    for (int t = 0; t < n_frames; t++) {
        for (int i = 0; i < n; i++) {
            float *at = &x[(size_t)t * stride + i];
            *at = (*at - centre[i]) * scale[i];
        }
    }
}

void fbank_normalise(float *log_mel, int n_frames, int n_mels)
{
    for (int m = 0; m < n_mels; m += BINS_AT_ONCE) {
        int n = n_mels - m < BINS_AT_ONCE ? n_mels - m : BINS_AT_ONCE;
        normalise_bins(log_mel + m, n_frames, n_mels, n);
    }
}

void fbank_compute(struct fbank *f, const float *samples, size_t n, float *out)
{
    fbank_log_mel(f, samples, n, out);
    fbank_normalise(out, fbank_n_frames(n), f->n_mels);
}
