// SPDX-License-Identifier: Apache-2.0
// mlp_fit.c - training the MLP: mean squared error, Adam with weight decay in L2 form.
//
// As in the paper, but for three things that few labels ask for: the batch norm uses
// the exact statistics of all labels rather than a batch's, a value that no label shows
// has no influence, and the learning rate falls to zero (a cosine).
#include "coordinator/predict/draws.h"
#include "coordinator/predict/matrix.h"
#include "coordinator/predict/mlp.h"
#include "coordinator/predict/onehot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH        256
#define EPOCHS       150
#define STEPS_MAX    600 // fewer epochs when there are many labels, but some
#define EPOCHS_MIN   10
#define RATE         1e-3
#define WEIGHT_DECAY 1e-3
#define BETA1        0.9
#define BETA2        0.999
#define ADAM_EPS     1e-8
#define PI           3.14159265358979323846

struct trained { // one tensor with its gradient and Adam's moments
    float *value;
    float *gradient, *mean, *square; // [n]
    size_t n;
};

#define N_TRAINED (2 + 2 * MLP_LAYERS)

struct trainer {
    struct mlp *m;
    size_t n_labels;
    float *inputs;  // [n_labels][n_in], standardised one-hot genes
    float *targets; // [n_labels], standardised
    uint32_t *order;
    struct trained trained[N_TRAINED]; // bn weight and bias, then each layer's
    size_t n_epochs, n_batches;        // batches an epoch
    size_t step;                       // of n_epochs * n_batches

    // One batch's planes: what goes into each layer, its gradient, and the output.
    size_t n_rows;
    float *in[MLP_LAYERS + 1];      // [n_rows][layers[i].in]; the last: the output
    float *in_grad[MLP_LAYERS + 1]; // the same shapes
    float *z;                       // [n_rows][n_in], the batch's inputs
    float *wanted;                  // [n_rows]
};

static float *floats(size_t n)
{
    float *p = calloc(n + 1, sizeof(*p));
    BUG_ON(!p);
    return p;
}

// ---------------------------------------------------------------- before training

static void fill_inputs(struct trainer *t, const struct space *s,
                        const struct labels *l)
{
    struct mlp *m = t->m;
    for (size_t i = 0; i < l->n; i++) {
        int ones[SPACE_GENES_MAX];
        size_t n_ones = onehot_of(s, &l->archs[i], ones);
        for (size_t j = 0; j < n_ones; j++) {
            t->inputs[i * m->n_in + (size_t)ones[j]] = 1;
            m->bn_mean[ones[j]] += 1 / (float)l->n;
        }
    }
    for (size_t j = 0; j < m->n_in; j++) {
        float p = m->bn_mean[j];
        m->bn_var[j] = p * (1 - p);
        m->bn_weight[j] = p > 0 ? 1 : 0;
        float scale = p > 0 ? 1 / sqrtf(m->bn_var[j] + (float)MLP_EPS) : 0;
        for (size_t i = 0; i < l->n; i++) {
            float *x = &t->inputs[i * m->n_in + j];
            *x = (*x - p) * scale;
        }
    }
}

static void fill_targets(struct trainer *t, const struct labels *l)
{
    double mean = 0;
    double variance = 0;
    for (size_t i = 0; i < l->n; i++) {
        mean += l->values[i] / (double)l->n;
    }
    for (size_t i = 0; i < l->n; i++) {
        double off = l->values[i] - mean;
        variance += off * off / (double)l->n;
    }
    t->m->y_weight = 1;
    t->m->y_mean = (float)mean;
    t->m->y_var = (float)variance;
    for (size_t i = 0; i < l->n; i++) {
        t->targets[i] = (float)((l->values[i] - mean) / sqrt(variance + MLP_EPS));
    }
}

// Uniform within 1 / sqrt(in), as the paper's framework does by default.
static void init_layers(struct mlp *m, uint64_t seed)
{
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        struct mlp_layer *l = &m->layers[i];
        struct rng r = rng_stream(seed, RNG_FIT, DRAW_INIT, i);
        double limit = 1 / sqrt((double)l->in);
        for (size_t j = 0; j < l->in * l->out; j++) {
            l->weight[j] = (float)rng_uniform(&r, -limit, limit);
        }
        for (size_t j = 0; j < l->out; j++) {
            l->bias[j] = (float)rng_uniform(&r, -limit, limit);
        }
    }
}

static struct trained trained_of(float *value, size_t n)
{
    return (struct trained){value, floats(n), floats(n), floats(n), n};
}

static size_t epochs_of(size_t n_batches)
{
    size_t n = STEPS_MAX / n_batches;
    return n > EPOCHS ? EPOCHS : n < EPOCHS_MIN ? EPOCHS_MIN : n;
}

static void trainer_init(struct trainer *t, struct mlp *m, size_t n_labels)
{
    size_t n_batches = (n_labels + BATCH - 1) / BATCH;
    *t = (struct trainer){.m = m,
                          .n_labels = n_labels,
                          .inputs = floats(n_labels * m->n_in),
                          .targets = floats(n_labels),
                          .order = malloc(n_labels * sizeof(*t->order)),
                          .n_epochs = epochs_of(n_batches),
                          .n_batches = n_batches,
                          .n_rows = (n_labels + n_batches - 1) / n_batches};
    BUG_ON(!t->order);
    t->trained[0] = trained_of(m->bn_weight, m->n_in);
    t->trained[1] = trained_of(m->bn_bias, m->n_in);
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        const struct mlp_layer *l = &m->layers[i];
        t->trained[2 + 2 * i] = trained_of(l->weight, l->in * l->out);
        t->trained[3 + 2 * i] = trained_of(l->bias, l->out);
    }
    for (size_t i = 0; i <= MLP_LAYERS; i++) {
        size_t width = i == MLP_LAYERS ? 1 : m->layers[i].in;
        t->in[i] = floats(t->n_rows * width);
        t->in_grad[i] = floats(t->n_rows * width);
    }
    t->z = floats(t->n_rows * m->n_in);
    t->wanted = floats(t->n_rows);
}

static void trainer_fini(struct trainer *t)
{
    for (size_t i = 0; i < N_TRAINED; i++) {
        free(t->trained[i].gradient);
        free(t->trained[i].mean);
        free(t->trained[i].square);
    }
    for (size_t i = 0; i <= MLP_LAYERS; i++) {
        free(t->in[i]);
        free(t->in_grad[i]);
    }
    free(t->inputs);
    free(t->targets);
    free(t->order);
    free(t->z);
    free(t->wanted);
}

// ---------------------------------------------------------------- one step

static void gather(struct trainer *t, size_t first, size_t n)
{
    size_t width = t->m->n_in;
    for (size_t i = 0; i < n; i++) {
        size_t label = t->order[first + i];
        memcpy(t->z + i * width, t->inputs + label * width, width * sizeof(float));
        t->wanted[i] = t->targets[label];
        for (size_t j = 0; j < width; j++) {
            t->in[0][i * width + j] =
                t->z[i * width + j] * t->m->bn_weight[j] + t->m->bn_bias[j];
        }
    }
}

static void forward(struct trainer *t, size_t n)
{
    for (size_t i = 0; i < MLP_LAYERS; i++) {
        const struct mlp_layer *l = &t->m->layers[i];
        float *out = t->in[i + 1];
        matrix_nt((struct matrix_shape){n, l->out, l->in}, t->in[i], l->weight, out);
        bool is_last = i == MLP_LAYERS - 1;
        for (size_t r = 0; r < n; r++) {
            for (size_t j = 0; j < l->out; j++) {
                float x = out[r * l->out + j] + l->bias[j];
                out[r * l->out + j] = x > 0 || is_last ? x : 0;
            }
        }
    }
}

static void add_up_rows(const float *rows, size_t n, size_t width, float *sums)
{
    memset(sums, 0, width * sizeof(*sums));
    for (size_t r = 0; r < n; r++) {
        for (size_t j = 0; j < width; j++) {
            sums[j] += rows[r * width + j];
        }
    }
}

// Gradients of the batch norm's weight and bias.
static void backward_norm(struct trainer *t, size_t n)
{
    size_t width = t->m->n_in;
    float *weight = t->trained[0].gradient;
    add_up_rows(t->in_grad[0], n, width, t->trained[1].gradient);
    memset(weight, 0, width * sizeof(*weight));
    for (size_t r = 0; r < n; r++) {
        const float *grad = t->in_grad[0] + r * width;
        const float *z = t->z + r * width;
        for (size_t j = 0; j < width; j++) {
            weight[j] += grad[j] * z[j];
        }
    }
}

static void backward(struct trainer *t, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        t->in_grad[MLP_LAYERS][r] =
            2 * (t->in[MLP_LAYERS][r] - t->wanted[r]) / (float)n;
    }
    for (size_t i = MLP_LAYERS; i-- > 0;) {
        const struct mlp_layer *l = &t->m->layers[i];
        const float *out_grad = t->in_grad[i + 1];
        float *in_grad = t->in_grad[i];
        matrix_tn((struct matrix_shape){l->out, l->in, n}, out_grad, t->in[i],
                  t->trained[2 + 2 * i].gradient);
        add_up_rows(out_grad, n, l->out, t->trained[3 + 2 * i].gradient);
        matrix_nn((struct matrix_shape){n, l->in, l->out}, out_grad, l->weight,
                  in_grad);
        for (size_t k = 0; i > 0 && k < n * l->in; k++) {
            in_grad[k] = t->in[i][k] > 0 ? in_grad[k] : 0;
        }
    }
    backward_norm(t, n);
}

static void adam_tensor(const struct trained *p, float size, float unbias)
{
    float *restrict value = p->value;
    float *restrict mean = p->mean;
    float *restrict square = p->square;
    for (size_t j = 0; j < p->n; j++) {
        float g = p->gradient[j] + (float)WEIGHT_DECAY * value[j];
        mean[j] += (1 - (float)BETA1) * (g - mean[j]);
        square[j] += (1 - (float)BETA2) * (g * g - square[j]);
        value[j] -= size * mean[j] / (sqrtf(square[j] * unbias) + (float)ADAM_EPS);
    }
}

static void adam(struct trainer *t)
{
    double progress = (double)t->step / (double)(t->n_epochs * t->n_batches);
    double step = (double)++t->step;
    double rate = RATE * .5 * (1 + cos(PI * progress));
    float size = (float)(rate / (1 - pow(BETA1, step)));
    float unbias = (float)(1 / (1 - pow(BETA2, step)));
    for (size_t i = 0; i < N_TRAINED; i++) {
        adam_tensor(&t->trained[i], size, unbias);
    }
}

static void train(struct trainer *t, uint64_t seed)
{
    for (size_t epoch = 0; epoch < t->n_epochs; epoch++) {
        struct rng r = rng_stream(seed, RNG_FIT, DRAW_ORDER, epoch);
        rng_permutation(&r, t->order, t->n_labels);
        for (size_t b = 0; b < t->n_batches; b++) {
            size_t first = b * t->n_labels / t->n_batches;
            size_t n = (b + 1) * t->n_labels / t->n_batches - first;
            gather(t, first, n);
            forward(t, n);
            backward(t, n);
            adam(t);
        }
    }
}

enum err mlp_fit(const struct space *s, const struct labels *l, uint64_t seed,
                 void **state, struct errinfo *why)
{
    (void)why;
    const size_t hidden[] = {MLP_HIDDEN, MLP_HIDDEN, MLP_HIDDEN};
    struct mlp *m = mlp_create(onehot_size(s), hidden);
    struct trainer t;
    trainer_init(&t, m, l->n);
    fill_inputs(&t, s, l);
    fill_targets(&t, l);
    init_layers(m, seed);
    train(&t, seed);
    trainer_fini(&t);
    mlp_fold(m);
    *state = m;
    return ERR_OK;
}
