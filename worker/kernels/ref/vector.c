// SPDX-License-Identifier: Apache-2.0
// vector.c - reference BN and linear map over plain rows; see ref.h.
#include "worker/kernels/ref/ref.h"

#include <string.h>

static void norm_forward(const struct vector_norm *v, bool by_batch)
{
    struct span all = {0, v->n_rows};
    struct ref_rows rows = {&all, 1, v->n_rows};
    struct plane x = {v->x, v->n};
    struct plane y = {v->y, v->n};
    if (by_batch) {
        ref_norm_measure(&rows, &v->norm, x, v->n);
    }
    ref_norm_apply(&rows, &v->norm, by_batch, x, y, v->n);
}

void ref_vector_norm_train(struct stream *s, const struct vector_norm *v)
{
    (void)s;
    norm_forward(v, true);
}

void ref_vector_norm_eval(struct stream *s, const struct vector_norm *v)
{
    (void)s;
    norm_forward(v, false);
}

void ref_vector_norm_back(struct stream *s, const struct vector_norm *v,
                          const struct vector_norm_back *b)
{
    (void)s;
    struct span all = {0, v->n_rows};
    struct ref_rows rows = {&all, 1, v->n_rows};
    memmove(host_at(b->dx), host_at(b->dy),
            (size_t)v->n_rows * (size_t)v->n * sizeof(float));
    ref_norm_back(&rows, &v->norm, (struct plane){v->x, v->n},
                  (struct plane){b->dx, v->n}, v->n, b->d_gamma, b->d_beta);
}

void ref_linear(struct stream *s, const struct linear *l)
{
    (void)s;
    for (int r = 0; r < l->n_rows; r++) {
        const float *x = host_at(l->x) + (size_t)r * (size_t)l->in;
        for (int o = 0; o < l->out; o++) {
            const float *w = host_at(l->weights) + (size_t)o * (size_t)l->in;
            double sum = host_at(l->bias)[o];
            for (int i = 0; i < l->in; i++) {
                sum += (double)w[i] * x[i];
            }
            host_at(l->y)[(size_t)r * (size_t)l->out + (size_t)o] = (float)sum;
        }
    }
}

// Gradients of output o's weights and bias.
static void weights_back(const struct linear *l, const struct linear_back *b, int o)
{
    double bias = 0;
    for (int r = 0; r < l->n_rows; r++) {
        bias += host_at(b->dy)[(size_t)r * (size_t)l->out + (size_t)o];
    }
    host_at(b->d_bias)[o] = (float)bias;
    for (int i = 0; i < l->in; i++) {
        double sum = 0;
        for (int r = 0; r < l->n_rows; r++) {
            sum += (double)host_at(b->dy)[(size_t)r * (size_t)l->out + (size_t)o] *
                   host_at(l->x)[(size_t)r * (size_t)l->in + (size_t)i];
        }
        host_at(b->d_weights)[(size_t)o * (size_t)l->in + (size_t)i] = (float)sum;
    }
}

void ref_linear_back(struct stream *s, const struct linear *l,
                     const struct linear_back *b)
{
    (void)s;
    for (int o = 0; o < l->out; o++) {
        weights_back(l, b, o);
    }
    for (int r = 0; r < l->n_rows; r++) {
        const float *dy = host_at(b->dy) + (size_t)r * (size_t)l->out;
        for (int i = 0; i < l->in; i++) {
            double sum = 0;
            for (int o = 0; o < l->out; o++) {
                sum += (double)dy[o] *
                       host_at(l->weights)[(size_t)o * (size_t)l->in + (size_t)i];
            }
            host_at(b->dx)[(size_t)r * (size_t)l->in + (size_t)i] = (float)sum;
        }
    }
}
