// SPDX-License-Identifier: Apache-2.0
// speed.c - see speed.h.
#include "worker/data/speed.h"

#include "common/base/err.h"

#include <math.h>
#include <stdlib.h>

#define HALF      16 // zero crossings of the sinc to each side, at full band
#define TAPS      ((size_t)2 * HALF) // a multiple of LANES
#define LANES     8                  // sums side by side, so that they vectorise
#define PASS_BAND 0.95               // of the lower of the two Nyquist frequencies
#define PERCENT   100

struct speed {
    size_t step, n_phases; // an output lies step / n_phases inputs behind the last
    float *taps;           // [n_phases][TAPS]
};

static size_t greatest_divisor(size_t a, size_t b)
{
    while (b > 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// Coefficients for an output that lies `fraction` behind input HALF - 1 of its window;
// they sum up to one.
static void fill_phase(float *taps, double fraction, double band)
{
    double exact[TAPS];
    double sum = 0;
    for (size_t k = 0; k < TAPS; k++) {
        double t = (double)k - (HALF - 1) - fraction;
        double sinc = t == 0 ? band : sin(M_PI * band * t) / (M_PI * t);
        double window = 0.5 + 0.5 * cos(M_PI * t / HALF);
        exact[k] = sinc * window;
        sum += exact[k];
    }
    for (size_t k = 0; k < TAPS; k++) {
        taps[k] = (float)(exact[k] / sum);
    }
}

struct speed *speed_create(double factor)
{
    struct speed *s = calloc(1, sizeof(*s));
    BUG_ON(!s || !(factor >= 0.5 && factor <= 2));
    size_t percent = (size_t)lrint(factor * PERCENT);
    size_t divisor = greatest_divisor(percent, PERCENT);
    s->step = percent / divisor;
    s->n_phases = PERCENT / divisor;
    s->taps = malloc(s->n_phases * TAPS * sizeof(*s->taps));
    BUG_ON(!s->taps);
    double band = PASS_BAND * fmin(1, 1 / factor);
    for (size_t i = 0; i < s->n_phases; i++) {
        fill_phase(s->taps + i * TAPS, (double)i / (double)s->n_phases, band);
    }
    return s;
}

void speed_destroy(struct speed *s)
{
    if (s) {
        free(s->taps);
        free(s);
    }
}

size_t speed_n_in(const struct speed *s, size_t n_out)
{
    BUG_ON(n_out < 1);
    return (n_out - 1) * s->step / s->n_phases + TAPS;
}

static float dot(const float *x, const float *taps)
{
    float sums[LANES] = {0};
    for (size_t k = 0; k < TAPS; k += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            sums[j] += x[k + j] * taps[k + j];
        }
    }
    float sum = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum += sums[j];
    }
    return sum;
}

void speed_change(const struct speed *s, const float *in, float *out, size_t n_out)
{
    size_t whole = 0;
    size_t phase = 0;
    for (size_t i = 0; i < n_out; i++) {
        out[i] = dot(in + whole, s->taps + phase * TAPS);
        phase += s->step;
        whole += phase / s->n_phases;
        phase %= s->n_phases;
    }
}
