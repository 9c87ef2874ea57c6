// SPDX-License-Identifier: Apache-2.0
// test_repeat.c - training again from the same weights gives the same bits, on one
// thread and on two, whoever of the team happens to do which part.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/nn/aam.h"
#include "worker/nn/net.h"
#include "worker/optim/adam.h"

#include <stdlib.h>
#include <string.h>

#define N_UTTS    8 // so many frames and channels that the team gets work
#define N_FRAMES  150
#define N_CLASSES 20
#define N_STEPS   3

static float *noise(size_t n, double scale)
{
    float *x = malloc(n * sizeof(*x));
    ck_assert_ptr_nonnull(x);
    struct rng r = rng_stream(7, RNG_TEST, n, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)rng_uniform(&r, -scale, scale);
    }
    return x;
}

struct run {
    struct net *net;
    struct aam *aam;
    size_t n_weights, n;
    float *w, *g, *m, *v, *x, *y, *dy;
};

static struct run run_open(void)
{
    struct run r = {0};
    struct arch a;
    struct errinfo why = {0};
    struct net_dims d = DIMS_PAPER;
    const struct kernels *k = backend_find("blas");
    ck_assert_int_eq(arch_parse("2-64-64-128-3-3-5-96", &a, &why), 0);
    r.net = net_create(k, &d, &a, N_UTTS, (size_t)N_UTTS * N_FRAMES, true);
    r.aam = aam_create(k, d.n_embed, N_CLASSES, N_UTTS, 0.2, 30);
    r.n_weights = net_layout(r.net)->n_weights;
    r.n = r.n_weights + (size_t)d.n_embed * N_CLASSES;
    r.w = noise(r.n, 0.1);
    r.g = noise(r.n, 0);
    r.m = noise(r.n, 0);
    r.v = noise(r.n, 0);
    r.x = noise((size_t)N_UTTS * N_FRAMES * (size_t)d.n_mels, 1);
    r.y = noise((size_t)N_UTTS * (size_t)d.n_embed, 0);
    r.dy = noise((size_t)N_UTTS * (size_t)d.n_embed, 0);
    return r;
}

static void run_close(struct run *r)
{
    float *all[] = {r->g, r->m, r->v, r->x, r->y, r->dy};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    net_destroy(r->net);
    aam_destroy(r->aam);
}

static void step(struct run *r, uint64_t number)
{
    int n_frames[N_UTTS];
    int32_t labels[N_UTTS];
    for (int u = 0; u < N_UTTS; u++) {
        n_frames[u] = N_FRAMES - 3 * u;
        labels[u] = 2 * u;
    }
    struct net_batch batch = {N_UTTS, n_frames, r->x};
    struct aam_batch embedded = {N_UTTS, r->y, labels};
    struct adam adam = ADAM_DEFAULT(2e-5);
    struct aam_report report;
    net_load_weights(r->net, r->w);
    net_forward_train(r->net, &batch, r->y);
    ck_assert_int_eq(aam_loss(r->aam, &embedded, r->w + r->n_weights, r->dy,
                              r->g + r->n_weights, &report),
                     ERR_OK);
    net_backward(r->net, r->dy);
    net_read_grads(r->net, r->g);
    struct adam_factors f = adam_at(&adam, 1e-3, number);
    adam_update(&f, r->n, r->w, r->g, r->m, r->v);
}

// The weights after a few steps, owned; `n` gets how many they are.
static float *train(size_t *n)
{
    struct run r = run_open();
    for (uint64_t i = 1; i <= N_STEPS; i++) {
        step(&r, i);
    }
    *n = r.n;
    run_close(&r);
    return r.w;
}

static void check_repeats(int n_threads)
{
    size_t n = 0;
    backend_set_threads(n_threads);
    float *first = train(&n);
    for (int i = 0; i < 3; i++) {
        float *again = train(&n);
        ck_assert_mem_eq(first, again, n * sizeof(*first));
        free(again);
    }
    free(first);
}

START_TEST(one_thread_gives_the_same_bits_run_after_run)
{
    check_repeats(1);
}
END_TEST

START_TEST(two_threads_give_the_same_bits_run_after_run)
{
    check_repeats(2);
}
END_TEST

TEST_SUITE(repeat, one_thread_gives_the_same_bits_run_after_run,
           two_threads_give_the_same_bits_run_after_run)
