// SPDX-License-Identifier: Apache-2.0
// test_adam.c - updates against the textbook formula in double, and on a bowl.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/optim/adam.h"

#include <math.h>

#define N 37 // no multiple of any vector length

struct state {
    double w, m, v;
};

static void textbook(struct state *s, const struct adam *a, double lr, int step,
                     double g)
{
    g += a->weight_decay * s->w;
    s->m = a->beta1 * s->m + (1 - a->beta1) * g;
    s->v = a->beta2 * s->v + (1 - a->beta2) * g * g;
    double mean = s->m / (1 - pow(a->beta1, step));
    double square = s->v / (1 - pow(a->beta2, step));
    s->w -= lr * mean / (sqrt(square) + a->eps);
}

START_TEST(fifty_steps_follow_the_textbook)
{
    struct adam a = ADAM_DEFAULT(2e-5);
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    struct state want[N];
    float w[N];
    float m[N] = {0};
    float v[N] = {0};
    for (int i = 0; i < N; i++) {
        w[i] = (float)rng_normal(&r);
        want[i] = (struct state){.w = w[i]};
    }
    for (int step = 1; step <= 50; step++) {
        float g[N];
        for (int i = 0; i < N; i++) {
            g[i] = (float)rng_normal(&r);
            textbook(&want[i], &a, 1e-2, step, g[i]);
        }
        struct adam_factors f = adam_at(&a, 1e-2, (uint64_t)step);
        adam_update(&f, N, w, g, m, v);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_double_lt(fabs(w[i] - want[i].w), 1e-5);
        ck_assert_double_lt(fabs(m[i] - want[i].m), 1e-6);
        ck_assert_double_lt(fabs(v[i] - want[i].v), 1e-6);
    }
}
END_TEST

START_TEST(the_first_step_is_the_learning_rate_whatever_the_gradient)
{
    struct adam a = ADAM_DEFAULT(0);
    float w[2] = {0, 0};
    float m[2] = {0};
    float v[2] = {0};
    struct adam_factors f = adam_at(&a, 1e-3, 1);
    adam_update(&f, 2, w, (float[]){5.0F, -0.01F}, m, v);
    ck_assert_double_lt(fabs(w[0] + 1e-3), 1e-8);
    ck_assert_double_lt(fabs(w[1] - 1e-3), 1e-8);
}
END_TEST

START_TEST(decay_pulls_a_weight_without_gradient_to_zero)
{
    struct adam a = ADAM_DEFAULT(1e-2);
    float w = 0.5f;
    float g = 0;
    float m = 0;
    float v = 0;
    for (uint64_t step = 1; step <= 1000; step++) {
        struct adam_factors f = adam_at(&a, 1e-2, step);
        adam_update(&f, 1, &w, &g, &m, &v);
    }
    ck_assert_double_lt(fabs(w), 1e-2);
}
END_TEST

TEST_SUITE(adam, fifty_steps_follow_the_textbook,
           the_first_step_is_the_learning_rate_whatever_the_gradient,
           decay_pulls_a_weight_without_gradient_to_zero)
