// SPDX-License-Identifier: Apache-2.0
// augment.c - see augment.h.
#include "worker/data/augment.h"

#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RT60_MIN_S        0.15
#define RT60_MAX_S        0.6
#define RESPONSE_MAX      ((size_t)(RT60_MAX_S * PACK_SAMPLE_RATE))
#define DIRECT_RATIO_MIN  (-3.0) // direct path over tail, dB
#define DIRECT_RATIO_MAX  12.0
#define PRE_DELAY_SAMPLES 32                // 2 ms until the first reflection
#define LN_1000           6.907755278982137 // amplitude falls by 60 dB
#define FRAMES_UNMASKED   3                 // a time mask leaves at least a third

struct augment {
    const struct study_augment *conf;
    const struct pack *pack;
    size_t n_samples;
    size_t n_fft; // even, at least n_samples + RESPONSE_MAX
    kiss_fftr_cfg forward, inverse;
    float *signal;                                 // [n_fft]
    float *room;                                   // [n_fft]
    kiss_fft_cpx *signal_spectrum, *room_spectrum; // [n_fft / 2 + 1]
};

struct augment *augment_create(const struct study_augment *conf, const struct pack *p,
                               size_t n_samples)
{
    struct augment *a = calloc(1, sizeof(*a));
    BUG_ON(!a);
    a->conf = conf;
    a->pack = p;
    a->n_samples = n_samples;
    if (conf->reverb_prob <= 0.0) {
        return a;
    }
    size_t half = (n_samples + RESPONSE_MAX + 1) / 2;
    a->n_fft = 2 * (size_t)kiss_fft_next_fast_size((int)half);
    a->forward = kiss_fftr_alloc((int)a->n_fft, 0, NULL, NULL);
    a->inverse = kiss_fftr_alloc((int)a->n_fft, 1, NULL, NULL);
    a->signal = malloc(a->n_fft * sizeof(float));
    a->room = malloc(a->n_fft * sizeof(float));
    a->signal_spectrum = malloc((a->n_fft / 2 + 1) * sizeof(kiss_fft_cpx));
    a->room_spectrum = malloc((a->n_fft / 2 + 1) * sizeof(kiss_fft_cpx));
    BUG_ON(!a->forward || !a->inverse || !a->signal || !a->room ||
           !a->signal_spectrum || !a->room_spectrum);
    return a;
}

void augment_destroy(struct augment *a)
{
    if (!a) {
        return;
    }
    kiss_fftr_free(a->forward);
    kiss_fftr_free(a->inverse);
    free(a->signal);
    free(a->room);
    free(a->signal_spectrum);
    free(a->room_spectrum);
    free(a);
}

static double energy_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sum;
}

static void scale_by(float *x, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(x[i] * factor);
    }
}

// A room's response into a->room: direct path 1, tail scaled to the ratio drawn.
static void draw_room(struct augment *a, struct rng *r)
{
    double rt60_s = rng_uniform(r, RT60_MIN_S, RT60_MAX_S);
    double ratio_db = rng_uniform(r, DIRECT_RATIO_MIN, DIRECT_RATIO_MAX);
    size_t n = (size_t)(rt60_s * PACK_SAMPLE_RATE);
    double per_sample = exp(-LN_1000 / (rt60_s * PACK_SAMPLE_RATE));
    memset(a->room, 0, a->n_fft * sizeof(float));
    double level = 1.0;
    for (size_t t = PRE_DELAY_SAMPLES; t < n; t++) {
        double noise = (double)rng_u32(r) * 0x1p-31 - 1.0; // white, uniform
        a->room[t] = (float)(noise * level);
        level *= per_sample;
    }
    double tail = energy_of(a->room, n);
    scale_by(a->room, n, sqrt(pow(10.0, -ratio_db / 10.0) / tail));
    a->room[0] = 1.0f;
}

static void convolve(struct augment *a, float *samples)
{
    memcpy(a->signal, samples, a->n_samples * sizeof(float));
    memset(a->signal + a->n_samples, 0, (a->n_fft - a->n_samples) * sizeof(float));
    kiss_fftr(a->forward, a->signal, a->signal_spectrum);
    kiss_fftr(a->forward, a->room, a->room_spectrum);
    for (size_t k = 0; k <= a->n_fft / 2; k++) {
        kiss_fft_cpx x = a->signal_spectrum[k];
        kiss_fft_cpx h = a->room_spectrum[k];
        a->signal_spectrum[k].r = x.r * h.r - x.i * h.i;
        a->signal_spectrum[k].i = x.r * h.i + x.i * h.r;
    }
    kiss_fftri(a->inverse, a->signal_spectrum, a->signal);
    double before = energy_of(samples, a->n_samples);
    double after = energy_of(a->signal, a->n_samples);
    if (after > 0.0) {
        memcpy(samples, a->signal, a->n_samples * sizeof(float));
        scale_by(samples, a->n_samples, sqrt(before / after));
    }
}

static double noise_energy(const struct pack_utt *noise, size_t at, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = noise->samples[at] / 32768.0;
        sum += x * x;
        at = at + 1 == noise->n_samples ? 0 : at + 1;
    }
    return sum;
}

static void mix_noise(const struct augment *a, struct rng *r, float *samples)
{
    size_t which = (size_t)rng_below(r, pack_count(a->pack, PACK_NOISE));
    struct pack_utt noise = pack_utt_at(a->pack, PACK_NOISE, which);
    size_t at = (size_t)rng_below(r, noise.n_samples);
    double snr_db = rng_uniform(r, a->conf->snr_min_db, a->conf->snr_max_db);
    double speech = energy_of(samples, a->n_samples);
    double energy = noise_energy(&noise, at, a->n_samples);
    if (energy <= 0.0) {
        return; // a silent stretch has no level to set
    }
    float gain = (float)(sqrt(speech / energy * pow(10.0, -snr_db / 10.0)) / 32768.0);
    for (size_t i = 0; i < a->n_samples; i++) {
        samples[i] += gain * (float)noise.samples[at];
        at = at + 1 == noise.n_samples ? 0 : at + 1;
    }
}

void augment_samples(struct augment *a, struct rng *r, float *samples)
{
    bool wants_room = rng_unit(r) < a->conf->reverb_prob;
    bool wants_noise = rng_unit(r) < a->conf->noise_prob;
    if (wants_room) {
        draw_room(a, r);
        convolve(a, samples);
    }
    if (wants_noise && pack_count(a->pack, PACK_NOISE) > 0) {
        mix_noise(a, r, samples);
    }
}

// Length uniform in 0 .. widest, place uniform over where it fits.
static void draw_mask(struct rng *r, int widest, int n, int *first, int *length)
{
    *length = (int)rng_below(r, (uint64_t)(widest < n ? widest : n) + 1);
    *first = (int)rng_below(r, (uint64_t)(n - *length) + 1);
}

void augment_features(const struct augment *a, struct rng *r, float *features,
                      int n_frames, int n_mels)
{
    int first;
    int length;
    for (int i = 0; i < a->conf->freq_masks; i++) {
        draw_mask(r, a->conf->freq_mask_bins, n_mels, &first, &length);
        for (int t = 0; t < n_frames; t++) {
            memset(features + (size_t)t * n_mels + first, 0,
                   (size_t)length * sizeof(float));
        }
    }
    int widest = n_frames - n_frames / FRAMES_UNMASKED;
    widest = a->conf->time_mask_frames < widest ? a->conf->time_mask_frames : widest;
    for (int i = 0; i < a->conf->time_masks; i++) {
        draw_mask(r, widest, n_frames, &first, &length);
        memset(features + (size_t)first * n_mels, 0,
               (size_t)length * n_mels * sizeof(float));
    }
}
