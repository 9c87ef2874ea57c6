// SPDX-License-Identifier: Apache-2.0
// test_train.c - supernet steps: gradients, stopping and going on, learning a toy task.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/supernet/toy.h"
#include "worker/kernels/backend.h"
#include "worker/nn/aam.h"
#include "worker/supernet/checkpoint.h"
#include "worker/supernet/slice.h"
#include "worker/supernet/train.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_UTTS    6
#define N_FRAMES  20
#define N_BATCHES 40 // of the stage

struct toy_batch {
    int n_frames[N_UTTS];
    int32_t labels[N_UTTS];
    float features[N_UTTS * N_FRAMES * 6];
};

// Every speaker has a mean of his own in every mel bin, the rest is noise.
static void make_batch(struct toy_batch *b, uint64_t position)
{
    struct rng r = rng_stream(17, RNG_TEST, 0, position);
    for (int u = 0; u < N_UTTS; u++) {
        b->n_frames[u] = N_FRAMES;
        b->labels[u] = (int32_t)rng_below(&r, TOY_SPEAKERS);
        for (int i = 0; i < N_FRAMES * 6; i++) {
            int hint = (b->labels[u] * 7 + i % 6 * 5) % 6;
            b->features[u * N_FRAMES * 6 + i] =
                (float)(hint / 3.0 - 0.8 + 0.5 * rng_normal(&r));
        }
    }
}

static struct net_batch view(const struct toy_batch *b)
{
    return (struct net_batch){N_UTTS, b->n_frames, b->features};
}

// A study of two stages over all of the toy supernet.
static struct study_conf *make_study(void)
{
    struct study_conf *c = calloc(1, sizeof(*c));
    const struct value_list depths = {3, {1, 2, 3}};
    const struct value_list widths = {3, {8, 16, 32}};
    const struct value_list kernels = {3, {1, 3, 5}};
    const struct value_list cats = {2, {24, 48}};
    struct errinfo why = {0};
    enum err e = space_build(&c->space, &depths, &widths, &kernels, &cats, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    c->seed = 4;
    c->supernet = TOY_DIMS;
    c->train.weight_decay = 2e-5;
    c->train.aam_margin = 0.1;
    c->train.aam_scale = 10;
    c->train.n_stages = 2;
    c->train.stages[0] = (struct study_stage){
        .kind = STAGE_LARGEST, .cycles = 1, .lr_min = 1e-4, .lr_max = 4e-3};
    c->train.stages[1] = (struct study_stage){
        .kind = STAGE_WIDTH2, .cycles = 2, .lr_min = 1e-4, .lr_max = 4e-3};
    return c;
}

static struct trainer *make_trainer(const struct study_conf *c, struct supernet *s)
{
    return trainer_create(backend_find("ref"), c, s, N_UTTS, (size_t)N_UTTS * N_FRAMES);
}

// Steps first .. first + n - 1; returns the mean loss.
static double train(struct trainer *t, uint32_t stage, uint64_t first, uint64_t n)
{
    double sum = 0;
    for (uint64_t i = first; i < first + n; i++) {
        struct toy_batch b;
        make_batch(&b, i);
        struct net_batch batch = view(&b);
        struct train_step at = {stage, i, N_BATCHES};
        struct train_report report;
        ck_assert_int_eq(trainer_step(t, &at, &batch, b.labels, &report), ERR_OK);
        sum += report.loss / (double)n;
    }
    return sum;
}

static void assert_same(const struct supernet *a, const struct supernet *b)
{
    ck_assert_mem_eq(a->values, b->values, a->n_values * sizeof(float));
    ck_assert_mem_eq(a->m, b->m, a->n_values * sizeof(float));
    ck_assert_mem_eq(a->v, b->v, a->n_values * sizeof(float));
    ck_assert_mem_eq(a->stats, b->stats, a->layout.n_stats * sizeof(float));
    ck_assert_mem_eq(a->steps, b->steps, (size_t)a->n_tensors * sizeof(*a->steps));
}

START_TEST(training_from_a_checkpoint_equals_training_without_a_break)
{
    char path[64] = "/tmp/voxarch_train_XXXXXX";
    close(mkstemp(path));
    struct study_conf *c = make_study();
    struct supernet *whole = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct supernet *part = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct supernet *rest = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed + 1);
    struct trainer *t = make_trainer(c, whole);
    train(t, 1, 0, 9);
    trainer_destroy(t);
    t = make_trainer(c, part);
    train(t, 1, 0, 4);
    trainer_destroy(t);
    ck_assert_int_eq(checkpoint_save(part, path, NULL, 0, NULL), ERR_OK);
    ck_assert_int_eq(checkpoint_load(rest, path, NULL), ERR_OK);
    t = make_trainer(c, rest);
    train(t, 1, 4, 5);
    trainer_destroy(t);
    assert_same(whole, rest);
    supernet_destroy(whole);
    supernet_destroy(part);
    supernet_destroy(rest);
    free(c);
    unlink(path);
}
END_TEST

START_TEST(the_path_and_the_rate_depend_on_the_position_alone)
{
    struct study_conf *c = make_study();
    struct supernet *s = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct trainer *t = make_trainer(c, s);
    struct toy_batch b;
    make_batch(&b, 0);
    struct net_batch batch = view(&b);
    struct train_step at = {1, 7, N_BATCHES};
    struct train_report first;
    struct train_report again;
    ck_assert_int_eq(trainer_step(t, &at, &batch, b.labels, &first), ERR_OK);
    train(t, 1, 20, 2);
    ck_assert_int_eq(trainer_step(t, &at, &batch, b.labels, &again), ERR_OK);
    ck_assert(arch_equal(&first.arch, &again.arch));
    ck_assert_double_eq(first.lr, again.lr);
    at.stage = 0;
    ck_assert_int_eq(trainer_step(t, &at, &batch, b.labels, &again), ERR_OK);
    ck_assert(arch_equal(&again.arch, &s->layout.arch)); // the stage "largest"
    trainer_destroy(t);
    supernet_destroy(s);
    free(c);
}
END_TEST

// The loss of one step on a fresh network at a position of the first stage.
static double loss_at(const struct study_conf *c, uint64_t position)
{
    struct supernet *s = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct trainer *t = make_trainer(c, s);
    struct toy_batch b;
    make_batch(&b, 0);
    struct net_batch batch = view(&b);
    struct train_report report;
    ck_assert_int_eq(trainer_step(t, &(struct train_step){0, position, N_BATCHES},
                                  &batch, b.labels, &report),
                     ERR_OK);
    trainer_destroy(t);
    supernet_destroy(s);
    return report.loss;
}

START_TEST(the_margin_grows_in_the_first_part_of_a_stage_and_is_another_in_the_last)
{
    struct study_conf *c = make_study();
    double full = loss_at(c, 0);
    c->train.margin_ramp = 0.5;
    double none = loss_at(c, 0);
    double half = loss_at(c, N_BATCHES / 4);
    ck_assert_double_lt(none, half);
    ck_assert_double_lt(half, full);
    ck_assert_double_eq(loss_at(c, N_BATCHES / 2), full);
    c->train.stages[0].tune = 0.25;
    c->train.stages[0].tune_margin = 0.3;
    ck_assert_double_eq(loss_at(c, N_BATCHES * 3 / 4 - 1), full);
    ck_assert_double_gt(loss_at(c, N_BATCHES * 3 / 4), full);
    c->train.aam_margin = 0;
    ck_assert_double_eq(loss_at(c, N_BATCHES / 2), none);
    free(c);
}
END_TEST

START_TEST(the_loss_of_a_toy_task_falls)
{
    struct study_conf *c = make_study();
    struct supernet *s = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct trainer *t = make_trainer(c, s);
    double start = train(t, 0, 0, 4);
    train(t, 0, 4, 28);
    double end = train(t, 0, 32, 4);
    ck_assert_msg(end < 0.5 * start, "loss %.3f, then %.3f", start, end);
    double elastic = train(t, 1, 0, 10);
    ck_assert_double_lt(elastic, start); // other paths share what was learnt
    trainer_destroy(t);
    supernet_destroy(s);
    free(c);
}
END_TEST

START_TEST(a_loss_that_is_not_finite_leaves_the_supernet_alone)
{
    struct study_conf *c = make_study();
    struct supernet *s = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct supernet *same = supernet_create(&c->supernet, TOY_SPEAKERS, c->seed);
    struct trainer *t = make_trainer(c, s);
    struct toy_batch b;
    make_batch(&b, 0);
    b.features[17] = INFINITY;
    struct net_batch batch = view(&b);
    struct train_step at = {1, 0, N_BATCHES};
    struct train_report report;
    enum err e = trainer_step(t, &at, &batch, b.labels, &report);
    ck_assert_int_eq(e, ERR_NUMERIC);
    assert_same(s, same);
    trainer_destroy(t);
    supernet_destroy(s);
    supernet_destroy(same);
    free(c);
}
END_TEST

// Loss of one path as a function of the supernet's values, without any update.
static double loss_of(const struct study_conf *c, const struct supernet *s,
                      const struct arch *a, const struct toy_batch *b)
{
    const struct kernels *k = backend_find("ref");
    struct net_batch batch = view(b);
    struct slice *p = slice_create(s);
    struct net *net =
        net_create(k, &c->supernet, a, N_UTTS, (size_t)N_UTTS * N_FRAMES, true);
    struct aam *aam = aam_create(k, c->supernet.n_embed, TOY_SPEAKERS, N_UTTS,
                                 c->train.aam_margin, c->train.aam_scale);
    float *dense = calloc(s->n_values + 1, sizeof(float));
    float *x = calloc((size_t)N_UTTS * (size_t)c->supernet.n_embed, sizeof(float));
    float *dx = calloc((size_t)N_UTTS * (size_t)c->supernet.n_embed, sizeof(float));
    struct aam_batch embedded = {N_UTTS, x, b->labels};
    struct aam_report report;
    slice_plan(p, a);
    slice_weights(p, s, dense);
    net_load_weights(net, dense);
    net_forward_train(net, &batch, x);
    ck_assert_int_eq(
        aam_loss(aam, &embedded, s->values + s->classifier_at, dx, dense, &report),
        ERR_OK);
    free(dense);
    free(x);
    free(dx);
    aam_destroy(aam);
    net_destroy(net);
    slice_destroy(p);
    return report.loss;
}

// Moves all values along the gradient: the slope of the loss is its squared length.
START_TEST(the_gradient_through_the_whole_supernet_is_the_slope_of_the_loss)
{
    struct study_conf *c = make_study();
    struct supernet *s = toy_supernet(5);
    struct supernet *start = toy_supernet(5);
    struct trainer *t = make_trainer(c, s);
    struct toy_batch b;
    make_batch(&b, 3);
    struct net_batch batch = view(&b);
    struct arch a;
    ck_assert_int_eq(arch_parse("2-16-24-8-3-1-5-40", &a, NULL), ERR_OK);
    struct train_report report;
    ck_assert_int_eq(trainer_step_on(t, &a, 0, &batch, b.labels, &report), ERR_OK);
    const float *g = trainer_gradient(t);
    double square = 0;
    for (size_t i = 0; i < s->n_values; i++) {
        square += (double)g[i] * (double)g[i];
    }
    double step = 1e-3 / sqrt(square);
    double loss[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < s->n_values; i++) {
            s->values[i] =
                start->values[i] + (float)((side ? step : -step) * (double)g[i]);
        }
        loss[side] = loss_of(c, s, &a, &b);
    }
    double slope = (loss[1] - loss[0]) / (2 * step);
    ck_assert_double_eq_tol(slope / square, 1, 1e-2);
    trainer_destroy(t);
    supernet_destroy(s);
    supernet_destroy(start);
    free(c);
}
END_TEST

TEST_SUITE(train, training_from_a_checkpoint_equals_training_without_a_break,
           the_path_and_the_rate_depend_on_the_position_alone,
           the_margin_grows_in_the_first_part_of_a_stage_and_is_another_in_the_last,
           the_loss_of_a_toy_task_falls,
           a_loss_that_is_not_finite_leaves_the_supernet_alone,
           the_gradient_through_the_whole_supernet_is_the_slope_of_the_loss)
