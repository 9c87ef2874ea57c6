// SPDX-License-Identifier: Apache-2.0
// test_pool.c - attentive statistics pooling: agreement, slopes, the clamp.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/kernels/lab.h"
#include "worker/kernels/backend.h"

#include <math.h>

static const int ragged[] = {23, 1, 40};

#define N    70 // more than one tile of channels
#define NECK 6

struct op {
    struct pool pool;
    struct pool_back back;
    int stats;
};

static void set_up(struct lab *l, const void *arg)
{
    const double *scale = arg; // of the pooled values
    struct op *o = calloc(1, sizeof(*o));
    int h = lab_input_frames(l, N, 0, *scale);
    int w1 = lab_input_vectors(l, NECK, N, 0.3);
    int w2 = lab_input_vectors(l, N, NECK, 1);
    o->stats = lab_output_vectors(l, l->n_utts, 2 * N);
    o->pool = (struct pool){.n = N,
                            .neck = NECK,
                            .w1 = lab_place(l, w1),
                            .w2 = lab_place(l, w2),
                            .h = lab_plane(l, h),
                            .hidden = lab_plane(l, lab_frames(l, NECK, 0, 0)),
                            .attention = lab_plane(l, lab_frames(l, N, 0, 0)),
                            .stats = lab_place(l, o->stats)};
    o->back = (struct pool_back){.d_stats = lab_d_place(l, o->stats),
                                 .d_hidden = lab_plane(l, lab_frames(l, NECK, 0, 0)),
                                 .dh = lab_d_plane(l, h),
                                 .d_w1 = lab_d_place(l, w1),
                                 .d_w2 = lab_d_place(l, w2)};
    l->op = o;
}

static void forward(struct lab *l)
{
    l->k->pool(l->s, &((struct op *)l->op)->pool);
}

static void back(struct lab *l)
{
    struct op *o = l->op;
    l->k->pool_back(l->s, &o->pool, &o->back);
}

static const double unit = 1;
static const double zero = 0;

START_TEST(backends_agree)
{
    struct lab_case c = {set_up, forward, back, &unit, 3, ragged};
    lab_compare(&c, 5e-5);
}
END_TEST

// Without the utterance of one frame, whose deviations are all clamped.
START_TEST(gradients_are_slopes)
{
    static const int two[] = {23, 40};
    struct lab_case c = {set_up, forward, back, &unit, 2, two};
    lab_differentiate(&c, 1e-2);
}
END_TEST

static void assert_floor(const char *backend)
{
    struct lab l;
    lab_init(&l, backend_find(backend), 3, ragged);
    set_up(&l, &zero);
    forward(&l);
    back(&l);
    float stats[3 * 2 * N];
    lab_read(&l, ((struct op *)l.op)->stats, stats);
    for (int i = 0; i < N; i++) {
        ck_assert_float_eq(stats[i], 0);
        ck_assert_double_lt(fabs(stats[N + i] - sqrt(1e-9)), 1e-9);
    }
    float dh[64 * N];
    lab_read(&l, l.tensors[0].gradient, dh);
    for (int i = 0; i < 64 * N; i++) {
        ck_assert_float_finite(dh[i]);
    }
    free(l.op);
    lab_fini(&l);
}

START_TEST(a_constant_channel_has_the_least_deviation_and_finite_gradients)
{
    assert_floor("ref");
    assert_floor("blas");
}
END_TEST

TEST_SUITE(pool, backends_agree, gradients_are_slopes,
           a_constant_channel_has_the_least_deviation_and_finite_gradients)
