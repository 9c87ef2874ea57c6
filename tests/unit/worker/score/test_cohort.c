// SPDX-License-Identifier: Apache-2.0
// test_cohort.c - who is in a cohort, and scores normalised by it, against one pass a
// recording.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/data/fbank.h"
#include "worker/data/pack_writer.h"
#include "worker/kernels/backend.h"
#include "worker/score/asnorm.h"
#include "worker/score/cohort.h"
#include "worker/score/embed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_SPEAKERS 6
#define N_EVAL     4
#define N_MELS     20
#define N_EMBED    8

static const struct net_dims dims = {.n_mels = N_MELS,
                                     .max_depth = 1,
                                     .max_width = 16,
                                     .max_kernel = 3,
                                     .max_cat = 16,
                                     .n_embed = N_EMBED,
                                     .res2_scale = 8,
                                     .se_reduction = 4,
                                     .pool_bottleneck = 4};

static void add(struct pack_writer *w, enum pack_part part, const char *speaker,
                uint64_t number)
{
    static int16_t samples[8000];
    char id[32];
    size_t n = 3200 + 640 * (number % 7);
    double step = 0.05 * (double)(1 + (number + part) % 11); // a pitch
    struct rng r = rng_stream(9, RNG_TEST, number, part);
    for (size_t t = 0; t < n; t++) {
        samples[t] = (int16_t)(rng_normal(&r) * 100 * (double)(1 + number % 5) +
                               6000 * sin(step * (double)t));
    }
    snprintf(id, sizeof(id), "%d-%d", (int)part, (int)number);
    ck_assert_int_eq(pack_writer_add(w, part, id, speaker, samples, n, NULL), ERR_OK);
}

// Speaker s has s + 1 recordings.
static struct pack *make_pack(uint64_t n_speakers)
{
    char path[] = "/tmp/voxarch_cohort_XXXXXX";
    close(mkstemp(path));
    struct pack_writer *w = NULL;
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    for (uint64_t s = 0; s < n_speakers; s++) {
        char name[16];
        snprintf(name, sizeof(name), "s%d", (int)s);
        for (uint64_t i = 0; i <= s; i++) {
            add(w, PACK_TRAIN, name, 10 * s + i);
        }
    }
    for (uint64_t i = 0; i < N_EVAL; i++) {
        add(w, PACK_EVAL, NULL, i);
    }
    for (uint32_t i = 0; i < N_EVAL; i++) {
        pack_writer_add_trial(w, i, (i + 1) % N_EVAL, i % 2 == 0);
    }
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    struct pack *p = NULL;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, NULL), ERR_OK);
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    unlink(path);
    return p;
}

static struct net *make_net(void)
{
    struct arch a;
    ck_assert_int_eq(arch_parse("1-16-16-3-3-16", &a, NULL), ERR_OK);
    struct net *net = net_create(backend_find("ref"), &dims, &a, VOICES_MAX_UTTS,
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

// ---- who is in it

static void assert_is_fair(const struct cohort *c, const struct pack *p, int n_each)
{
    int n_of[N_SPEAKERS] = {0};
    int speaker_of[N_SPEAKERS];
    memset(speaker_of, -1, sizeof(speaker_of));
    for (size_t i = 0; i < c->n_items; i++) {
        uint32_t member = c->items[i].voice;
        int speaker = pack_utt_at(p, PACK_TRAIN, c->items[i].utt).speaker;
        ck_assert_uint_lt(member, c->n);
        ck_assert(speaker_of[member] == -1 || speaker_of[member] == speaker);
        speaker_of[member] = speaker;
        n_of[member]++;
        for (size_t j = 0; j < i; j++) {
            ck_assert_uint_ne(c->items[j].utt, c->items[i].utt);
        }
    }
    for (size_t m = 0; m < c->n; m++) {
        int n_has = speaker_of[m] + 1; // recordings
        ck_assert_int_eq(n_of[m], n_has < n_each ? n_has : n_each);
    }
}

START_TEST(each_member_is_a_speaker_with_as_many_recordings_as_asked_for)
{
    struct pack *p = make_pack(N_SPEAKERS);
    const struct study_asnorm some = {.cohort = 4, .top = 3, .utterances = 3};
    const struct study_asnorm more = {.cohort = 100, .top = 3, .utterances = 100};
    struct cohort c;
    ck_assert_int_eq(cohort_draw(&c, p, &some, 1, NULL), ERR_OK);
    ck_assert_uint_eq(c.n, 4);
    assert_is_fair(&c, p, 3);
    cohort_fini(&c);
    ck_assert_int_eq(cohort_draw(&c, p, &more, 1, NULL), ERR_OK);
    ck_assert_uint_eq(c.n, N_SPEAKERS);
    ck_assert_uint_eq(c.n_items, pack_count(p, PACK_TRAIN));
    assert_is_fair(&c, p, 100);
    cohort_fini(&c);
    pack_close(p);
}
END_TEST

START_TEST(the_draw_is_the_seeds_and_nothing_elses)
{
    struct pack *p = make_pack(N_SPEAKERS);
    const struct study_asnorm asnorm = {.cohort = 4, .top = 3, .utterances = 2};
    struct cohort c[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cohort_draw(&c[i], p, &asnorm, i < 2 ? 7 : 8, NULL), ERR_OK);
    }
    ck_assert_uint_eq(c[0].n_items, c[1].n_items);
    ck_assert_mem_eq(c[0].items, c[1].items, c[0].n_items * sizeof(c[0].items[0]));
    bool is_other =
        c[2].n_items != c[0].n_items ||
        memcmp(c[0].items, c[2].items, c[0].n_items * sizeof(c[0].items[0])) != 0;
    ck_assert(is_other);
    for (int i = 0; i < 3; i++) {
        cohort_fini(&c[i]);
    }
    pack_close(p);
}
END_TEST

START_TEST(one_training_speaker_makes_no_cohort)
{
    struct pack *p = make_pack(1);
    struct net *net = make_net();
    const struct study_asnorm asnorm = {.cohort = 4, .top = 3, .utterances = 2};
    const struct embed_work work = {
        .pack = p, .asnorm = &asnorm, .kernels = backend_find("ref")};
    struct metrics m;
    struct errinfo why = {0};
    ck_assert_int_eq(embed_score_trials(net, &work, NULL, &m, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "two training speakers"));
    net_destroy(net);
    pack_close(p);
}
END_TEST

// ---- what it does to scores

static void embed_alone(struct net *net, struct pack_utt u, double unit[static N_EMBED])
{
    int n_frames = fbank_n_frames((size_t)u.n_samples);
    float *x = malloc(u.n_samples * sizeof(*x));
    float *features = malloc((size_t)n_frames * N_MELS * sizeof(*features));
    float embedding[N_EMBED];
    for (size_t i = 0; i < u.n_samples; i++) {
        x[i] = (float)u.samples[i] / 32768.0f;
    }
    struct fbank *f = fbank_create(N_MELS);
    fbank_compute(f, x, (size_t)u.n_samples, features);
    net_forward_eval(net, &(struct net_batch){1, &n_frames, features}, embedding);
    double square = 0;
    for (int i = 0; i < N_EMBED; i++) {
        square += (double)embedding[i] * embedding[i];
    }
    for (int i = 0; i < N_EMBED; i++) {
        unit[i] = embedding[i] / sqrt(square);
    }
    fbank_destroy(f);
    free(x);
    free(features);
}

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < N_EMBED; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

// The cosine of one voice with the mean direction of each member: all members count.
static struct asnorm_side side_by_hand(const struct cohort *c, struct net *net,
                                       const struct pack *p, const double *voice)
{
    double cosines[N_SPEAKERS];
    double mean = 0;
    double variance = 0;
    for (size_t m = 0; m < c->n; m++) {
        double sum[N_EMBED] = {0};
        for (size_t i = 0; i < c->n_items; i++) {
            double unit[N_EMBED];
            if (c->items[i].voice != m) {
                continue;
            }
            embed_alone(net, pack_utt_at(p, PACK_TRAIN, c->items[i].utt), unit);
            for (int j = 0; j < N_EMBED; j++) {
                sum[j] += unit[j];
            }
        }
        cosines[m] = dot(voice, sum) / sqrt(dot(sum, sum));
        mean += cosines[m] / (double)c->n;
    }
    for (size_t m = 0; m < c->n; m++) {
        variance += (cosines[m] - mean) * (cosines[m] - mean) / (double)c->n;
    }
    return (struct asnorm_side){mean, sqrt(variance)};
}

START_TEST(normalised_scores_are_those_made_by_hand)
{
    struct pack *p = make_pack(N_SPEAKERS);
    struct net *net = make_net();
    const struct study_asnorm asnorm = {.cohort = 5, .top = 300, .utterances = 2};
    const struct embed_work work = {
        .pack = p, .asnorm = &asnorm, .seed = 3, .kernels = backend_find("blas")};
    double scores[N_EVAL];
    struct metrics metrics;
    ck_assert_int_eq(embed_score_trials(net, &work, scores, &metrics, NULL), ERR_OK);
    struct cohort c;
    ck_assert_int_eq(cohort_draw(&c, p, &asnorm, 3, NULL), ERR_OK);
    double voices[N_EVAL][N_EMBED];
    struct asnorm_side sides[N_EVAL];
    for (size_t i = 0; i < N_EVAL; i++) {
        embed_alone(net, pack_utt_at(p, PACK_EVAL, i), voices[i]);
        sides[i] = side_by_hand(&c, net, p, voices[i]);
        ck_assert_double_gt(sides[i].spread, 2 * ASNORM_SPREAD_MIN);
    }
    for (size_t i = 0; i < N_EVAL; i++) {
        struct pack_trial t = pack_trials(p)[i];
        double want = asnorm_score(dot(voices[t.enroll], voices[t.test]),
                                   &sides[t.enroll], &sides[t.test]);
        ck_assert_double_eq_tol(scores[i], want, 1e-3 * (1 + fabs(want)));
    }
    cohort_fini(&c);
    net_destroy(net);
    pack_close(p);
}
END_TEST

TEST_SUITE(cohort, each_member_is_a_speaker_with_as_many_recordings_as_asked_for,
           the_draw_is_the_seeds_and_nothing_elses,
           one_training_speaker_makes_no_cohort,
           normalised_scores_are_those_made_by_hand)
