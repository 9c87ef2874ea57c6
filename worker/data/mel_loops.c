// SPDX-License-Identifier: Apache-2.0
// mel_loops.c - see mel_loops.h. Built once per instruction set: MEL_TABLE names the
// table, MEL_LANES is its vector's floats.
//
// The 512 real samples of a frame are 256 complex ones; a transform of radix 4 in place
// leaves its outputs in digit-reversed order, and what takes the two real halves apart
// reads them from there.
#include "worker/data/mel_loops.h"

#include <math.h>
#include <string.h>

extern const struct mel_loops MEL_TABLE;

#define LANES MEL_LANES
#define SMALL 4 // rows of a transposition
#define EPS   1e-5

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef float quad __attribute__((vector_size(SMALL * sizeof(float))));

struct point {
    vec re, im;
};

static quad load_quad(const float *from)
{
    quad q;
    memcpy(&q, from, sizeof(q));
    return q;
}

// Four samples of four frames, windowed: two complex samples with the frames side by
// side.
static void load_small(const float *samples, int hop, quad window, float *to)
{
    quad a = load_quad(samples) * window;
    quad b = load_quad(samples + hop) * window;
    quad c = load_quad(samples + 2 * (ptrdiff_t)hop) * window;
    quad d = load_quad(samples + 3 * (ptrdiff_t)hop) * window;
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    quad rows[4] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                    __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                    __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                    __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
    for (int i = 0; i < 4; i++) {
        memcpy(to + (ptrdiff_t)i * LANES, &rows[i], sizeof(rows[i]));
    }
}

// The window lies in the middle of the transform; where it begins only turns phases, so
// the frames are put at its start.
static void load_frames(const struct mel_plan *p, const float *samples, struct point *z)
{
    for (int t = 0; t < MEL_WINDOW; t += SMALL) {
        quad window = load_quad(p->window + t);
        for (int lane = 0; lane < LANES; lane += SMALL) {
            load_small(samples + (ptrdiff_t)lane * p->hop + t, p->hop, window,
                       (float *)&z[t / 2] + lane);
        }
    }
    memset(&z[MEL_WINDOW / 2], 0,
           (MEL_N_COMPLEX - MEL_WINDOW / 2) * sizeof(struct point));
}

static inline struct point turned(struct point z, struct mel_turn w)
{
    return (struct point){z.re * w.re - z.im * w.im, z.re * w.im + z.im * w.re};
}

static inline struct point plus(struct point a, struct point b)
{
    return (struct point){a.re + b.re, a.im + b.im};
}

static inline struct point minus(struct point a, struct point b)
{
    return (struct point){a.re - b.re, a.im - b.im};
}

// Four points a quarter apart become their transform of length four.
static inline void butterfly(struct point *z, ptrdiff_t quarter)
{
    struct point sum = plus(z[0], z[2 * quarter]);
    struct point difference = minus(z[0], z[2 * quarter]);
    struct point sum_odd = plus(z[quarter], z[3 * quarter]);
    struct point odd = minus(z[quarter], z[3 * quarter]);
    struct point odd_turned = {odd.im, -odd.re}; // times -i
    z[0] = plus(sum, sum_odd);
    z[quarter] = plus(difference, odd_turned);
    z[2 * quarter] = minus(sum, sum_odd);
    z[3 * quarter] = minus(difference, odd_turned);
}

static void transform(const struct mel_plan *p, struct point *z)
{
    for (ptrdiff_t n = MEL_N_COMPLEX; n > 4; n /= 4) {
        ptrdiff_t quarter = n / 4;
        ptrdiff_t stride = MEL_N_COMPLEX / n;
        for (ptrdiff_t j = 0; j < quarter; j++) {
            struct mel_turn one = p->turns[j * stride];
            struct mel_turn two = p->turns[2 * j * stride];
            struct mel_turn three = p->turns[3 * j * stride];
            for (struct point *at = z + j; at < z + MEL_N_COMPLEX; at += n) {
                butterfly(at, quarter);
                at[quarter] = turned(at[quarter], one);
                at[2 * quarter] = turned(at[2 * quarter], two);
                at[3 * quarter] = turned(at[3 * quarter], three);
            }
        }
    }
    for (int i = 0; i < MEL_N_COMPLEX; i += 4) {
        butterfly(z + i, 1);
    }
}

// With Z = A + iB, A and B the transforms of the even and the odd samples, the frame's
// is A[k] + w^k B[k], and at 256 - k the conjugate of A[k] - w^k B[k].
static void take_power(const struct mel_plan *p, const struct point *z, vec *power)
{
    vec ends[2] = {z[0].re + z[0].im, z[0].re - z[0].im};
    power[0] = ends[0] * ends[0];
    power[MEL_N_COMPLEX] = ends[1] * ends[1];
    for (int k = 1; k <= MEL_N_COMPLEX / 2; k++) {
        struct point here = z[p->place[k]];
        struct point there = z[p->place[MEL_N_COMPLEX - k]];
        struct point even = {here.re + there.re, here.im - there.im};
        struct point odd = {here.im + there.im, there.re - here.re};
        odd = turned(odd, p->half_turns[k]);
        struct point sum = plus(even, odd);
        struct point difference = minus(even, odd);
        power[k] = 0.25f * (sum.re * sum.re + sum.im * sum.im);
        power[MEL_N_COMPLEX - k] =
            0.25f * (difference.re * difference.re + difference.im * difference.im);
    }
}

static void apply_filters(const struct mel_plan *p, const vec *power, vec *mel)
{
    for (int m = 0; m < p->n_mels; m++) {
        const struct mel_filter *filter = &p->filters[m];
        const float *weights = p->weights + filter->weights_at;
        vec sum = {0};
        for (int k = 0; k < filter->n_bins; k++) {
            sum += weights[k] * power[filter->first_bin + k];
        }
        mel[m] = sum;
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

static void store_logs(int n_mels, const vec *mel, int n_frames, float *out)
{
    for (int m = 0; m < n_mels; m++) {
        float logs[LANES];
        memcpy(logs, &mel[m], sizeof(logs));
        for (int lane = 0; lane < LANES; lane++) {
            logs[lane] = log_of(logs[lane] + MEL_FLOOR);
        }
        for (int lane = 0; lane < n_frames; lane++) {
            out[(ptrdiff_t)lane * n_mels + m] = logs[lane];
        }
    }
}

static void log_mel(const struct mel_plan *p, const float *samples, int n_frames,
                    float *scratch, float *out)
{
    struct point *z = (struct point *)scratch;
    vec *power = (vec *)(z + MEL_N_COMPLEX);
    vec *mel = power + MEL_N_BINS;
    load_frames(p, samples, z);
    transform(p, z);
    take_power(p, z, power);
    apply_filters(p, power, mel);
    store_logs(p->n_mels, mel, n_frames, out);
}

static void normalise(float *x, int n_frames, int stride, int n)
{
    double sum[MEL_BINS_AT_ONCE] = {0};
    double square[MEL_BINS_AT_ONCE] = {0};
    float centre[MEL_BINS_AT_ONCE] = {0};
    float scale[MEL_BINS_AT_ONCE] = {0};
    for (int t = 0; t < n_frames; t++) {
        for (int i = 0; i < n; i++) {
            sum[i] += (double)x[(ptrdiff_t)t * stride + i];
        }
    }
    for (int i = 0; i < n; i++) {
        sum[i] /= n_frames;
        centre[i] = (float)sum[i];
    }
    for (int t = 0; t < n_frames; t++) {
        for (int i = 0; i < n; i++) {
            double d = (double)x[(ptrdiff_t)t * stride + i] - sum[i];
            square[i] += d * d;
        }
    }
    for (int i = 0; i < n; i++) {
        scale[i] = (float)(1.0 / sqrt(square[i] / n_frames + EPS));
    }
    for (int t = 0; t < n_frames; t++) {
        for (int i = 0; i < n; i++) {
            float *at = &x[(ptrdiff_t)t * stride + i];
            *at = (*at - centre[i]) * scale[i];
        }
    }
}

// Of a constant number of bins, so that their sums stay in registers.
static void normalise_some(float *x, int n_frames, int stride, int n)
{
    if (n == MEL_BINS_AT_ONCE) {
        normalise(x, n_frames, stride, MEL_BINS_AT_ONCE);
    } else {
        normalise(x, n_frames, stride, n);
    }
}

const struct mel_loops MEL_TABLE = {
    .name = MEL_NAME,
    .n_lanes = LANES,
    .log_mel = log_mel,
    .normalise = normalise_some,
};
