// SPDX-License-Identifier: Apache-2.0
// mlp.c - see mlp.h. Predictions are made in batches: one product a hidden layer.
#include "coordinator/predict/mlp.h"

#include "coordinator/predict/matrix.h"
#include "coordinator/predict/onehot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Both hidden planes of a batch stay in a core's own cache: 2 x 128 x 400 floats.
#define BATCH_ROWS 128

const struct predictor_type predictor_mlp = {
    .name = "mlp",
    .min_labels = 10,
    .fit = mlp_fit,
    .predict = mlp_predict,
    .save = mlp_save,
    .load = mlp_load,
    .destroy = mlp_destroy,
};

static float *floats(size_t n)
{
    float *p = calloc(n + 1, sizeof(*p));
    BUG_ON(!p);
    return p;
}

struct mlp *mlp_create(size_t n_in, const size_t hidden[static MLP_LAYERS - 1])
{
    struct mlp *m = calloc(1, sizeof(*m));
    BUG_ON(!m);
    m->n_in = n_in;
    float **norms[] = {&m->bn_weight, &m->bn_bias, &m->bn_mean, &m->bn_var};
    for (size_t i = 0; i < sizeof(norms) / sizeof(norms[0]); i++) {
        *norms[i] = floats(n_in);
    }
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        struct mlp_layer *l = &m->layers[i];
        l->in = i == 0 ? n_in : hidden[i - 1];
        l->out = i == MLP_LAYERS - 1 ? 1 : hidden[i];
        l->weight = floats(l->out * l->in);
        l->bias = floats(l->out);
    }
    m->rows = floats(n_in * hidden[0]);
    m->rows_bias = floats(hidden[0]);
    return m;
}

void mlp_destroy(void *mlp)
{
    struct mlp *m = mlp;
    if (!m) {
        return;
    }
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        free(m->layers[i].weight);
        free(m->layers[i].bias);
    }
    free(m->bn_weight);
    free(m->bn_bias);
    free(m->bn_mean);
    free(m->bn_var);
    free(m->rows);
    free(m->rows_bias);
    free(m);
}

void mlp_fold(struct mlp *m)
{
    const struct mlp_layer *l = &m->layers[0];
    for (size_t o = 0; o < l->out; o++) {
        double bias = l->bias[o];
        for (size_t i = 0; i < l->in; i++) {
            double weight = l->weight[o * l->in + i];
            double scale = m->bn_weight[i] / sqrt(m->bn_var[i] + MLP_EPS);
            m->rows[i * l->out + o] = (float)(weight * scale);
            bias += weight * (m->bn_bias[i] - m->bn_mean[i] * scale);
        }
        m->rows_bias[o] = (float)bias;
    }
}

static void add_row(float *restrict to, const float *restrict row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] += row[i];
    }
}

static void relu(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = to[i] > 0 ? to[i] : 0;
    }
}

static void relu_biased(float *restrict to, const float *restrict bias, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = to[i] + bias[i];
        to[i] = x > 0 ? x : 0;
    }
}

static void first_layer(const struct mlp *m, const struct space *s,
                        const struct arch *archs, size_t n, float *out)
{
    size_t width = m->layers[0].out;
    for (size_t i = 0; i < n; i++) {
        int ones[SPACE_GENES_MAX];
        size_t n_ones = onehot_of(s, &archs[i], ones);
        float *to = out + i * width;
        memcpy(to, m->rows_bias, width * sizeof(*to));
        for (size_t j = 0; j < n_ones; j++) {
            add_row(to, m->rows + (size_t)ones[j] * width, width);
        }
        relu(to, width);
    }
}

static void hidden_layer(const struct mlp_layer *l, const float *in, size_t n,
                         float *out)
{
    matrix_nt((struct matrix_shape){n, l->out, l->in}, in, l->weight, out);
    for (size_t i = 0; i < n; i++) {
        relu_biased(out + i * l->out, l->bias, l->out);
    }
}

// One row's output, in the labels' unit.
static double last_layer(const struct mlp *m, const float *in)
{
    const struct mlp_layer *l = &m->layers[MLP_LAYERS - 1];
    double y = l->bias[0];
    for (size_t i = 0; i < l->in; i++) {
        y += (double)l->weight[i] * in[i];
    }
    return (y - m->y_bias) / (m->y_weight + MLP_EPS) * sqrt(m->y_var + MLP_EPS) +
           m->y_mean;
}

static size_t widest(const struct mlp *m)
{
    size_t width = 0;
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        width = m->layers[i].out > width ? m->layers[i].out : width;
    }
    return width;
}

void mlp_predict(const void *mlp, const struct space *s, const struct arch *archs,
                 size_t n, double *values, double *spreads)
{
    const struct mlp *m = mlp;
    size_t batch = n < BATCH_ROWS ? n : BATCH_ROWS;
    size_t width = widest(m);
    float *from = floats(batch * width);
    float *to = floats(batch * width);
    for (size_t first = 0; first < n; first += batch) {
        size_t rows = n - first < batch ? n - first : batch;
        first_layer(m, s, archs + first, rows, from);
        for (size_t i = 1; i + 1 < MLP_LAYERS; i++) {
            hidden_layer(&m->layers[i], from, rows, to);
            float *swap = from;
            from = to;
            to = swap;
        }
        for (size_t i = 0; i < rows; i++) {
            values[first + i] = last_layer(m, from + i * m->layers[MLP_LAYERS - 1].in);
        }
    }
    if (spreads) {
        memset(spreads, 0, n * sizeof(*spreads)); // it knows none
    }
    free(from);
    free(to);
}
