// SPDX-License-Identifier: Apache-2.0
// test_embed.c - scores of trials through a real network, against one pass an
// utterance.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/data/fbank.h"
#include "worker/data/pack_writer.h"
#include "worker/kernels/backend.h"
#include "worker/score/cosine.h"
#include "worker/score/embed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_UTTS 21
#define N_MELS 20

static const struct net_dims dims = {.n_mels = N_MELS,
                                     .max_depth = 1,
                                     .max_width = 16,
                                     .max_kernel = 3,
                                     .max_cat = 16,
                                     .n_embed = 8,
                                     .res2_scale = 8,
                                     .se_reduction = 4,
                                     .pool_bottleneck = 4};

// Utterances of 0.2 to 5 s; the last is named by no trial.
static struct pack *make_pack(void)
{
    char path[] = "/tmp/voxarch_embed_XXXXXX";
    close(mkstemp(path));
    struct pack_writer *w = NULL;
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    static int16_t samples[5 * PACK_SAMPLE_RATE];
    for (uint64_t i = 0; i < N_UTTS; i++) {
        struct rng r = rng_stream(9, RNG_TEST, i, 0);
        size_t n = i == 0 ? sizeof(samples) / sizeof(samples[0])
                          : 3200 + 1600 * ((7 * i) % 11);
        for (size_t t = 0; t < n; t++) {
            samples[t] = (int16_t)(rng_normal(&r) * 300 * (double)(i + 1));
        }
        char id[16];
        snprintf(id, sizeof(id), "e%d", (int)i);
        ck_assert_int_eq(pack_writer_add(w, PACK_EVAL, id, NULL, samples, n, NULL),
                         ERR_OK);
    }
    for (uint32_t i = 0; i + 2 < N_UTTS; i++) {
        pack_writer_add_trial(w, i, i + 1, i % 2 == 0);
    }
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, NULL), ERR_OK);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    unlink(path);
    return p;
}

static struct net *make_net(const char *backend)
{
    struct arch a;
    ck_assert_int_eq(arch_parse("1-16-16-3-3-16", &a, NULL), ERR_OK);
    struct net *net = net_create(backend_find(backend), &dims, &a, VOICES_MAX_UTTS,
                                 VOICES_MAX_FRAMES, false);
    const struct layout *l = net_layout(net);
    float *weights = calloc(l->n_weights, sizeof(*weights));
    float *stats = calloc(l->n_stats, sizeof(*stats));
    struct rng r = rng_stream(9, RNG_TEST, 1000, 0);
    for (size_t i = 0; i < l->n_weights; i++) {
        weights[i] = (float)(0.3 * rng_normal(&r));
    }
    for (size_t i = 0; i < l->n_stats; i++) {
        stats[i] = 1;
    }
    net_load_weights(net, weights);
    net_load_stats(net, stats);
    free(weights);
    free(stats);
    return net;
}

// One stretch of one utterance alone, wrapping past its end.
static void embed_alone(struct net *net, struct pack_utt u, uint64_t start, size_t n,
                        float *embedding)
{
    int n_frames = fbank_n_frames(n);
    float *x = malloc(n * sizeof(*x));
    float *features = malloc((size_t)n_frames * N_MELS * sizeof(*features));
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)u.samples[(start + i) % u.n_samples] / 32768.0f;
    }
    struct fbank *f = fbank_create(N_MELS);
    fbank_compute(f, x, n, features);
    struct net_batch b = {1, &n_frames, features};
    net_forward_eval(net, &b, embedding);
    fbank_destroy(f);
    free(x);
    free(features);
}

static double cosine(const float *a, const float *b)
{
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < dims.n_embed; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

static double score_full(struct net *net, struct pack_utt a, struct pack_utt b)
{
    float x[8];
    float y[8];
    embed_alone(net, a, 0, a.n_samples, x);
    embed_alone(net, b, 0, b.n_samples, y);
    return cosine(x, y);
}

static double score_cheap(struct net *net, struct pack_utt a, struct pack_utt b)
{
    const struct pack_utt utts[2] = {a, b};
    float x[2][2][8];
    for (int i = 0; i < 2; i++) {
        uint64_t n = utts[i].n_samples;
        embed_alone(net, utts[i], 0, 64000, x[i][0]);
        embed_alone(net, utts[i], n > 64000 ? n - 64000 : 0, 64000, x[i][1]);
    }
    return (cosine(x[0][0], x[1][0]) + cosine(x[0][0], x[1][1]) +
            cosine(x[0][1], x[1][0]) + cosine(x[0][1], x[1][1])) /
           4;
}

static void compare(enum protocol protocol, size_t every,
                    double (*alone)(struct net *, struct pack_utt, struct pack_utt))
{
    struct pack *p = make_pack();
    struct net *net = make_net("ref");
    const struct embed_work work = {.pack = p, .protocol = protocol};
    double scores[N_UTTS];
    struct metrics m;
    struct errinfo why = {0};
    ck_assert_msg(embed_score_trials(net, &work, scores, &m, &why) == ERR_OK, "%s",
                  why.text);
    ck_assert_uint_eq(m.n_targets + m.n_nontargets, N_UTTS - 2);
    for (size_t i = 0; i < pack_n_trials(p); i += every) {
        struct pack_trial t = pack_trials(p)[i];
        double want = alone(net, pack_utt_at(p, PACK_EVAL, t.enroll),
                            pack_utt_at(p, PACK_EVAL, t.test));
        ck_assert_double_eq_tol(scores[i], want, 1e-5);
    }
    net_destroy(net);
    pack_close(p);
}

START_TEST(whole_utterances_score_as_they_would_alone)
{
    compare(PROTOCOL_FULL, 1, score_full);
}
END_TEST

START_TEST(two_crops_score_as_the_mean_of_four_cosines)
{
    compare(PROTOCOL_CHEAP, 4, score_cheap);
}
END_TEST

#define LONG_SAMPLES ((size_t)125 * PACK_SAMPLE_RATE)
#define LONG_HEARD   ((size_t)(VOICES_MAX_FRAMES - 1) * FBANK_HOP)

// Noise, a tone in the last second that is heard, and another where nobody listens any
// more; whole, cut where hearing ends, and a second before.
static struct pack *make_long_pack(void)
{
    char path[] = "/tmp/voxarch_embed_XXXXXX";
    close(mkstemp(path));
    int16_t *samples = malloc(LONG_SAMPLES * sizeof(*samples));
    struct rng r = rng_stream(9, RNG_TEST, 2000, 0);
    for (size_t t = 0; t < LONG_SAMPLES; t++) {
        double step = t < LONG_HEARD ? 0.1 : 0.3;
        samples[t] = (int16_t)(t < LONG_HEARD - PACK_SAMPLE_RATE
                                   ? (double)rng_below(&r, 2000)
                                   : 30000 * sin(step * (double)t));
    }
    struct pack_writer *w = NULL;
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    const size_t n[3] = {LONG_SAMPLES, LONG_HEARD, LONG_HEARD - PACK_SAMPLE_RATE};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(
            pack_writer_add(w, PACK_EVAL, "long", NULL, samples, n[i], NULL), ERR_OK);
    }
    pack_writer_add_trial(w, 0, 1, true);
    pack_writer_add_trial(w, 0, 2, false);
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, NULL), ERR_OK);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    unlink(path);
    free(samples);
    return p;
}

START_TEST(of_a_long_recording_the_first_two_minutes_are_heard)
{
    struct pack *p = make_long_pack();
    struct net *net = make_net("blas");
    const struct embed_work work = {.pack = p};
    double scores[2];
    struct metrics m;
    ck_assert_int_eq(embed_score_trials(net, &work, scores, &m, NULL), ERR_OK);
    ck_assert_double_eq_tol(scores[0], 1, 1e-12);
    ck_assert_double_lt(scores[1], 1 - 1e-9);
    net_destroy(net);
    pack_close(p);
}
END_TEST

struct watcher {
    double last;
    int n_left;
};

static bool watch(void *arg, double fraction)
{
    struct watcher *w = arg;
    ck_assert_double_gt(fraction, w->last);
    w->last = fraction;
    return w->n_left-- > 0;
}

START_TEST(progress_rises_to_one_and_can_cancel)
{
    struct pack *p = make_pack();
    struct net *net = make_net("ref");
    struct metrics m;
    struct watcher w = {0, 1000};
    const struct embed_work work = {.pack = p, .progress = watch, .arg = &w};
    ck_assert_int_eq(embed_score_trials(net, &work, NULL, &m, NULL), ERR_OK);
    ck_assert_double_eq_tol(w.last, 1, 1e-12);
    w = (struct watcher){0, 0};
    ck_assert_int_eq(embed_score_trials(net, &work, NULL, &m, NULL), ERR_CANCELLED);
    net_destroy(net);
    pack_close(p);
}
END_TEST

START_TEST(an_embedding_that_points_nowhere_is_an_error)
{
    double voice[2] = {0, 0};
    const float zero[2] = {0, 0};
    const float infinite[2] = {1, INFINITY};
    const float good[2] = {3, 4};
    ck_assert_int_eq(cosine_add(voice, zero, 2, 1), ERR_NUMERIC);
    ck_assert_int_eq(cosine_add(voice, infinite, 2, 1), ERR_NUMERIC);
    ck_assert_int_eq(cosine_add(voice, good, 2, 1), ERR_OK);
    ck_assert_double_eq_tol(cosine_score(voice, voice, 2), 1, 1e-12);
    ck_assert_double_eq_tol(voice[1], 0.8, 1e-12);
}
END_TEST

TEST_SUITE(embed, whole_utterances_score_as_they_would_alone,
           two_crops_score_as_the_mean_of_four_cosines,
           of_a_long_recording_the_first_two_minutes_are_heard,
           progress_rises_to_one_and_can_cancel,
           an_embedding_that_points_nowhere_is_an_error)
