// SPDX-License-Identifier: Apache-2.0
// test_conv.c - convolutions with BN and ReLU: backends agree, gradients are slopes.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/kernels/lab.h"

static const int ragged[] = {23, 11, 30};

struct sizes {
    int in, out, taps, dilation;
    bool has_next; // Res2: the output goes into the next group's input too
    int margin;    // columns of the planes beyond the layer's own
};

struct op {
    struct conv_norm layer;
    struct conv_norm_back back;
};

static struct norm make_norm(struct lab *l, int n, struct place gradients[2])
{
    int gamma = lab_input_vectors(l, 1, n, 1);
    int beta = lab_input_vectors(l, 1, n, 1);
    gradients[0] = lab_d_place(l, gamma);
    gradients[1] = lab_d_place(l, beta);
    int mean = lab_vectors(l, 1, n, 0.1);
    int var = lab_vectors(l, 1, n, 0);
    float ones[64];
    for (int i = 0; i < n; i++) {
        ones[i] = 0.5F + 0.01F * (float)i;
    }
    lab_write(l, var, ones);
    return (struct norm){.gamma = lab_place(l, gamma),
                         .beta = lab_place(l, beta),
                         .running_mean = lab_place(l, mean),
                         .running_var = lab_place(l, var),
                         .batch_mean = lab_place(l, lab_vectors(l, 1, n, 0)),
                         .batch_var = lab_place(l, lab_vectors(l, 1, n, 0))};
}

static void set_up(struct lab *l, const void *arg)
{
    const struct sizes *z = arg;
    struct op *o = calloc(1, sizeof(*o));
    struct place d_norm[2];
    int x = lab_input_frames(l, z->in, z->margin, 1);
    int w = lab_input_vectors(l, z->taps * z->out, z->in, 0.3);
    int y = lab_output_frames(l, z->out, z->margin);
    o->layer = (struct conv_norm){
        .conv = {lab_place(l, w), z->out, z->in, z->taps, z->dilation},
        .norm = make_norm(l, z->out, d_norm),
        .x = lab_plane(l, x),
        .z = lab_plane(l, lab_frames(l, z->out, z->margin, 0)),
        .y = lab_plane(l, y),
    };
    o->back = (struct conv_norm_back){.dy = lab_d_plane(l, y),
                                      .dx = lab_d_plane(l, x),
                                      .d_weights = lab_d_place(l, w),
                                      .d_gamma = d_norm[0],
                                      .d_beta = d_norm[1]};
    if (z->has_next) {
        int next = lab_output_frames(l, z->out, z->margin);
        o->layer.next = lab_plane(l, next);
        o->back.dy_more = lab_d_plane(l, next);
    }
    l->op = o;
}

static void train(struct lab *l)
{
    l->k->conv_norm_train(l->s, &((struct op *)l->op)->layer);
}

static void evaluate(struct lab *l)
{
    l->k->conv_norm_eval(l->s, &((struct op *)l->op)->layer);
}

static void back(struct lab *l)
{
    struct op *o = l->op;
    l->k->conv_norm_back(l->s, &o->layer, &o->back);
}

static const struct sizes all_sizes[] = {
    {8, 8, 1, 1, false, 0}, {6, 12, 3, 1, false, 0},  {12, 6, 5, 1, true, 0},
    {8, 8, 3, 2, true, 24}, {4, 4, 5, 2, true, 28},   {3, 2, 3, 5, false, 5},
    {2, 2, 5, 5, true, 14}, {33, 48, 3, 4, false, 0}, {1, 1, 5, 3, false, 7},
};

static void for_all_sizes(lab_run_fn *forward, lab_run_fn *backward,
                          void (*check)(const struct lab_case *, double),
                          double tolerance)
{
    for (size_t i = 0; i < sizeof(all_sizes) / sizeof(all_sizes[0]); i++) {
        struct lab_case c = {.setup = set_up,
                             .forward = forward,
                             .backward = backward,
                             .arg = &all_sizes[i],
                             .n_utts = 3,
                             .n_frames = ragged};
        check(&c, tolerance);
    }
}

START_TEST(training_agrees_between_backends)
{
    for_all_sizes(train, back, lab_compare, 2e-5);
}
END_TEST

START_TEST(evaluation_agrees_between_backends)
{
    for_all_sizes(evaluate, NULL, lab_compare, 1e-5);
}
END_TEST

START_TEST(gradients_are_slopes)
{
    for_all_sizes(train, back, lab_differentiate, 2e-2);
}
END_TEST

// conv_relu: the same convolution without BN.
static void set_up_relu(struct lab *l, const void *arg)
{
    (void)arg;
    struct conv_relu *c = calloc(1, sizeof(*c));
    int x = lab_input_frames(l, 9, 0, 1);
    int w = lab_input_vectors(l, 14, 9, 0.3);
    int y = lab_output_frames(l, 14, 0);
    *c = (struct conv_relu){
        {lab_place(l, w), 14, 9, 1, 1}, lab_plane(l, x), lab_plane(l, y)};
    l->op = c;
}

static void relu_forward(struct lab *l)
{
    l->k->conv_relu(l->s, l->op);
}

static void relu_back(struct lab *l)
{
    struct conv_relu_back b = {lab_d_plane(l, 4), lab_d_plane(l, 0), lab_d_place(l, 2)};
    l->k->conv_relu_back(l->s, l->op, &b);
}

START_TEST(without_norm_backends_agree_and_gradients_are_slopes)
{
    struct lab_case c = {set_up_relu, relu_forward, relu_back, NULL, 3, ragged};
    lab_compare(&c, 1e-5);
    lab_differentiate(&c, 1e-2);
}
END_TEST

TEST_SUITE(conv, training_agrees_between_backends, evaluation_agrees_between_backends,
           gradients_are_slopes, without_norm_backends_agree_and_gradients_are_slopes)
