// SPDX-License-Identifier: Apache-2.0
// margin.c - AAM-softmax by three matrix products; see blas.h and worker/nn/aam.h.
//
// With x' and w' of length one, cos = x' w' and D the gradient of the loss by cos:
// dx = (D w'^T - x' sum_j D cos) / |x|, dw = (x'^T D - w' sum_r D cos) / |w|. The class
// vectors are never normalised in memory; their lengths scale rows and columns instead.
#include "worker/kernels/blas/blas.h"

#include <math.h>
#include <string.h>

#define LENGTH_MIN 1e-12 // as PyTorch's normalize
#define EXP_EXACT  80.0  // exp(-x) is a normal float for x up to here, and more

// Unit rows of x; behind them, in the same workspace, one over each row's length.
static void unit_rows(const struct margin_loss *l)
{
    float *inverse = host_at(l->unit) + (size_t)l->n_rows * (size_t)l->n_embed;
    for (int r = 0; r < l->n_rows; r++) {
        const float *x = host_at(l->x) + (size_t)r * (size_t)l->n_embed;
        float *unit = host_at(l->unit) + (size_t)r * (size_t)l->n_embed;
        double sum = 0;
        for (int i = 0; i < l->n_embed; i++) {
            sum += (double)x[i] * x[i];
        }
        inverse[r] = (float)(1 / fmax(sqrt(sum), LENGTH_MIN));
        for (int i = 0; i < l->n_embed; i++) {
            unit[i] = x[i] * inverse[r];
        }
    }
}

static void class_lengths(const struct margin_loss *l, float *inverse)
{
    memset(inverse, 0, (size_t)l->n_classes * sizeof(*inverse));
    for (int i = 0; i < l->n_embed; i++) {
        const float *w = host_at(l->w) + (size_t)i * (size_t)l->n_classes;
        for (int j = 0; j < l->n_classes; j++) {
            inverse[j] += w[j] * w[j];
        }
    }
    for (int j = 0; j < l->n_classes; j++) {
        inverse[j] = 1 / fmaxf(sqrtf(inverse[j]), (float)LENGTH_MIN);
    }
}

// The cosine at the label with its margin, and its derivative.
static double with_margin(double cosine, double margin, double *slope)
{
    if (cosine <= cos(M_PI - margin)) {
        *slope = 1;
        return cosine - sin(M_PI - margin) * margin;
    }
    double sine = sqrt(fmin(fmax(1 - cosine * cosine, 0), 1));
    *slope = cos(margin) + (sine > 0 ? sin(margin) * cosine / sine : 0);
    return cosine * cos(margin) - sine * sin(margin);
}

static float greatest(const float *x, int n)
{
    float most = x[0];
    for (int i = 1; i < n; i++) {
        most = x[i] > most ? x[i] : most;
    }
    return most;
}

// Loss of one row, whose cosines become D.
static double row_loss(const struct margin_loss *l, float *cosine, int label)
{
    size_t n = (size_t)l->n_classes;
    double slope;
    double at_label = with_margin(cosine[label], l->margin, &slope);
    cosine[label] = (float)at_label;
    float scale = (float)l->scale;
    float most = greatest(cosine, l->n_classes);
    double sum = passes_best()->exp_sum(n, cosine, scale, scale * most);
    double others = 0; // apart from the label, so that a small loss keeps its digits
    for (size_t j = 0; j < n; j++) {
        others += j == (size_t)label ? 0 : (double)cosine[j];
    }
    double behind = l->scale * ((double)most - at_label);
    double at = (double)cosine[label]; // exp(-behind), or what floats make of it
    double share = l->scale / l->n_rows;
    for (size_t j = 0; j < n; j++) {
        cosine[j] *= (float)(share / sum);
    }
    cosine[label] = (float)(-share * others / sum * slope);
    return behind < EXP_EXACT ? log1p(others / at) : log(sum) + behind;
}

static void rows_loss(const struct margin_loss *l, const float *inverse,
                      struct margin_result *result)
{
    *result = (struct margin_result){0};
    for (int r = 0; r < l->n_rows; r++) {
        float *cosine = host_at(l->cosine) + (size_t)r * (size_t)l->n_classes;
        for (int j = 0; j < l->n_classes; j++) {
            cosine[j] *= inverse[j];
        }
        int label = l->labels[r];
        result->n_right += cosine[label] >= greatest(cosine, l->n_classes);
        result->loss += row_loss(l, cosine, label) / l->n_rows;
        for (int j = 0; j < l->n_classes; j++) {
            cosine[j] *= inverse[j]; // D w'^T is D / |w| times W^T
        }
    }
}

// dx holds D w'^T: takes out its part along x'.
static void finish_rows(const struct margin_loss *l)
{
    const float *inverse = host_at(l->unit) + (size_t)l->n_rows * (size_t)l->n_embed;
    for (int r = 0; r < l->n_rows; r++) {
        const float *unit = host_at(l->unit) + (size_t)r * (size_t)l->n_embed;
        float *dx = host_at(l->dx) + (size_t)r * (size_t)l->n_embed;
        float along = 0;
        for (int i = 0; i < l->n_embed; i++) {
            along += unit[i] * dx[i];
        }
        for (int i = 0; i < l->n_embed; i++) {
            dx[i] = (dx[i] - along * unit[i]) * inverse[r];
        }
    }
}

// dw holds x'^T D / |w|: takes out its part along w'.
static void finish_classes(const struct margin_loss *l, const float *inverse,
                           float *along)
{
    int n = l->n_classes;
    memset(along, 0, (size_t)n * sizeof(*along));
    for (int i = 0; i < l->n_embed; i++) {
        const float *w = host_at(l->w) + (size_t)i * (size_t)n;
        const float *dw = host_at(l->dw) + (size_t)i * (size_t)n;
        for (int j = 0; j < n; j++) {
            along[j] += w[j] * dw[j];
        }
    }
    for (int j = 0; j < n; j++) {
        along[j] *= inverse[j] * inverse[j];
    }
    for (int i = 0; i < l->n_embed; i++) {
        const float *w = host_at(l->w) + (size_t)i * (size_t)n;
        float *dw = host_at(l->dw) + (size_t)i * (size_t)n;
        for (int j = 0; j < n; j++) {
            dw[j] -= along[j] * w[j];
        }
    }
}

void blas_margin_loss(struct stream *s, const struct margin_loss *l,
                      struct margin_result *result)
{
    (void)s;
    int rows = l->n_rows;
    int embed = l->n_embed;
    int classes = l->n_classes;
    float *inverse = host_at(l->class_sums);
    struct matrix unit = blas_matrix(l->unit, embed);
    struct matrix w = blas_matrix(l->w, classes);
    struct matrix d = blas_matrix(l->cosine, classes);
    unit_rows(l);
    class_lengths(l, inverse);
    gemm_nn((struct shape){rows, classes, embed}, unit, w, 0,
            (struct rows){host_at(l->cosine), classes});
    rows_loss(l, inverse, result);
    gemm_nt((struct shape){rows, embed, classes}, d, w, 0,
            (struct rows){host_at(l->dx), embed});
    gemm_tn((struct shape){embed, classes, rows}, unit, d, 0,
            (struct rows){host_at(l->dw), classes});
    finish_rows(l);
    finish_classes(l, inverse, inverse + classes);
}
