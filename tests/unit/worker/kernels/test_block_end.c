// SPDX-License-Identifier: Apache-2.0
// test_block_end.c - last convolution, BN, SE gate, residual: agreement and slopes.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/kernels/lab.h"

static const int ragged[] = {23, 11, 30};

#define MID     10
#define OUT     12
#define SQUEEZE 3

struct op {
    struct block_end end;
    struct block_end_back back;
};

static struct norm make_norm(struct lab *l, struct block_end_back *back)
{
    int gamma = lab_input_vectors(l, 1, OUT, 1);
    int beta = lab_input_vectors(l, 1, OUT, 1);
    back->d_gamma = lab_d_place(l, gamma);
    back->d_beta = lab_d_place(l, beta);
    int var = lab_vectors(l, 1, OUT, 0);
    float values[OUT];
    for (int i = 0; i < OUT; i++) {
        values[i] = 0.5F + 0.1F * (float)i;
    }
    lab_write(l, var, values);
    return (struct norm){.gamma = lab_place(l, gamma),
                         .beta = lab_place(l, beta),
                         .running_mean = lab_place(l, lab_vectors(l, 1, OUT, 0.3)),
                         .running_var = lab_place(l, var),
                         .batch_mean = lab_place(l, lab_vectors(l, 1, OUT, 0)),
                         .batch_var = lab_place(l, lab_vectors(l, 1, OUT, 0))};
}

static struct place trained(struct lab *l, int rows, int n, struct place *gradient)
{
    int t = lab_input_vectors(l, rows, n, 0.5);
    *gradient = lab_d_place(l, t);
    return lab_place(l, t);
}

static void make_squeeze(struct lab *l, struct op *o)
{
    o->end.squeeze.n = SQUEEZE;
    o->end.squeeze.w1 = trained(l, SQUEEZE, OUT, &o->back.d_w1);
    o->end.squeeze.b1 = trained(l, 1, SQUEEZE, &o->back.d_b1);
    o->end.squeeze.w2 = trained(l, OUT, SQUEEZE, &o->back.d_w2);
    o->end.squeeze.b2 = trained(l, 1, OUT, &o->back.d_b2);
}

static void set_up(struct lab *l, const void *arg)
{
    bool is_last = *(const bool *)arg;
    struct op *o = calloc(1, sizeof(*o));
    int x = lab_input_frames(l, MID, 0, 1);
    // Both outputs hold the input total, so its gradient is what backward leaves
    // behind.
    int total = lab_frames(l, OUT, 0, 1);
    int y = lab_output_frames(l, OUT, 2 * OUT); // a slot of a concatenation
    int sum = is_last ? lab_frames(l, OUT, 0, 0) : lab_output_frames(l, OUT, 0);
    o->end.x = lab_plane(l, x);
    o->back.dx = lab_d_plane(l, x);
    o->end.y = lab_plane(l, y);
    o->back.dy = lab_d_plane(l, y);
    o->end.total_in = lab_plane(l, total);
    o->back.d_total = is_last ? lab_plane(l, sum) : lab_d_plane(l, sum);
    if (!is_last) {
        o->end.total_out = lab_plane(l, sum);
    }
    l->tensors[total].role = LAB_INPUT;
    l->tensors[total].gradient = is_last ? sum : l->tensors[sum].gradient;
    o->back.is_last = is_last;
    o->end.conv =
        (struct conv){trained(l, OUT, MID, &o->back.d_weights), OUT, MID, 1, 1};
    o->end.norm = make_norm(l, &o->back);
    make_squeeze(l, o);
    o->end.z = lab_plane(l, lab_frames(l, OUT, 0, 0));
    o->back.dz = lab_plane(l, lab_frames(l, OUT, 0, 0));
    o->end.mean = lab_place(l, lab_vectors(l, l->n_utts, OUT, 0));
    o->end.squeezed = lab_place(l, lab_vectors(l, l->n_utts, SQUEEZE, 0));
    o->end.gate = lab_place(l, lab_vectors(l, l->n_utts, OUT, 0));
    l->op = o;
}

static void train(struct lab *l)
{
    l->k->block_end_train(l->s, &((struct op *)l->op)->end);
}

static void evaluate(struct lab *l)
{
    l->k->block_end_eval(l->s, &((struct op *)l->op)->end);
}

static void back(struct lab *l)
{
    struct op *o = l->op;
    l->k->block_end_back(l->s, &o->end, &o->back);
}

static struct lab_case case_of(const bool *is_last, lab_run_fn *forward,
                               lab_run_fn *backward)
{
    return (struct lab_case){set_up, forward, backward, is_last, 3, ragged};
}

static const bool last_or_not[] = {true, false};

START_TEST(training_agrees_between_backends)
{
    for (int i = 0; i < 2; i++) {
        struct lab_case c = case_of(&last_or_not[i], train, back);
        lab_compare(&c, 2e-5);
    }
}
END_TEST

START_TEST(evaluation_agrees_between_backends)
{
    struct lab_case c = case_of(&last_or_not[1], evaluate, NULL);
    lab_compare(&c, 1e-5);
}
END_TEST

START_TEST(gradients_are_slopes)
{
    for (int i = 0; i < 2; i++) {
        struct lab_case c = case_of(&last_or_not[i], train, back);
        lab_differentiate(&c, 1e-2);
    }
}
END_TEST

TEST_SUITE(block_end, training_agrees_between_backends,
           evaluation_agrees_between_backends, gradients_are_slopes)
