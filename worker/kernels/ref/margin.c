// SPDX-License-Identifier: Apache-2.0
// margin.c - reference AAM-softmax; see ref.h and worker/nn/aam.h.
#include "worker/kernels/ref/ref.h"

#include <math.h>

#define NORM_MIN 1e-12 // as PyTorch's normalize

static double length_of(const float *x, int n, int stride)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)x[(size_t)i * (size_t)stride] * x[(size_t)i * (size_t)stride];
    }
    return fmax(sqrt(sum), NORM_MIN);
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

static void measure(const struct margin_loss *l, const float *x, float *cosine)
{
    double x_length = length_of(x, l->n_embed, 1);
    for (int j = 0; j < l->n_classes; j++) {
        const float *w = host_at(l->w) + j;
        double dot = 0;
        for (int i = 0; i < l->n_embed; i++) {
            dot += (double)x[i] * w[(size_t)i * (size_t)l->n_classes];
        }
        cosine[j] = (float)(dot / x_length / length_of(w, l->n_embed, l->n_classes));
    }
}

static bool is_right(const float *cosine, int n, int label)
{
    for (int j = 0; j < n; j++) {
        if (cosine[j] > cosine[label]) {
            return false;
        }
    }
    return true;
}

// One row: returns its loss; its cosines become the gradient with respect to them.
static double row_loss(const struct margin_loss *l, float *cosine, int label)
{
    double slope;
    double at_label = l->scale * with_margin(cosine[label], l->margin, &slope);
    double most = at_label;
    double sum = 0;
    for (int j = 0; j < l->n_classes; j++) {
        most = fmax(most, j == label ? at_label : l->scale * cosine[j]);
    }
    for (int j = 0; j < l->n_classes; j++) {
        sum += exp((j == label ? at_label : l->scale * cosine[j]) - most);
    }
    for (int j = 0; j < l->n_classes; j++) {
        double logit = j == label ? at_label : l->scale * cosine[j];
        double p = exp(logit - most) / sum;
        cosine[j] = (float)(l->scale / l->n_rows * (j == label ? (p - 1) * slope : p));
    }
    return log(sum) + most - at_label;
}

// d of a.b / (|a| |b|) by a = (unit b - cosine unit a) / |a|, for each pair of row,
// class.
static void pair_back(const struct margin_loss *l, int row, int j, double d)
{
    const float *x = host_at(l->x) + (size_t)row * (size_t)l->n_embed;
    const float *w = host_at(l->w) + j;
    float *dx = host_at(l->dx) + (size_t)row * (size_t)l->n_embed;
    float *dw = host_at(l->dw) + j;
    double x_length = length_of(x, l->n_embed, 1);
    double w_length = length_of(w, l->n_embed, l->n_classes);
    double cosine = 0;
    for (int i = 0; i < l->n_embed; i++) {
        cosine += x[i] / x_length * w[(size_t)i * (size_t)l->n_classes] / w_length;
    }
    for (int i = 0; i < l->n_embed; i++) {
        size_t at = (size_t)i * (size_t)l->n_classes;
        double x_unit = x[i] / x_length;
        double w_unit = w[at] / w_length;
        dx[i] += (float)(d * (w_unit - cosine * x_unit) / x_length);
        dw[at] += (float)(d * (x_unit - cosine * w_unit) / w_length);
    }
}

void ref_margin_loss(struct stream *s, const struct margin_loss *l,
                     struct margin_result *result)
{
    (void)s;
    size_t n = (size_t)l->n_rows * (size_t)l->n_embed;
    for (size_t i = 0; i < n; i++) {
        host_at(l->dx)[i] = 0;
    }
    for (size_t i = 0; i < (size_t)l->n_embed * (size_t)l->n_classes; i++) {
        host_at(l->dw)[i] = 0;
    }
    *result = (struct margin_result){0};
    for (int r = 0; r < l->n_rows; r++) {
        float *cosine = host_at(l->cosine) + (size_t)r * (size_t)l->n_classes;
        measure(l, host_at(l->x) + (size_t)r * (size_t)l->n_embed, cosine);
        result->n_right += is_right(cosine, l->n_classes, l->labels[r]);
        result->loss += row_loss(l, cosine, l->labels[r]) / l->n_rows;
        for (int j = 0; j < l->n_classes; j++) {
            pair_back(l, r, j, cosine[j]);
        }
    }
}
