// SPDX-License-Identifier: Apache-2.0
// test_cutout.c - a sub-network cut out and run alone is the supernet run on its path.
#include "tests/lib/check_main.h"
#include "tests/unit/worker/supernet/toy.h"
#include "worker/kernels/backend.h"
#include "worker/nn/net.h"
#include "worker/supernet/checkpoint.h"
#include "worker/supernet/slice.h"

#include <string.h>
#include <unistd.h>

#define N_UTTS   3
#define N_FRAMES 24

static float features[N_UTTS * N_FRAMES * 6];
static const int n_frames[N_UTTS] = {N_FRAMES, N_FRAMES - 5, N_FRAMES - 9};

static struct net_batch make_batch(void)
{
    toy_fill(features, sizeof(features) / sizeof(features[0]), 31);
    return (struct net_batch){N_UTTS, n_frames, features};
}

static void run(const struct layout *l, const float *weights, const float *stats,
                float *embeddings)
{
    struct net_batch b = make_batch();
    struct net *net = net_create(backend_find("ref"), &l->dims, &l->arch, N_UTTS,
                                 (size_t)N_UTTS * N_FRAMES, false);
    net_load_weights(net, weights);
    net_load_stats(net, stats);
    net_forward_eval(net, &b, embeddings);
    net_destroy(net);
}

// ---------------------------------------------------------------- the masked supernet

// Writes the path into a network of the largest architecture that is nothing elsewhere:
// weights and BN are zero outside the path (so those channels are zero all the way), a
// smaller kernel sits in the middle of the largest.
static void mask_tensor(const struct layout *large, const struct layout *l,
                        const struct layout_tensor *t, const float *dense,
                        float *masked)
{
    const struct layout_tensor *of = layout_find(large, t->name);
    int middle = (of->taps - t->taps) / 2;
    for (int tap = 0; tap < t->taps; tap++) {
        for (int o = 0; o < t->out; o++) {
            for (int i = 0; i < t->in; i++) {
                int so = toy_twin_index(t->out_axis, o, t->out, l);
                int si = toy_twin_index(t->in_axis, i, t->in, l);
                masked[toy_place(of, tap + middle, so, si)] =
                    dense[toy_place(t, tap, o, i)];
            }
        }
    }
}

static void run_masked(const struct layout *large, const struct layout *l,
                       const float *weights, const float *stats, float *embeddings)
{
    float *masked = calloc(large->n_weights, sizeof(float));
    float *masked_stats =
        calloc(large->n_stats, sizeof(float)); // any: BN scale is zero
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        mask_tensor(large, l, t, t->is_stat ? stats : weights,
                    t->is_stat ? masked_stats : masked);
    }
    run(large, masked, masked_stats, embeddings);
    free(masked);
    free(masked_stats);
}

static void assert_close(const float *a, const float *b, int path)
{
    for (int i = 0; i < N_UTTS * 12; i++) {
        if (!(fabsf(a[i] - b[i]) <= 2e-4f * (fabsf(b[i]) + 1))) {
            ck_abort_msg("path %d, value %d: %g, not %g", path, i, (double)a[i],
                         (double)b[i]);
        }
    }
}

START_TEST(a_cut_out_network_equals_the_supernet_run_on_its_path)
{
    struct supernet *s = toy_supernet(5);
    struct slice *p = slice_create(s);
    float *weights = calloc(s->layout.n_weights, sizeof(float));
    float *stats = calloc(s->layout.n_stats, sizeof(float));
    for (int path = 0; path < 10; path++) {
        float alone[N_UTTS * 12];
        float within[N_UTTS * 12];
        struct arch a = toy_arch(5, (uint64_t)path);
        slice_plan(p, &a);
        slice_weights(p, s, weights);
        slice_stats(p, s, stats);
        run(slice_layout(p), weights, stats, alone);
        run_masked(&s->layout, slice_layout(p), weights, stats, within);
        assert_close(alone, within, path);
    }
    free(weights);
    free(stats);
    slice_destroy(p);
    supernet_destroy(s);
}
END_TEST

START_TEST(an_exported_network_gives_the_same_embeddings_and_knows_its_input)
{
    char path[64] = "/tmp/voxarch_cutout_XXXXXX";
    close(mkstemp(path));
    struct supernet *s = toy_supernet(5);
    s->layout.dims.input = INPUT_FIXED;
    struct slice *p = slice_create(s);
    float *weights = calloc(s->layout.n_weights, sizeof(float));
    float *stats = calloc(s->layout.n_stats, sizeof(float));
    struct arch a = toy_arch(5, 3);
    slice_plan(p, &a);
    slice_weights(p, s, weights);
    slice_stats(p, s, stats);
    ck_assert_int_eq(
        checkpoint_save_dense(slice_layout(p), weights, stats, path, NULL, 0, NULL),
        ERR_OK);
    struct layout *l = calloc(1, sizeof(*l));
    float *weights_back = NULL;
    float *stats_back = NULL;
    ck_assert_int_eq(checkpoint_load_dense(path, l, &weights_back, &stats_back, NULL),
                     ERR_OK);
    ck_assert_int_eq(l->dims.input, INPUT_FIXED);
    float before[N_UTTS * 12];
    float after[N_UTTS * 12];
    run(slice_layout(p), weights, stats, before);
    run(l, weights_back, stats_back, after);
    ck_assert_mem_eq(before, after, sizeof(before));
    free(weights);
    free(stats);
    free(weights_back);
    free(stats_back);
    free(l);
    slice_destroy(p);
    supernet_destroy(s);
    unlink(path);
}
END_TEST

TEST_SUITE(cutout, a_cut_out_network_equals_the_supernet_run_on_its_path,
           an_exported_network_gives_the_same_embeddings_and_knows_its_input)
