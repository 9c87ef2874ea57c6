// SPDX-License-Identifier: Apache-2.0
// test_augment.c - noise at the ratio asked for, rooms that keep loudness, masks.
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/augment.h"
#include "worker/data/pack_writer.h"

#define N 16000

// One training utterance, and noise that is alternately silent.
static struct pack *make_pack(const struct scratch *s)
{
    struct pack_writer *w = NULL;
    const char *path = scratch_path(s, "p");
    static int16_t samples[N / 2];
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);
    for (size_t i = 0; i < N / 2; i++) {
        samples[i] = (int16_t)(1000 * rng_normal(&r));
    }
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    ck_assert_int_eq(pack_writer_add(w, PACK_TRAIN, "t", "s", samples, N / 2, NULL),
                     ERR_OK);
    ck_assert_int_eq(pack_writer_add(w, PACK_NOISE, "n", NULL, samples, N / 2, NULL),
                     ERR_OK);
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, NULL), ERR_OK);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    return p;
}

static void tone(float *x)
{
    for (int i = 0; i < N; i++) {
        x[i] = (float)(0.3 * sin(2 * M_PI * 440 * i / 16000));
    }
}

static double energy(const float *x, const float *minus)
{
    double sum = 0;
    for (int i = 0; i < N; i++) {
        sum += pow((double)x[i] - (minus ? (double)minus[i] : 0.0), 2);
    }
    return sum;
}

static void augmented(const struct study_augment *conf, uint64_t seed, float *x)
{
    struct scratch s = scratch_make();
    struct pack *p = make_pack(&s);
    struct augment *a = augment_create(conf, p, N);
    struct rng r = rng_stream(seed, RNG_TEST, 1, 0);
    tone(x);
    augment_samples(a, &r, x);
    augment_destroy(a);
    pack_close(p);
    scratch_remove(&s);
}

START_TEST(noise_is_added_at_a_ratio_within_the_range)
{
    static float x[N];
    static float clean[N];
    tone(clean);
    struct study_augment conf = {.noise_prob = 1, .snr_min_db = 5, .snr_max_db = 10};
    for (uint64_t seed = 0; seed < 5; seed++) {
        augmented(&conf, seed, x);
        double snr_db = 10 * log10(energy(clean, NULL) / energy(x, clean));
        ck_assert_double_ge(snr_db, 4.99);
        ck_assert_double_le(snr_db, 10.01);
    }
}
END_TEST

START_TEST(a_room_keeps_the_loudness_and_changes_the_sound)
{
    static float x[N];
    static float clean[N];
    tone(clean);
    struct study_augment conf = {.reverb_prob = 1};
    augmented(&conf, 1, x);
    ck_assert_double_eq_tol(energy(x, NULL) / energy(clean, NULL), 1, 1e-4);
    ck_assert_double_gt(energy(x, clean), 0.001 * energy(clean, NULL));
}
END_TEST

// The direct path comes first, undelayed, and no single reflection is louder.
START_TEST(a_room_answers_a_click_at_once_and_never_before)
{
    static float x[N];
    struct study_augment conf = {.reverb_prob = 1};
    struct scratch s = scratch_make();
    struct pack *p = make_pack(&s);
    struct augment *a = augment_create(&conf, p, N);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng r = rng_stream(seed, RNG_TEST, 4, 0);
        memset(x, 0, sizeof(x));
        x[N / 2] = 0.5F;
        augment_samples(a, &r, x);
        int loudest = 0;
        for (int i = 0; i < N; i++) {
            ck_assert(i >= N / 2 || fabsf(x[i]) < 1e-5F);
            loudest = fabsf(x[i]) > fabsf(x[loudest]) ? i : loudest;
        }
        ck_assert_int_eq(loudest, N / 2);
        ck_assert(x[loudest] > 0);
    }
    augment_destroy(a);
    pack_close(p);
    scratch_remove(&s);
}
END_TEST

START_TEST(probability_zero_changes_nothing)
{
    static float x[N];
    static float clean[N];
    tone(clean);
    struct study_augment conf = {0};
    augmented(&conf, 1, x);
    ck_assert_mem_eq(x, clean, sizeof(x));
}
END_TEST

START_TEST(the_same_stream_gives_the_same_samples)
{
    static float x[N];
    static float y[N];
    struct study_augment conf = {
        .noise_prob = 1, .snr_min_db = 0, .snr_max_db = 20, .reverb_prob = 1};
    augmented(&conf, 4, x);
    augmented(&conf, 4, y);
    ck_assert_mem_eq(x, y, sizeof(x));
    augmented(&conf, 5, y);
    ck_assert_mem_ne(x, y, sizeof(x));
}
END_TEST

START_TEST(masks_are_whole_rows_and_columns_within_their_widths)
{
    enum { FRAMES = 50, MELS = 20 };
    struct study_augment conf = {
        .freq_masks = 1, .freq_mask_bins = 5, .time_masks = 1, .time_mask_frames = 7};
    struct augment *a = augment_create(&conf, NULL, N);
    for (uint64_t seed = 0; seed < 200; seed++) {
        float x[FRAMES * MELS];
        for (int i = 0; i < FRAMES * MELS; i++) {
            x[i] = 1;
        }
        struct rng r = rng_stream(seed, RNG_TEST, 2, 0);
        augment_features(a, &r, x, FRAMES, MELS);
        int rows = 0;
        int columns = 0;
        int zeros = 0;
        for (int t = 0; t < FRAMES; t++) {
            bool is_row = true;
            for (int m = 0; m < MELS; m++) {
                is_row = is_row && x[t * MELS + m] == 0;
                zeros += x[t * MELS + m] == 0;
            }
            rows += is_row;
        }
        for (int m = 0; m < MELS; m++) {
            bool is_column = true;
            for (int t = 0; t < FRAMES; t++) {
                is_column = is_column && x[t * MELS + m] == 0;
            }
            columns += is_column;
        }
        ck_assert_int_le(rows, 7);
        ck_assert_int_le(columns, 5);
        ck_assert_int_eq(zeros, rows * MELS + columns * FRAMES - rows * columns);
    }
    augment_destroy(a);
}
END_TEST

START_TEST(masks_wider_than_the_crop_leave_some_of_it)
{
    enum { FRAMES = 9, MELS = 4 };
    struct study_augment conf = {
        .freq_masks = 0, .time_masks = 1, .time_mask_frames = 1000};
    struct augment *a = augment_create(&conf, NULL, N);
    for (uint64_t seed = 0; seed < 50; seed++) {
        float x[FRAMES * MELS];
        for (int i = 0; i < FRAMES * MELS; i++) {
            x[i] = 1;
        }
        struct rng r = rng_stream(seed, RNG_TEST, 3, 0);
        augment_features(a, &r, x, FRAMES, MELS);
        float sum = 0;
        for (int i = 0; i < FRAMES * MELS; i++) {
            sum += x[i];
        }
        ck_assert(sum >= 3 * MELS);
    }
    augment_destroy(a);
}
END_TEST

TEST_SUITE(augment, noise_is_added_at_a_ratio_within_the_range,
           a_room_keeps_the_loudness_and_changes_the_sound,
           a_room_answers_a_click_at_once_and_never_before,
           probability_zero_changes_nothing, the_same_stream_gives_the_same_samples,
           masks_are_whole_rows_and_columns_within_their_widths,
           masks_wider_than_the_crop_leave_some_of_it)
