// SPDX-License-Identifier: Apache-2.0
// test_net.c - the whole network: slopes of every tensor, batches, reshaping, backends.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/nn/net.h"

#include <math.h>
#include <string.h>

#define MAX_UTTS   3
#define MAX_FRAMES 120
#define N_MELS     10
#define N_EMBED    12
#define N_OUT      ((size_t)MAX_UTTS * N_EMBED)
#define N_IN       ((size_t)MAX_FRAMES * N_MELS)

static const struct net_dims dims = {.n_mels = N_MELS,
                                     .max_depth = 3,
                                     .max_width = 32,
                                     .max_kernel = 5,
                                     .max_cat = 24,
                                     .n_embed = N_EMBED,
                                     .res2_scale = 8,
                                     .se_reduction = 4,
                                     .pool_bottleneck = 6};

static const int ragged[MAX_UTTS] = {31, 18, 40};

// A network with random weights and statistics, and a batch for it.
struct model {
    struct net *net;
    const struct layout *layout;
    float *weights, *stats, *grads;
    float features[MAX_FRAMES * N_MELS];
    struct net_batch batch;
    float embeddings[MAX_UTTS * N_EMBED];
};

static struct arch arch_of(const char *text)
{
    struct arch a;
    struct errinfo why = {0};
    ck_assert_int_eq(arch_parse(text, &a, &why), ERR_OK);
    return a;
}

static void fill(float *x, size_t n, uint64_t key, double mean, double scale)
{
    struct rng r = rng_stream(5, RNG_TEST, key, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(mean + scale * rng_normal(&r));
    }
}

// Convolutions and linears by their fan-in, BN near one and zero, variances positive.
static void randomise(struct model *m)
{
    const struct layout *l = m->layout;
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        size_t n = (size_t)t->out * (size_t)t->in * (size_t)t->taps;
        bool is_norm_scale = strstr(t->name, "bn") && strstr(t->name, ".weight");
        double mean = is_norm_scale ? 1 : 0;
        double scale = t->in > 1 ? 1.5 / sqrt(t->in * t->taps) : 0.2;
        fill((t->is_stat ? m->stats : m->weights) + t->at, n, (uint64_t)i, mean, scale);
        for (size_t j = 0; j < n && strstr(t->name, "running_var"); j++) {
            m->stats[t->at + j] = 0.5F + fabsf(m->stats[t->at + j]);
        }
    }
    net_load_weights(m->net, m->weights);
    net_load_stats(m->net, m->stats);
}

static void set_up(struct model *m, const char *backend, const char *arch,
                   bool training)
{
    struct arch a = arch_of(arch);
    memset(m, 0, sizeof(*m));
    m->net =
        net_create(backend_find(backend), &dims, &a, MAX_UTTS, MAX_FRAMES, training);
    m->layout = net_layout(m->net);
    m->weights = calloc(m->layout->n_weights, sizeof(float));
    m->grads = calloc(m->layout->n_weights, sizeof(float));
    m->stats = calloc(m->layout->n_stats, sizeof(float));
    m->batch = (struct net_batch){MAX_UTTS, ragged, m->features};
    fill(m->features, N_IN, 1000, 0, 1);
    randomise(m);
}

static void tear_down(struct model *m)
{
    net_destroy(m->net);
    free(m->weights);
    free(m->grads);
    free(m->stats);
}

static double distance(const float *a, const float *b, size_t n)
{
    double d = 0;
    double size = 0;
    for (size_t i = 0; i < n; i++) {
        d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(d / (size + 1e-12));
}

static void loss_weights(float w[MAX_UTTS * N_EMBED])
{
    fill(w, N_OUT, 2000, 0, 1);
}

static double loss_of(struct model *m)
{
    float w[MAX_UTTS * N_EMBED];
    double loss = 0;
    loss_weights(w);
    net_forward_train(m->net, &m->batch, m->embeddings);
    for (int i = 0; i < MAX_UTTS * N_EMBED; i++) {
        loss += (double)w[i] * m->embeddings[i];
    }
    return loss;
}

static void compute_grads(struct model *m)
{
    float w[MAX_UTTS * N_EMBED];
    loss_weights(w);
    net_forward_train(m->net, &m->batch, m->embeddings);
    net_backward(m->net, w);
    net_read_grads(m->net, m->grads);
}

// Central difference along a random direction within one tensor.
static double slope_of(struct model *m, const struct layout_tensor *t, size_t n,
                       const float *direction, double step)
{
    double loss[2];
    float *moved = malloc(m->layout->n_weights * sizeof(*moved));
    for (int side = 0; side < 2; side++) {
        memcpy(moved, m->weights, m->layout->n_weights * sizeof(*moved));
        for (size_t i = 0; i < n; i++) {
            moved[t->at + i] += (float)((side ? -step : step) * direction[i]);
        }
        net_load_weights(m->net, moved);
        loss[side] = loss_of(m);
    }
    free(moved);
    return (loss[0] - loss[1]) / (2 * step);
}

static void check_slope(struct model *m, const struct layout_tensor *t)
{
    size_t n = (size_t)t->out * (size_t)t->in * (size_t)t->taps;
    float *direction = malloc(n * sizeof(*direction));
    fill(direction, n, 3000 + t->at, 0, 1);
    double along = 0;
    double size = 0.3;
    for (size_t i = 0; i < n; i++) {
        along += (double)m->grads[t->at + i] * direction[i];
        size += fabs((double)m->grads[t->at + i]) / sqrt((double)n);
    }
    // Some step among these moves no value over the kink of a ReLU, or few.
    static const double steps[] = {1e-3, 3e-4, 1e-4, 3e-5};
    double slope = INFINITY;
    for (int i = 0; i < 4 && fabs(slope - along) > 0.05 * size; i++) {
        slope = slope_of(m, t, n, direction, steps[i]);
    }
    ck_assert_msg(fabs(slope - along) <= 0.05 * size, "%s: slope %g, gradient %g of %g",
                  t->name, slope, along, size);
    free(direction);
}

START_TEST(gradients_of_all_tensors_are_slopes)
{
    struct model m;
    set_up(&m, "blas", "2-16-16-32-3-5-3-24", true);
    compute_grads(&m);
    for (int i = 0; i < m.layout->n_tensors; i++) {
        if (!m.layout->tensors[i].is_stat) {
            check_slope(&m, &m.layout->tensors[i]);
        }
    }
    tear_down(&m);
}
END_TEST

START_TEST(backends_agree_on_embeddings_and_gradients)
{
    static const char *const archs[] = {"1-8-8-1-1-8", "2-16-8-24-5-3-1-16",
                                        "3-16-16-8-32-3-1-3-5-24"};
    for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
        struct model a;
        struct model b;
        set_up(&a, "ref", archs[i], true);
        set_up(&b, "blas", archs[i], true);
        compute_grads(&a);
        compute_grads(&b);
        ck_assert_double_lt(distance(b.embeddings, a.embeddings, N_OUT), 1e-4);
        ck_assert_double_lt(distance(b.grads, a.grads, a.layout->n_weights), 1e-3);
        net_forward_eval(a.net, &a.batch, a.embeddings);
        net_forward_eval(b.net, &b.batch, b.embeddings);
        ck_assert_double_lt(distance(b.embeddings, a.embeddings, N_OUT), 1e-5);
        tear_down(&a);
        tear_down(&b);
    }
}
END_TEST

START_TEST(an_utterance_gives_the_same_embedding_alone_and_in_a_batch)
{
    struct model m;
    set_up(&m, "blas", "3-16-16-8-32-3-5-3-5-24", false);
    net_forward_eval(m.net, &m.batch, m.embeddings);
    const float *features = m.features;
    for (int u = 0; u < MAX_UTTS; u++) {
        float alone[N_EMBED];
        net_forward_eval(m.net, &(struct net_batch){1, &ragged[u], features}, alone);
        ck_assert_double_lt(
            distance(alone, m.embeddings + (size_t)u * N_EMBED, N_EMBED), 1e-5);
        features += (ptrdiff_t)ragged[u] * N_MELS;
    }
    tear_down(&m);
}
END_TEST

START_TEST(planning_for_evaluation_changes_memory_but_not_numbers)
{
    struct model large;
    struct model small;
    set_up(&large, "blas", "3-16-16-8-32-3-5-3-5-24", true);
    set_up(&small, "blas", "3-16-16-8-32-3-5-3-5-24", false);
    ck_assert_uint_lt(net_memory_bytes(small.net), net_memory_bytes(large.net) / 2);
    net_forward_eval(large.net, &large.batch, large.embeddings);
    net_forward_eval(small.net, &small.batch, small.embeddings);
    ck_assert_mem_eq(large.embeddings, small.embeddings, sizeof(small.embeddings));
    net_forward_train(large.net, &large.batch, large.embeddings);
    net_forward_train(small.net, &small.batch, small.embeddings);
    ck_assert_mem_eq(large.embeddings, small.embeddings, sizeof(small.embeddings));
    tear_down(&large);
    tear_down(&small);
}
END_TEST

START_TEST(with_the_batchs_statistics_evaluation_equals_training)
{
    struct model m;
    set_up(&m, "blas", "2-16-8-24-5-3-1-16", true);
    float trained[MAX_UTTS * N_EMBED];
    double *counts = calloc(m.layout->n_stats, sizeof(*counts));
    net_forward_train(m.net, &m.batch, trained);
    net_read_batch_stats(m.net, m.stats, counts);
    net_load_stats(m.net, m.stats);
    net_forward_eval(m.net, &m.batch, m.embeddings);
    ck_assert_double_lt(distance(m.embeddings, trained, N_OUT), 1e-4);
    ck_assert_double_eq(counts[0], ragged[0] + ragged[1] + ragged[2]);
    ck_assert_double_eq(counts[m.layout->n_stats - 1], MAX_UTTS);
    free(counts);
    tear_down(&m);
}
END_TEST

START_TEST(reshaping_there_and_back_leaves_no_trace)
{
    struct model fresh;
    struct model m;
    set_up(&fresh, "blas", "2-16-8-24-5-3-1-16", true);
    set_up(&m, "blas", "2-16-8-24-5-3-1-16", true);
    compute_grads(&fresh);
    static const char *const between[] = {"3-32-32-32-32-5-5-5-5-24", "1-8-8-1-1-8"};
    for (int i = 0; i < 2; i++) {
        struct arch other = arch_of(between[i]);
        net_reshape(m.net, &other);
        float *weights = calloc(m.layout->n_weights, sizeof(float));
        fill(weights, m.layout->n_weights, 9, 0, 1);
        net_load_weights(m.net, weights);
        net_forward_train(m.net, &m.batch, m.embeddings);
        net_backward(m.net, m.embeddings);
        free(weights);
    }
    size_t memory_bytes = net_memory_bytes(m.net);
    struct arch back = arch_of("2-16-8-24-5-3-1-16");
    net_reshape(m.net, &back);
    net_load_weights(m.net, m.weights);
    net_load_stats(m.net, m.stats);
    compute_grads(&m);
    ck_assert_uint_eq(net_memory_bytes(m.net), memory_bytes);
    ck_assert_mem_eq(m.embeddings, fresh.embeddings, sizeof(m.embeddings));
    ck_assert_mem_eq(m.grads, fresh.grads, m.layout->n_weights * sizeof(float));
    tear_down(&m);
    tear_down(&fresh);
}
END_TEST

static bool are_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            return false;
        }
    }
    return true;
}

// No ReLU and no maximum may turn it into a zero on the way.
static void check_nan_shows(const char *backend)
{
    struct model m;
    set_up(&m, backend, "2-16-24-16-3-3-5-24", true);
    for (int i = 0; i < m.layout->n_tensors; i++) {
        const struct layout_tensor *t = &m.layout->tensors[i];
        float *value = &m.weights[t->at];
        float was = *value;
        if (t->is_stat) {
            continue;
        }
        *value = NAN;
        net_load_weights(m.net, m.weights);
        net_forward_eval(m.net, &m.batch, m.embeddings);
        ck_assert_msg(!are_finite(m.embeddings, N_OUT), "%s: %s", backend, t->name);
        net_forward_train(m.net, &m.batch, m.embeddings);
        ck_assert_msg(!are_finite(m.embeddings, N_OUT), "%s: %s", backend, t->name);
        *value = was;
    }
    tear_down(&m);
}

START_TEST(a_weight_that_is_no_number_shows_in_the_embeddings)
{
    for (size_t b = 0; backend_name_at(b); b++) {
        check_nan_shows(backend_name_at(b));
    }
}
END_TEST

TEST_SUITE(net, gradients_of_all_tensors_are_slopes,
           backends_agree_on_embeddings_and_gradients,
           an_utterance_gives_the_same_embedding_alone_and_in_a_batch,
           planning_for_evaluation_changes_memory_but_not_numbers,
           with_the_batchs_statistics_evaluation_equals_training,
           reshaping_there_and_back_leaves_no_trace,
           a_weight_that_is_no_number_shows_in_the_embeddings)
