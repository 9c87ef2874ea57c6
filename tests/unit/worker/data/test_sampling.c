// SPDX-License-Identifier: Apache-2.0
// test_sampling.c - how often each speaker is heard in an epoch.
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/pack_writer.h"
#include "worker/data/sampling.h"

#define N_SPEAKERS 4
#define N_UTTS     15 // 1 + 2 + 4 + 8

static const int n_each[N_SPEAKERS] = {1, 2, 4, 8};

static struct pack *make_pack(const struct scratch *s)
{
    static int16_t samples[PACK_MIN_SAMPLES];
    const char *path = scratch_path(s, "p");
    struct pack_writer *w = NULL;
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    for (int i = 0; i < N_UTTS; i++) {
        const char *speaker = i < 1 ? "a" : i < 3 ? "b" : i < 7 ? "c" : "d";
        ck_assert_int_eq(pack_writer_add(w, PACK_TRAIN, "u", speaker, samples,
                                         PACK_MIN_SAMPLES, NULL),
                         ERR_OK);
    }
    char hash[HASH_HEX_MAX];
    uint64_t size = 0;
    ck_assert_int_eq(pack_writer_commit(w, hash, &size, NULL), ERR_OK);
    struct pack *p = NULL;
    ck_assert_int_eq(pack_open(path, &p, NULL), ERR_OK);
    return p;
}

struct bench {
    struct scratch s;
    struct pack *pack;
    struct study_conf *conf;
    struct sampling *sampling;
};

static struct bench bench_make(double balance)
{
    struct bench b = {.s = scratch_make()};
    b.pack = make_pack(&b.s);
    b.conf = calloc(1, sizeof(*b.conf));
    b.conf->seed = 5;
    b.conf->train.balance = balance;
    b.sampling = sampling_create(b.pack, b.conf, 1);
    return b;
}

static void bench_remove(struct bench *b)
{
    sampling_destroy(b->sampling);
    pack_close(b->pack);
    free(b->conf);
    scratch_remove(&b->s);
}

static void count_epoch(const struct bench *b, uint64_t epoch, int utts[static N_UTTS])
{
    memset(utts, 0, N_UTTS * sizeof(*utts));
    for (uint64_t i = 0; i < N_UTTS; i++) {
        utts[sampling_utt_at(b->sampling, epoch * N_UTTS + i)]++;
    }
}

START_TEST(without_balance_each_recording_is_heard_once_an_epoch)
{
    struct bench b = bench_make(0);
    int utts[N_UTTS];
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        count_epoch(&b, epoch, utts);
        for (int i = 0; i < N_UTTS; i++) {
            ck_assert_int_eq(utts[i], 1);
        }
    }
    bench_remove(&b);
}
END_TEST

// Each of four speakers should get 15 / 4 of an epoch's 15 positions.
START_TEST(full_balance_lets_all_speakers_speak_equally_often)
{
    enum { EPOCHS = 200 };
    struct bench b = bench_make(1);
    int heard[N_SPEAKERS] = {0};
    int utts[N_UTTS];
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        count_epoch(&b, epoch, utts);
        ck_assert(utts[0] == 3 || utts[0] == 4); // 15 / 4, rounded down or up
        for (int i = 0; i < N_UTTS; i++) {
            int n = pack_utt_at(b.pack, PACK_TRAIN, (size_t)i).speaker;
            double expected = 15.0 / 4 / n_each[n];
            ck_assert_double_lt(fabs(utts[i] - expected), 1);
            heard[n] += utts[i];
        }
    }
    for (int s = 0; s < N_SPEAKERS; s++) {
        ck_assert_double_eq_tol((double)heard[s] / EPOCHS, 15.0 / 4, 0.15);
    }
    bench_remove(&b);
}
END_TEST

START_TEST(negative_balance_favours_those_with_many_recordings)
{
    struct bench b = bench_make(-1);
    int utts[N_UTTS];
    count_epoch(&b, 0, utts);
    int of_last = 0;
    for (int i = 7; i < N_UTTS; i++) {
        of_last += utts[i];
    }
    ck_assert_int_ge(of_last, 11); // 15 * 64 / 85 = 11.3
    bench_remove(&b);
}
END_TEST

START_TEST(a_position_is_the_same_whatever_was_asked_before)
{
    struct bench b = bench_make(0.5);
    uint32_t forward[3 * N_UTTS];
    for (uint64_t i = 0; i < 3 * (uint64_t)N_UTTS; i++) {
        forward[i] = sampling_utt_at(b.sampling, i);
    }
    ck_assert_mem_ne(forward, forward + N_UTTS, N_UTTS * sizeof(*forward));
    for (uint64_t i = 3 * (uint64_t)N_UTTS; i > 0; i--) {
        ck_assert_uint_eq(sampling_utt_at(b.sampling, i - 1), forward[i - 1]);
    }
    bench_remove(&b);
}
END_TEST

TEST_SUITE(sampling, without_balance_each_recording_is_heard_once_an_epoch,
           full_balance_lets_all_speakers_speak_equally_often,
           negative_balance_favours_those_with_many_recordings,
           a_position_is_the_same_whatever_was_asked_before)
