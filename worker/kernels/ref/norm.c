// SPDX-License-Identifier: Apache-2.0
// norm.c - reference batch normalisation; see ref.h.
#include "worker/kernels/ref/ref.h"

#include <math.h>

static double channel_mean(const struct ref_rows *rows, struct plane x, int channel)
{
    double sum = 0;
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            sum += host_row(x, rows->spans[u].first + t)[channel];
        }
    }
    return sum / rows->n_real;
}

static double channel_variance(const struct ref_rows *rows, struct plane x, int channel,
                               double mean)
{
    double sum = 0;
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            double d = host_row(x, rows->spans[u].first + t)[channel] - mean;
            sum += d * d;
        }
    }
    return sum / rows->n_real;
}

void ref_norm_measure(const struct ref_rows *rows, const struct norm *norm,
                      struct plane x, int n)
{
    for (int i = 0; i < n; i++) {
        double mean = channel_mean(rows, x, i);
        host_at(norm->batch_mean)[i] = (float)mean;
        host_at(norm->batch_var)[i] = (float)channel_variance(rows, x, i, mean);
    }
}

void ref_norm_apply(const struct ref_rows *rows, const struct norm *norm, bool by_batch,
                    struct plane x, struct plane y, int n)
{
    const float *mean = host_at(by_batch ? norm->batch_mean : norm->running_mean);
    const float *var = host_at(by_batch ? norm->batch_var : norm->running_var);
    const float *gamma = host_at(norm->gamma);
    const float *beta = host_at(norm->beta);
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            const float *from = host_row(x, rows->spans[u].first + t);
            float *to = host_row(y, rows->spans[u].first + t);
            for (int i = 0; i < n; i++) {
                double unit = (from[i] - mean[i]) / sqrt(var[i] + NORM_EPS);
                to[i] = (float)(gamma[i] * unit + beta[i]);
            }
        }
    }
}

// One channel. With u = (x - mean) / deviation over N values:
// dgamma = sum dy u, dbeta = sum dy, dx = gamma / deviation (dy - dbeta/N - u
// dgamma/N).
static void channel_back(const struct ref_rows *rows, const struct norm *norm,
                         struct plane x, struct plane dy, int i, double sums[2])
{
    double mean = host_at(norm->batch_mean)[i];
    double deviation = sqrt(host_at(norm->batch_var)[i] + NORM_EPS);
    sums[0] = sums[1] = 0;
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            int row = rows->spans[u].first + t;
            sums[0] += host_row(dy, row)[i] * (host_row(x, row)[i] - mean) / deviation;
            sums[1] += host_row(dy, row)[i];
        }
    }
    double scale = host_at(norm->gamma)[i] / deviation;
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            int row = rows->spans[u].first + t;
            double unit = (host_row(x, row)[i] - mean) / deviation;
            float *d = &host_row(dy, row)[i];
            *d = (float)(scale * (*d - (sums[1] + unit * sums[0]) / rows->n_real));
        }
    }
}

void ref_norm_back(const struct ref_rows *rows, const struct norm *norm, struct plane x,
                   struct plane dy, int n, struct place d_gamma, struct place d_beta)
{
    for (int i = 0; i < n; i++) {
        double sums[2];
        channel_back(rows, norm, x, dy, i, sums);
        host_at(d_gamma)[i] = (float)sums[0];
        host_at(d_beta)[i] = (float)sums[1];
    }
}
