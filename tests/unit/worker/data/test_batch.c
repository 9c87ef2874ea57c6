// SPDX-License-Identifier: Apache-2.0
// test_batch.c - batches are a function of their number, and every epoch is complete.
#include "common/base/rng.h"
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/batch.h"
#include "worker/data/pack_writer.h"

#define N_SPEAKERS 5
#define N_EACH     4
#define N_UTTS     20 // N_SPEAKERS * N_EACH
#define N_MELS     40
#define BATCH      4

// Utterances of noise, each `seconds` long.
static struct pack *make_pack(const struct scratch *s, double seconds)
{
    struct pack_writer *w = NULL;
    struct errinfo why = {0};
    const char *path = scratch_path(s, "p");
    ck_assert_int_eq(pack_writer_open(path, &w, &why), ERR_OK);
    size_t n = (size_t)(seconds * PACK_SAMPLE_RATE);
    int16_t *samples = malloc(n * sizeof(*samples));
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    for (int i = 0; i < N_UTTS; i++) {
        char id[16];
        char speaker[16];
        snprintf(id, sizeof(id), "u%d", i);
        snprintf(speaker, sizeof(speaker), "s%d", i / N_EACH);
        for (size_t t = 0; t < n; t++) {
            samples[t] = (int16_t)(rng_normal(&r) * 1000);
        }
        ck_assert_int_eq(pack_writer_add(w, PACK_TRAIN, id, speaker, samples, n, &why),
                         ERR_OK);
    }
    ck_assert_int_eq(pack_writer_add(w, PACK_NOISE, "n", NULL, samples, n, &why),
                     ERR_OK);
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, &why), ERR_OK);
    free(samples);
    struct pack *p = NULL;
    ck_assert_msg(pack_open(path, &p, &why) == ERR_OK, "%s", why.text);
    return p;
}

static struct study_conf *make_conf(void)
{
    struct study_conf *c = calloc(1, sizeof(*c));
    c->seed = 11;
    c->supernet.n_mels = N_MELS;
    c->train.batch = BATCH;
    c->train.n_stages = 2;
    c->train.stages[0] = (struct study_stage){.epochs = 3, .crop_s = 0.2};
    c->train.stages[1] = (struct study_stage){.epochs = 3, .crop_s = 0.2};
    c->train.augment = (struct study_augment){
        .noise_prob = 0.5,
        .snr_min_db = 0,
        .snr_max_db = 15,
        .reverb_prob = 0.3,
        .freq_masks = 1,
        .freq_mask_bins = 8,
        .time_masks = 1,
        .time_mask_frames = 5,
    };
    return c;
}

struct bench {
    struct scratch s;
    struct pack *pack;
    struct study_conf *conf;
};

static struct bench bench_make(double seconds)
{
    struct bench b = {.s = scratch_make()};
    b.pack = make_pack(&b.s, seconds);
    b.conf = make_conf();
    return b;
}

static void bench_remove(struct bench *b)
{
    pack_close(b->pack);
    free(b->conf);
    scratch_remove(&b->s);
}

static size_t batch_floats(const struct batch *b)
{
    return (size_t)b->n_utts * (size_t)b->n_frames_each * N_MELS;
}

START_TEST(a_batch_is_the_same_from_wherever_the_stage_is_entered)
{
    struct bench bench = bench_make(0.5);
    struct batcher *whole = NULL;
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 1, 0, 12, &whole, NULL),
                     ERR_OK);
    for (uint64_t i = 0; i < 12; i++) {
        const struct batch *a = batcher_next(whole);
        struct batcher *part = NULL;
        ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 1, i, 1, &part, NULL),
                         ERR_OK);
        const struct batch *b = batcher_next(part);
        ck_assert_int_eq(a->n_utts, BATCH);
        ck_assert_int_eq(a->n_frames_each, 21);
        ck_assert_int_eq(a->n_frames[BATCH - 1], 21);
        ck_assert_mem_eq(a->features, b->features, batch_floats(a) * sizeof(float));
        ck_assert_mem_eq(a->labels, b->labels, BATCH * sizeof(int32_t));
        ck_assert_ptr_null(batcher_next(part));
        ck_assert_ptr_null(batcher_next(part));
        batcher_close(part);
    }
    ck_assert_ptr_null(batcher_next(whole));
    batcher_close(whole);
    bench_remove(&bench);
}
END_TEST

START_TEST(features_are_finite_and_differ_between_stages_and_seeds)
{
    struct bench bench = bench_make(0.5);
    struct batcher *b[3] = {NULL};
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 0, 1, &b[0], NULL),
                     ERR_OK);
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 1, 0, 1, &b[1], NULL),
                     ERR_OK);
    struct study_conf *other = make_conf();
    other->seed++;
    ck_assert_int_eq(batcher_open(bench.pack, other, 0, 0, 1, &b[2], NULL), ERR_OK);
    const struct batch *first = batcher_next(b[0]);
    for (size_t i = 0; i < batch_floats(first); i++) {
        ck_assert(isfinite(first->features[i]));
    }
    for (int i = 1; i < 3; i++) {
        const struct batch *next = batcher_next(b[i]);
        ck_assert_mem_ne(first->features, next->features,
                         batch_floats(first) * sizeof(float));
    }
    for (int i = 0; i < 3; i++) {
        batcher_close(b[i]);
    }
    free(other);
    bench_remove(&bench);
}
END_TEST

// Labels tell who was drawn: an epoch holds each speaker as often as it has recordings.
START_TEST(every_epoch_holds_every_utterance_once_in_its_own_order)
{
    struct bench bench = bench_make(0.5);
    struct batcher *b = NULL;
    int32_t labels[3][N_UTTS];
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 0, 15, &b, NULL), ERR_OK);
    for (int epoch = 0; epoch < 3; epoch++) {
        int seen[N_SPEAKERS] = {0};
        for (int i = 0; i < N_UTTS; i += BATCH) {
            const struct batch *batch = batcher_next(b);
            for (int k = 0; k < BATCH; k++) {
                labels[epoch][i + k] = batch->labels[k];
                seen[batch->labels[k]]++;
            }
        }
        for (int s = 0; s < N_SPEAKERS; s++) {
            ck_assert_int_eq(seen[s], N_EACH);
        }
    }
    ck_assert_mem_ne(labels[0], labels[1], sizeof(labels[0]));
    ck_assert_mem_ne(labels[1], labels[2], sizeof(labels[0]));
    batcher_close(b);
    bench_remove(&bench);
}
END_TEST

// Label s + k * N_SPEAKERS: speaker s at speed k, all three as likely.
START_TEST(a_speaker_at_another_speed_is_a_new_one_unless_said_otherwise)
{
    enum { BATCHES = 75 };
    struct bench bench = bench_make(0.5);
    bench.conf->train.augment.n_speeds = 2;
    bench.conf->train.augment.speeds[0] = 0.9;
    bench.conf->train.augment.speeds[1] = 1.1;
    ck_assert_int_eq(study_n_classes(bench.conf, N_SPEAKERS), (intmax_t)3 * N_SPEAKERS);
    for (int keep = 0; keep < 2; keep++) {
        bench.conf->train.augment.speeds_keep_speaker = keep;
        int n_classes = study_n_classes(bench.conf, N_SPEAKERS);
        struct batcher *b = NULL;
        int at_speed[3] = {0};
        ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 0, BATCHES, &b, NULL),
                         ERR_OK);
        for (const struct batch *batch; (batch = batcher_next(b));) {
            for (int k = 0; k < BATCH; k++) {
                ck_assert_int_lt(batch->labels[k], n_classes);
                at_speed[batch->labels[k] / N_SPEAKERS]++;
            }
        }
        for (int i = 0; i < 3; i++) {
            const int all = BATCHES * BATCH;
            int wanted = keep ? (i == 0 ? all : 0) : all / 3;
            ck_assert_int_ge(at_speed[i], wanted * 3 / 4);
            ck_assert_int_le(at_speed[i], wanted * 5 / 4);
        }
        batcher_close(b);
    }
    bench_remove(&bench);
}
END_TEST

// The same position of the stage with and without speeds: as it was where it is played
// as it was spoken.
START_TEST(what_is_played_as_it_was_spoken_is_as_without_speeds)
{
    struct bench bench = bench_make(0.5);
    struct study_conf *with = make_conf();
    with->train.augment.n_speeds = 1;
    with->train.augment.speeds[0] = 1.05;
    struct batcher *b[2] = {NULL};
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 0, 5, &b[0], NULL),
                     ERR_OK);
    ck_assert_int_eq(batcher_open(bench.pack, with, 0, 0, 5, &b[1], NULL), ERR_OK);
    int n_same = 0;
    for (const struct batch *plain; (plain = batcher_next(b[0]));) {
        const struct batch *played = batcher_next(b[1]);
        size_t each = batch_floats(plain) / BATCH;
        for (int k = 0; k < BATCH; k++) {
            const float *x = plain->features + (size_t)k * each;
            const float *y = played->features + (size_t)k * each;
            ck_assert_int_eq(played->labels[k] % N_SPEAKERS, plain->labels[k]);
            bool is_same = memcmp(x, y, each * sizeof(float)) == 0;
            ck_assert(is_same == (played->labels[k] < N_SPEAKERS));
            n_same += is_same;
        }
    }
    ck_assert(n_same > 0 && n_same < 5 * BATCH);
    batcher_close(b[0]);
    batcher_close(b[1]);
    free(with);
    bench_remove(&bench);
}
END_TEST

START_TEST(a_batcher_can_be_closed_at_any_time)
{
    struct bench bench = bench_make(0.5);
    for (int taken = 0; taken < 5; taken++) {
        struct batcher *b = NULL;
        ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 7, 100, &b, NULL),
                         ERR_OK);
        for (int i = 0; i < taken; i++) {
            ck_assert_ptr_nonnull(batcher_next(b));
        }
        batcher_close(b);
    }
    batcher_close(NULL);
    bench_remove(&bench);
}
END_TEST

START_TEST(crops_longer_than_recordings_are_filled)
{
    struct bench bench = bench_make(0.15); // crops are of 0.2 s
    struct batcher *b = NULL;
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 0, 5, &b, NULL), ERR_OK);
    for (const struct batch *batch; (batch = batcher_next(b));) {
        ck_assert_int_eq(batch->n_frames_each, 21);
        for (size_t i = 0; i < batch_floats(batch); i++) {
            ck_assert(isfinite(batch->features[i]));
        }
    }
    batcher_close(b);
    bench_remove(&bench);
}
END_TEST

// Two speakers, one loud and one quiet, of three recordings of 0.15 s each.
static struct pack *make_uneven_pack(const struct scratch *s)
{
    static int16_t samples[2400];
    const char *path = scratch_path(s, "uneven");
    struct pack_writer *w = NULL;
    struct rng r = rng_stream(3, RNG_TEST, 1, 0);
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    for (int i = 0; i < 6; i++) {
        for (int t = 0; t < 2400; t++) {
            samples[t] = (int16_t)(rng_normal(&r) * (i % 2 ? 30 : 3000));
        }
        ck_assert_int_eq(pack_writer_add(w, PACK_TRAIN, "u", i % 2 ? "quiet" : "loud",
                                         samples, 2400, NULL),
                         ERR_OK);
    }
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, NULL), ERR_OK);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    return p;
}

// Features have mean 0 over a crop: half of it by another speaker would lie far off.
START_TEST(crops_are_filled_by_the_same_speaker)
{
    enum { CROPS = 12, FRAMES = 31, HALF = 14 };
    struct scratch s = scratch_make();
    struct pack *p = make_uneven_pack(&s);
    struct study_conf *c = make_conf();
    float *x = malloc((size_t)CROPS * FRAMES * N_MELS * sizeof(*x));
    batch_calibration(p, c, 0, CROPS, FRAMES, x);
    for (int i = 0; i < CROPS; i++) {
        double mean = 0;
        for (int k = 0; k < HALF * N_MELS; k++) {
            mean += (double)x[i * FRAMES * N_MELS + k] / (HALF * N_MELS);
        }
        ck_assert_msg(fabs(mean) < 0.3, "crop %d: %g", i, mean);
    }
    free(x);
    free(c);
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(a_stage_has_its_epochs_worth_of_whole_batches)
{
    struct study_conf *c = make_conf();
    ck_assert_uint_eq(batch_count(c, 0, 20), 15);
    c->train.stages[0].epochs = 0.5;
    ck_assert_uint_eq(batch_count(c, 0, 20), 3); // 2.5, halves to even or up
    c->train.stages[0].epochs = 0.01;
    ck_assert_uint_eq(batch_count(c, 0, 20), 1);
    c->train.stages[0].crop_s = 3;
    ck_assert_int_eq(batch_crop_frames(c, 0), 301);
    free(c);
}
END_TEST

START_TEST(the_last_part_of_a_stage_that_is_tuned_has_crops_of_its_own)
{
    struct bench bench = bench_make(0.5);
    struct study_stage *stage = &bench.conf->train.stages[0]; // of 15 batches
    stage->tune = 0.2;
    stage->tune_crop_s = 0.3;
    struct batcher *b = NULL;
    ck_assert_int_eq(batch_crop_frames(bench.conf, 0), 31);
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 10, 5, &b, NULL), ERR_OK);
    for (int i = 10; i < 15; i++) {
        const struct batch *batch = batcher_next(b);
        int n_frames = i < 12 ? 21 : 31;
        ck_assert_int_eq(batch->n_frames_each, n_frames);
        ck_assert_int_eq(batch->n_frames[BATCH - 1], n_frames);
        for (size_t k = 0; k < batch_floats(batch); k++) {
            ck_assert(isfinite(batch->features[k]));
        }
    }
    batcher_close(b);
    stage->tune_crop_s = 0.1;
    ck_assert_int_eq(batch_crop_frames(bench.conf, 0), 21);
    bench_remove(&bench);
}
END_TEST

START_TEST(crops_that_are_too_short_and_empty_packs_are_refused)
{
    struct bench bench = bench_make(0.5);
    struct batcher *b = NULL;
    struct errinfo why = {0};
    bench.conf->train.stages[0].crop_s = 0.05;
    ck_assert_int_eq(batcher_open(bench.pack, bench.conf, 0, 0, 1, &b, &why),
                     ERR_INPUT);
    ck_assert_says(why, "too short");
    ck_assert_ptr_null(b);
    bench_remove(&bench);
}
END_TEST

START_TEST(calibration_is_the_same_in_whatever_batches_it_is_asked_for)
{
    struct bench bench = bench_make(0.15);
    const size_t all = (size_t)2 * N_UTTS;
    const int n_frames = 31;
    const size_t each = (size_t)n_frames * N_MELS;
    float *whole = malloc(all * each * sizeof(*whole));
    float *part = malloc(all * each * sizeof(*part));
    batch_calibration(bench.pack, bench.conf, 0, (int)all, n_frames, whole);
    for (size_t i = 0; i < all; i += 8) {
        batch_calibration(bench.pack, bench.conf, i, 8, n_frames, part + i * each);
    }
    ck_assert_mem_eq(whole, part, all * each * sizeof(*whole));
    for (size_t i = 1; i < N_UTTS; i++) { // different utterances
        ck_assert_mem_ne(whole, whole + i * each, each * sizeof(*whole));
    }
    free(whole);
    free(part);
    bench_remove(&bench);
}
END_TEST

TEST_SUITE(batch, a_batch_is_the_same_from_wherever_the_stage_is_entered,
           features_are_finite_and_differ_between_stages_and_seeds,
           every_epoch_holds_every_utterance_once_in_its_own_order,
           a_speaker_at_another_speed_is_a_new_one_unless_said_otherwise,
           what_is_played_as_it_was_spoken_is_as_without_speeds,
           a_batcher_can_be_closed_at_any_time, crops_longer_than_recordings_are_filled,
           crops_are_filled_by_the_same_speaker,
           a_stage_has_its_epochs_worth_of_whole_batches,
           the_last_part_of_a_stage_that_is_tuned_has_crops_of_its_own,
           crops_that_are_too_short_and_empty_packs_are_refused,
           calibration_is_the_same_in_whatever_batches_it_is_asked_for)
