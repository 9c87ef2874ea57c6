// SPDX-License-Identifier: Apache-2.0
// conv.c - reference convolution, ReLU, and the layers made of them; see ref.h.
#include "worker/kernels/ref/ref.h"

#include <string.h>

struct ref_rows ref_frames(const struct stream *s)
{
    return (struct ref_rows){s->utts, s->n_utts, s->n_real};
}

static const float *weight_row(const struct conv *c, int tap, int out)
{
    return host_at(c->weights) +
           ((size_t)tap * (size_t)c->out + (size_t)out) * (size_t)c->in;
}

// Rows from an output to the input that tap reads.
static int shift_of(const struct conv *c, int tap)
{
    return (tap - c->taps / 2) * c->dilation;
}

static float conv_at(const struct conv *c, struct plane x, int row, int out)
{
    double sum = 0;
    for (int k = 0; k < c->taps; k++) {
        const float *w = weight_row(c, k, out);
        const float *in = host_row(x, row + shift_of(c, k));
        for (int i = 0; i < c->in; i++) {
            sum += (double)w[i] * in[i];
        }
    }
    return (float)sum;
}

void ref_conv(const struct stream *s, const struct conv *c, struct plane x,
              struct plane y)
{
    for (int u = 0; u < s->n_utts; u++) {
        for (int t = 0; t < s->utts[u].n; t++) {
            int row = s->utts[u].first + t;
            for (int o = 0; o < c->out; o++) {
                host_row(y, row)[o] = conv_at(c, x, row, o);
            }
        }
    }
}

// Sum over rows of the first channels of dy and, `shift` rows further, of x.
static float weight_back_at(const struct stream *s, struct plane dy, struct plane x,
                            int shift)
{
    double sum = 0;
    for (int row = s->gap; row < s->n_rows - s->gap; row++) {
        sum += (double)*host_row(dy, row) * *host_row(x, row + shift);
    }
    return (float)sum;
}

void ref_conv_back(const struct stream *s, const struct conv *c, struct plane x,
                   struct plane dy, struct place d_weights)
{
    host_zero_gaps(s, dy, c->out);
    float *dw = host_at(d_weights);
    for (int k = 0; k < c->taps; k++) {
        for (int o = 0; o < c->out; o++) {
            for (int i = 0; i < c->in; i++) {
                *dw++ = weight_back_at(s, plane_from(dy, o), plane_from(x, i),
                                       shift_of(c, k));
            }
        }
    }
}

static double conv_back_at(const struct conv *c, struct plane dy, int row, int in)
{
    double sum = 0;
    for (int k = 0; k < c->taps; k++) {
        const float *out = host_row(dy, row - shift_of(c, k));
        for (int o = 0; o < c->out; o++) {
            sum += (double)weight_row(c, k, o)[in] * out[o];
        }
    }
    return sum;
}

void ref_conv_back_input(const struct stream *s, const struct conv *c, struct plane dy,
                         struct plane dx, bool accumulate)
{
    for (int u = 0; u < s->n_utts; u++) {
        for (int t = 0; t < s->utts[u].n; t++) {
            int row = s->utts[u].first + t;
            for (int i = 0; i < c->in; i++) {
                float *to = &host_row(dx, row)[i];
                *to = (float)((accumulate ? *to : 0) + conv_back_at(c, dy, row, i));
            }
        }
    }
}

void ref_relu(const struct ref_rows *rows, struct plane x, int n)
{
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            float *v = host_row(x, rows->spans[u].first + t);
            for (int i = 0; i < n; i++) {
                v[i] = v[i] < 0 ? 0 : v[i]; // NaN stays
            }
        }
    }
}

void ref_relu_back(const struct ref_rows *rows, struct plane y, struct plane dy, int n)
{
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            const float *v = host_row(y, rows->spans[u].first + t);
            float *d = host_row(dy, rows->spans[u].first + t);
            for (int i = 0; i < n; i++) {
                d[i] = v[i] > 0 ? d[i] : 0;
            }
        }
    }
}

void ref_add(const struct ref_rows *rows, struct plane x, struct plane sum, int n)
{
    for (int u = 0; u < rows->n_spans; u++) {
        for (int t = 0; t < rows->spans[u].n; t++) {
            const float *from = host_row(x, rows->spans[u].first + t);
            float *to = host_row(sum, rows->spans[u].first + t);
            for (int i = 0; i < n; i++) {
                to[i] += from[i];
            }
        }
    }
}

static void conv_norm_end(struct stream *s, const struct conv_norm *c)
{
    struct ref_rows frames = ref_frames(s);
    host_zero_gaps(s, c->y, c->conv.out);
    if (plane_exists(c->next)) {
        ref_add(&frames, c->y, c->next, c->conv.out);
    }
}

void ref_conv_norm_train(struct stream *s, const struct conv_norm *c)
{
    struct ref_rows frames = ref_frames(s);
    ref_conv(s, &c->conv, c->x, c->z);
    ref_relu(&frames, c->z, c->conv.out);
    ref_norm_measure(&frames, &c->norm, c->z, c->conv.out);
    ref_norm_apply(&frames, &c->norm, true, c->z, c->y, c->conv.out);
    conv_norm_end(s, c);
}

void ref_conv_norm_eval(struct stream *s, const struct conv_norm *c)
{
    struct ref_rows frames = ref_frames(s);
    ref_conv(s, &c->conv, c->x, c->y);
    ref_relu(&frames, c->y, c->conv.out);
    ref_norm_apply(&frames, &c->norm, false, c->y, c->y, c->conv.out);
    conv_norm_end(s, c);
}

void ref_conv_norm_back(struct stream *s, const struct conv_norm *c,
                        const struct conv_norm_back *b)
{
    struct ref_rows frames = ref_frames(s);
    if (plane_exists(b->dy_more)) {
        ref_add(&frames, b->dy_more, b->dy, c->conv.out);
    }
    ref_norm_back(&frames, &c->norm, c->z, b->dy, c->conv.out, b->d_gamma, b->d_beta);
    ref_relu_back(&frames, c->z, b->dy, c->conv.out);
    ref_conv_back(s, &c->conv, c->x, b->dy, b->d_weights);
    if (plane_exists(b->dx)) {
        ref_conv_back_input(s, &c->conv, b->dy, b->dx, b->accumulate_dx);
    }
}

void ref_conv_relu(struct stream *s, const struct conv_relu *c)
{
    struct ref_rows frames = ref_frames(s);
    ref_conv(s, &c->conv, c->x, c->y);
    ref_relu(&frames, c->y, c->conv.out);
    host_zero_gaps(s, c->y, c->conv.out);
}

void ref_conv_relu_back(struct stream *s, const struct conv_relu *c,
                        const struct conv_relu_back *b)
{
    struct ref_rows frames = ref_frames(s);
    ref_relu_back(&frames, c->y, b->dy, c->conv.out);
    ref_conv_back(s, &c->conv, c->x, b->dy, b->d_weights);
    ref_conv_back_input(s, &c->conv, b->dy, b->dx, false);
}
