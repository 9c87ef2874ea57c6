// SPDX-License-Identifier: Apache-2.0
// passes.c - see passes.h. Built once per instruction set: PASSES_TABLE names the
// table.
//
// Written for the compiler's vectoriser: inner loops run over channels, which are
// contiguous, and carry nothing from one channel to the next. ReLU is x < 0 ? 0 : x, so
// that a NaN stays one.
#include "worker/kernels/blas/passes.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define TILE         64 // channels whose sums stay in registers or the nearest cache
#define BLOCK_ROWS   32 // rows summed in float before they join the double
#define MIN_VARIANCE 1e-9F

// Planes may be the same (in place), row for row: no iteration reads what another
// wrote.
#if defined(__clang__)
#    define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#    define INDEPENDENT _Pragma("GCC ivdep")
#endif

extern const struct passes PASSES_TABLE;

static inline int smaller(int a, int b)
{
    return a < b ? a : b;
}

static inline float *row_of(struct rows r, int row)
{
    return r.at + (ptrdiff_t)row * r.ld;
}

static inline void flush(int n, const float *restrict from, double *restrict to)
{
    for (int i = 0; i < n; i++) {
        to[i] += (double)from[i];
    }
}

// exp by 2^k times a polynomial for the rest, |rest| <= ln 2 / 2; relative error 2e-7.
// Arguments are cut where the result would leave the normal floats.
static inline float fast_exp(float x)
{
    x = x < -87.0F ? -87.0F : x;
    x = x > 88.0F ? 88.0F : x;
    const float to_integer = 12582912.0F; // 1.5 * 2^23: adding it rounds to an integer
    float k = x * 1.44269504F + to_integer;
    uint32_t bits;
    memcpy(&bits, &k, sizeof(bits));
    k -= to_integer;
    float r = x - k * 0.693359375F;
    r += k * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    uint32_t scale_bits = (bits + 127U) << 23; // k + 127 is the exponent of 2^k
    float scale;
    memcpy(&scale, &scale_bits, sizeof(scale));
    return p * scale;
}

static void relu_sums_tile(struct extent e, struct rows z, const float *restrict pivot,
                           double *const sums[2])
{
    float sum[TILE] = {0};
    float square[TILE] = {0};
    for (int r = 0; r < e.n_rows; r++) {
        float *restrict v = row_of(z, r);
        for (int i = 0; i < e.n; i++) {
            float x = v[i] < 0 ? 0 : v[i];
            float d = x - pivot[i];
            v[i] = x;
            sum[i] += d;
            square[i] += d * d;
        }
    }
    flush(e.n, sum, sums[0]);
    flush(e.n, square, sums[1]);
}

static void relu_sums(struct extent e, struct rows z, const float *pivot,
                      double *const sums[2])
{
    for (int r = 0; r < e.n_rows; r += BLOCK_ROWS) {
        for (int i = 0; i < e.n; i += TILE) {
            struct extent part = {smaller(BLOCK_ROWS, e.n_rows - r),
                                  smaller(TILE, e.n - i)};
            double *const at[2] = {sums[0] + i, sums[1] + i};
            relu_sums_tile(part, (struct rows){row_of(z, r) + i, z.ld}, pivot + i, at);
        }
    }
}

static void relu(struct extent e, struct rows z)
{
    for (int r = 0; r < e.n_rows; r++) {
        float *v = row_of(z, r);
        for (int i = 0; i < e.n; i++) {
            v[i] = v[i] < 0 ? 0 : v[i];
        }
    }
}

static void scale_shift(struct extent e, struct rows z, const float *restrict scale,
                        const float *restrict shift, struct rows y, struct rows next)
{
    for (int r = 0; r < e.n_rows; r++) {
        const float *from = row_of(z, r);
        float *to = row_of(y, r);
        INDEPENDENT
        for (int i = 0; i < e.n; i++) {
            to[i] = from[i] * scale[i] + shift[i];
        }
        if (next.at) {
            float *restrict sum = row_of(next, r);
            INDEPENDENT
            for (int i = 0; i < e.n; i++) {
                sum[i] += to[i];
            }
        }
    }
}

static void relu_scale_shift(struct extent e, struct rows y,
                             const float *restrict scale, const float *restrict shift,
                             struct rows next)
{
    for (int r = 0; r < e.n_rows; r++) {
        float *restrict v = row_of(y, r);
        for (int i = 0; i < e.n; i++) {
            v[i] = (v[i] < 0 ? 0 : v[i]) * scale[i] + shift[i];
        }
        if (next.at) {
            float *restrict sum = row_of(next, r);
            for (int i = 0; i < e.n; i++) {
                sum[i] += v[i];
            }
        }
    }
}

static void scale_shift_total(struct extent e, struct rows z,
                              const float *restrict scale, const float *restrict shift,
                              const struct rows totals[2], struct rows y)
{
    for (int r = 0; r < e.n_rows; r++) {
        const float *from = row_of(z, r);
        const float *total = row_of(totals[0], r);
        float *to = row_of(y, r);
        if (!totals[1].at) {
            INDEPENDENT
            for (int i = 0; i < e.n; i++) {
                to[i] = from[i] * scale[i] + shift[i] + total[i];
            }
            continue;
        }
        float *sum = row_of(totals[1], r);
        INDEPENDENT
        for (int i = 0; i < e.n; i++) {
            float before = total[i];
            float out = from[i] * scale[i] + shift[i] + before;
            to[i] = out;
            sum[i] = before + out;
        }
    }
}

static void norm_back_sums_tile(struct extent e, struct rows dy, struct rows more,
                                struct rows z, const float *restrict mean,
                                double *const sums[2])
{
    float sum[TILE] = {0};
    float product[TILE] = {0};
    for (int r = 0; r < e.n_rows; r++) {
        float *restrict d = row_of(dy, r);
        const float *restrict v = row_of(z, r);
        if (more.at) {
            const float *restrict m = row_of(more, r);
            INDEPENDENT
            for (int i = 0; i < e.n; i++) {
                d[i] += m[i];
            }
        }
        INDEPENDENT
        for (int i = 0; i < e.n; i++) {
            sum[i] += d[i];
            product[i] += d[i] * (v[i] - mean[i]);
        }
    }
    flush(e.n, sum, sums[0]);
    flush(e.n, product, sums[1]);
}

static struct rows part_of(struct rows p, int row, int first)
{
    return (struct rows){p.at ? row_of(p, row) + first : NULL, p.ld};
}

static void norm_back_sums(struct extent e, struct rows dy, struct rows more,
                           struct rows z, const float *mean, double *const sums[2])
{
    for (int r = 0; r < e.n_rows; r += BLOCK_ROWS) {
        for (int i = 0; i < e.n; i += TILE) {
            struct extent part = {smaller(BLOCK_ROWS, e.n_rows - r),
                                  smaller(TILE, e.n - i)};
            double *const at[2] = {sums[0] + i, sums[1] + i};
            norm_back_sums_tile(part, part_of(dy, r, i), part_of(more, r, i),
                                part_of(z, r, i), mean + i, at);
        }
    }
}

static void total_back_sums_tile(struct extent e, struct rows dy, struct rows total,
                                 bool is_last, struct rows z,
                                 const float *restrict mean, double *const sums[3])
{
    float sum[TILE] = {0};
    float product[TILE] = {0};
    float centred[TILE] = {0};
    for (int r = 0; r < e.n_rows; r++) {
        float *restrict d = row_of(dy, r);
        float *restrict later = row_of(total, r);
        const float *restrict v = row_of(z, r);
        INDEPENDENT
        for (int i = 0; i < e.n; i++) {
            float before = is_last ? 0 : later[i];
            float g = d[i] + before;
            float c = v[i] - mean[i];
            d[i] = g;
            later[i] = before + g;
            sum[i] += g;
            product[i] += g * c;
            centred[i] += c;
        }
    }
    flush(e.n, sum, sums[0]);
    flush(e.n, product, sums[1]);
    flush(e.n, centred, sums[2]);
}

static void total_back_sums(struct extent e, struct rows dy, struct rows total,
                            bool is_last, struct rows z, const float *mean,
                            double *const sums[3])
{
    for (int r = 0; r < e.n_rows; r += BLOCK_ROWS) {
        for (int i = 0; i < e.n; i += TILE) {
            struct extent part = {smaller(BLOCK_ROWS, e.n_rows - r),
                                  smaller(TILE, e.n - i)};
            double *const at[3] = {sums[0] + i, sums[1] + i, sums[2] + i};
            total_back_sums_tile(part, part_of(dy, r, i), part_of(total, r, i), is_last,
                                 part_of(z, r, i), mean + i, at);
        }
    }
}

static void norm_back(struct extent e, struct rows dy, struct rows z,
                      const struct norm_slopes *s, struct rows dz)
{
    const float *restrict a = s->a;
    const float *restrict b = s->b;
    const float *restrict c = s->c;
    const float *restrict mean = s->mean;
    for (int r = 0; r < e.n_rows; r++) {
        const float *d = row_of(dy, r);
        const float *restrict v = row_of(z, r);
        float *to = row_of(dz, r);
        INDEPENDENT
        for (int i = 0; i < e.n; i++) {
            float slope = a[i] * d[i] + b[i] * (v[i] - mean[i]) + c[i];
            to[i] = v[i] > 0 ? slope : 0;
        }
    }
}

static void relu_back(struct extent e, struct rows y, struct rows dy)
{
    for (int r = 0; r < e.n_rows; r++) {
        const float *restrict v = row_of(y, r);
        float *restrict d = row_of(dy, r);
        for (int i = 0; i < e.n; i++) {
            d[i] = v[i] > 0 ? d[i] : 0;
        }
    }
}

static void tanh_rows(struct extent e, struct rows x)
{
    for (int r = 0; r < e.n_rows; r++) {
        float *v = row_of(x, r);
        for (int i = 0; i < e.n; i++) {
            v[i] = 1 - 2 / (fast_exp(2 * v[i]) + 1);
        }
    }
}

static void tanh_back(struct extent e, struct rows y, struct rows dy)
{
    for (int r = 0; r < e.n_rows; r++) {
        const float *restrict v = row_of(y, r);
        float *restrict d = row_of(dy, r);
        for (int i = 0; i < e.n; i++) {
            d[i] *= 1 - v[i] * v[i];
        }
    }
}

static void greatest(struct extent e, struct rows x, float *restrict most)
{
    for (int i = 0; i < e.n; i++) {
        most[i] = x.at[i];
    }
    for (int r = 1; r < e.n_rows; r++) {
        const float *restrict v = row_of(x, r);
        for (int i = 0; i < e.n; i++) {
            most[i] = v[i] > most[i] ? v[i] : most[i];
        }
    }
}

// logits become exp(logit - most); sums of them, times h.
static void exponentiate(struct extent e, struct rows logits, struct rows h,
                         const float *restrict most, double *restrict sums,
                         double *restrict products)
{
    for (int first = 0; first < e.n_rows; first += BLOCK_ROWS) {
        float sum[TILE] = {0};
        float product[TILE] = {0};
        int end = smaller(first + BLOCK_ROWS, e.n_rows);
        for (int r = first; r < end; r++) {
            float *restrict l = row_of(logits, r);
            const float *restrict v = row_of(h, r);
            for (int i = 0; i < e.n; i++) {
                float a = fast_exp(l[i] - most[i]);
                l[i] = a;
                sum[i] += a;
                product[i] += a * v[i];
            }
        }
        flush(e.n, sum, sums);
        flush(e.n, product, products);
    }
}

// Divides attention by its sum; variances around the means.
static void normalise(struct extent e, struct rows attention, struct rows h,
                      const float *restrict inverse, const float *restrict mean,
                      double *restrict variances)
{
    for (int first = 0; first < e.n_rows; first += BLOCK_ROWS) {
        float sum[TILE] = {0};
        int end = smaller(first + BLOCK_ROWS, e.n_rows);
        for (int r = first; r < end; r++) {
            float *restrict a = row_of(attention, r);
            const float *restrict v = row_of(h, r);
            for (int i = 0; i < e.n; i++) {
                float d = v[i] - mean[i];
                a[i] *= inverse[i];
                sum[i] += a[i] * d * d;
            }
        }
        flush(e.n, sum, variances);
    }
}

static void pool_tile(struct extent e, struct rows logits, struct rows h,
                      float *restrict mean, float *restrict deviation)
{
    float most[TILE];
    float inverse[TILE];
    double sums[TILE] = {0};
    double products[TILE] = {0};
    double variances[TILE] = {0};
    greatest(e, logits, most);
    exponentiate(e, logits, h, most, sums, products);
    for (int i = 0; i < e.n; i++) {
        inverse[i] = (float)(1 / sums[i]);
        mean[i] = (float)(products[i] / sums[i]);
    }
    normalise(e, logits, h, inverse, mean, variances);
    for (int i = 0; i < e.n; i++) {
        float v = (float)variances[i];
        deviation[i] = sqrtf(v > MIN_VARIANCE ? v : MIN_VARIANCE);
    }
}

static void pool(struct extent e, struct rows logits, struct rows h,
                 const struct pool_moments *m)
{
    for (int i = 0; i < e.n; i += TILE) {
        struct extent part = {e.n_rows, smaller(TILE, e.n - i)};
        pool_tile(part, (struct rows){logits.at + i, logits.ld},
                  (struct rows){h.at + i, h.ld}, m->mean + i, m->deviation + i);
    }
}

// Around the mean nothing cancels: with u = h - mean,
// d logit = a (d_mean u + d_square (u^2 - variance)), dh = a (d_mean + 2 d_square u).
static void pool_back(struct extent e, struct rows attention, struct rows h,
                      const struct pool_slopes *s, struct rows dh)
{
    const float *restrict mean = s->mean;
    const float *restrict variance = s->variance;
    const float *restrict d_mean = s->d_mean;
    const float *restrict d_square = s->d_square;
    for (int r = 0; r < e.n_rows; r++) {
        float *restrict a = row_of(attention, r);
        const float *restrict v = row_of(h, r);
        float *restrict d = row_of(dh, r);
        INDEPENDENT
        for (int i = 0; i < e.n; i++) {
            float u = v[i] - mean[i];
            d[i] = a[i] * (d_mean[i] + 2 * d_square[i] * u);
            a[i] *= d_mean[i] * u + d_square[i] * (u * u - variance[i]);
        }
    }
}

static double exp_sum(size_t n, float *x, float scale, float shift)
{
    double total = 0;
    for (size_t first = 0; first < n; first += TILE) {
        size_t end = first + TILE < n ? first + TILE : n;
        float sum = 0;
        for (size_t i = first; i < end; i++) {
            x[i] = fast_exp(scale * x[i] - shift);
        }
        for (size_t i = first; i < end; i++) {
            sum += x[i];
        }
        total += (double)sum;
    }
    return total;
}

const struct passes PASSES_TABLE = {
    .name = PASSES_NAME,
    .relu_sums = relu_sums,
    .relu = relu,
    .scale_shift = scale_shift,
    .relu_scale_shift = relu_scale_shift,
    .scale_shift_total = scale_shift_total,
    .norm_back_sums = norm_back_sums,
    .total_back_sums = total_back_sums,
    .norm_back = norm_back,
    .relu_back = relu_back,
    .tanh = tanh_rows,
    .tanh_back = tanh_back,
    .pool = pool,
    .pool_back = pool_back,
    .exp_sum = exp_sum,
};
