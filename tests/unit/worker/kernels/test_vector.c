// SPDX-License-Identifier: Apache-2.0
// test_vector.c - BN and linear map over plain rows: agreement and slopes.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/kernels/lab.h"

static const int one_utt[] = {1};

#define ROWS 7
#define IN   13
#define OUT  5

static void set_up_linear(struct lab *l, const void *arg)
{
    (void)arg;
    struct linear *op = calloc(1, sizeof(*op));
    int x = lab_input_vectors(l, ROWS, IN, 1);
    int w = lab_input_vectors(l, OUT, IN, 1);
    int b = lab_input_vectors(l, 1, OUT, 1);
    int y = lab_output_vectors(l, ROWS, OUT);
    *op = (struct linear){
        ROWS,           OUT, IN, lab_place(l, w), lab_place(l, b), lab_place(l, x),
        lab_place(l, y)};
    l->op = op;
}

static void linear_forward(struct lab *l)
{
    l->k->linear(l->s, l->op);
}

static void linear_back(struct lab *l)
{
    struct linear_back b = {lab_d_place(l, 6), lab_d_place(l, 0), lab_d_place(l, 2),
                            lab_d_place(l, 4)};
    l->k->linear_back(l->s, l->op, &b);
}

START_TEST(linear_maps_agree_and_their_gradients_are_slopes)
{
    struct lab_case c = {set_up_linear, linear_forward, linear_back, NULL, 1, one_utt};
    lab_compare(&c, 1e-5);
    lab_differentiate(&c, 1e-2);
}
END_TEST

static void set_up_norm(struct lab *l, const void *arg)
{
    (void)arg;
    struct vector_norm *op = calloc(1, sizeof(*op));
    int x = lab_input_vectors(l, ROWS, IN, 3);
    int gamma = lab_input_vectors(l, 1, IN, 1);
    int beta = lab_input_vectors(l, 1, IN, 1);
    int y = lab_output_vectors(l, ROWS, IN);
    int var = lab_vectors(l, 1, IN, 0);
    float values[IN];
    for (int i = 0; i < IN; i++) {
        values[i] = 0.1F + (float)i;
    }
    lab_write(l, var, values);
    op->n_rows = ROWS;
    op->n = IN;
    op->x = lab_place(l, x);
    op->y = lab_place(l, y);
    op->norm = (struct norm){.gamma = lab_place(l, gamma),
                             .beta = lab_place(l, beta),
                             .running_mean = lab_place(l, lab_vectors(l, 1, IN, 1)),
                             .running_var = lab_place(l, var),
                             .batch_mean = lab_place(l, lab_vectors(l, 1, IN, 0)),
                             .batch_var = lab_place(l, lab_vectors(l, 1, IN, 0))};
    l->op = op;
}

static void norm_train(struct lab *l)
{
    l->k->vector_norm_train(l->s, l->op);
}

static void norm_eval(struct lab *l)
{
    l->k->vector_norm_eval(l->s, l->op);
}

static void norm_back(struct lab *l)
{
    struct vector_norm_back b = {lab_d_place(l, 6), lab_d_place(l, 0),
                                 lab_d_place(l, 2), lab_d_place(l, 4)};
    l->k->vector_norm_back(l->s, l->op, &b);
}

START_TEST(norms_agree_and_their_gradients_are_slopes)
{
    struct lab_case c = {set_up_norm, norm_train, norm_back, NULL, 1, one_utt};
    lab_compare(&c, 1e-5);
    lab_differentiate(&c, 1e-2);
}
END_TEST

START_TEST(norms_by_running_statistics_agree)
{
    struct lab_case c = {set_up_norm, norm_eval, NULL, NULL, 1, one_utt};
    lab_compare(&c, 1e-5);
}
END_TEST

TEST_SUITE(vector, linear_maps_agree_and_their_gradients_are_slopes,
           norms_agree_and_their_gradients_are_slopes,
           norms_by_running_statistics_agree)
