// SPDX-License-Identifier: Apache-2.0
// test_no_heap.c - a training step and an evaluation forward leave the heap alone.
//
// The linker sends this program's allocations through the counters below; OpenBLAS,
// a shared library with buffers of its own, is not among them.
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/kernels/kernels.h"
#include "worker/nn/aam.h"
#include "worker/nn/net.h"
#include "worker/optim/adam.h"

#include <stdatomic.h>
#include <stdlib.h>

#define N_UTTS    4
#define N_FRAMES  60
#define N_CLASSES 10

static atomic_int n_allocations;

// The linker's names (--wrap): not ours to choose. NOLINTBEGIN

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

void *__wrap_malloc(size_t n)
{
    n_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    n_allocations++;
    return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    n_allocations++;
    return __real_aligned_alloc(alignment, n);
}
// NOLINTEND

struct lab {
    struct net *net;
    struct aam *aam;
    size_t n_weights, n;
    float *w, *g, *m, *v, *x, *y, *dy;
};

static float *values(size_t n, float value)
{
    float *x = calloc(n, sizeof(*x));
    for (size_t i = 0; i < n; i++) {
        x[i] = value * (float)(i % 7);
    }
    return x;
}

static struct lab lab_open(bool for_training)
{
    struct lab l = {0};
    struct arch a;
    struct errinfo why = {0};
    struct net_dims d = DIMS_PAPER;
    const struct kernels *k = backend_find("blas");
    backend_set_threads(2);
    ck_assert_int_eq(arch_parse("2-64-64-64-3-3-3-96", &a, &why), 0);
    l.net = net_create(k, &d, &a, N_UTTS, (size_t)N_UTTS * N_FRAMES, for_training);
    l.aam = aam_create(k, d.n_embed, N_CLASSES, N_UTTS, 0.2, 30);
    l.n_weights = net_layout(l.net)->n_weights;
    l.n = l.n_weights + (size_t)d.n_embed * N_CLASSES;
    l.w = values(l.n, 0.01F);
    l.g = values(l.n, 0);
    l.m = values(l.n, 0);
    l.v = values(l.n, 0);
    l.x = values((size_t)N_UTTS * N_FRAMES * (size_t)d.n_mels, 0.1F);
    l.y = values((size_t)N_UTTS * (size_t)d.n_embed, 0);
    l.dy = values((size_t)N_UTTS * (size_t)d.n_embed, 0);
    net_load_weights(l.net, l.w);
    return l;
}

static void lab_close(struct lab *l)
{
    float *all[] = {l->w, l->g, l->m, l->v, l->x, l->y, l->dy};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    net_destroy(l->net);
    aam_destroy(l->aam);
}

static const int n_frames[N_UTTS] = {N_FRAMES, N_FRAMES, N_FRAMES - 9, N_FRAMES};
static const int32_t labels[N_UTTS] = {0, 3, 7, 9};

static void train(struct lab *l, uint64_t step)
{
    struct net_batch batch = {N_UTTS, n_frames, l->x};
    struct aam_batch embedded = {N_UTTS, l->y, labels};
    struct adam adam = ADAM_DEFAULT(2e-5);
    struct aam_report report;
    net_load_weights(l->net, l->w);
    net_forward_train(l->net, &batch, l->y);
    if (aam_loss(l->aam, &embedded, l->w + l->n_weights, l->dy, l->g + l->n_weights,
                 &report)) {
        abort();
    }
    net_backward(l->net, l->dy);
    net_read_grads(l->net, l->g);
    struct adam_factors f = adam_at(&adam, 1e-3, step);
    adam_update(&f, l->n, l->w, l->g, l->m, l->v);
}

START_TEST(a_training_step_allocates_nothing_after_the_first)
{
    struct lab l = lab_open(true);
    train(&l, 1);
    int before = n_allocations;
    train(&l, 2);
    int after = n_allocations; // Check's own assertions allocate
    ck_assert_int_gt(before, 0);
    ck_assert_int_eq(after, before);
    lab_close(&l);
}
END_TEST

START_TEST(an_evaluation_forward_allocates_nothing_after_the_first)
{
    struct lab l = lab_open(false);
    struct net_batch batch = {N_UTTS, n_frames, l.x};
    net_forward_eval(l.net, &batch, l.y);
    int before = n_allocations;
    net_forward_eval(l.net, &batch, l.y);
    int after = n_allocations;
    ck_assert_int_gt(before, 0);
    ck_assert_int_eq(after, before);
    lab_close(&l);
}
END_TEST

TEST_SUITE(no_heap, a_training_step_allocates_nothing_after_the_first,
           an_evaluation_forward_allocates_nothing_after_the_first)
