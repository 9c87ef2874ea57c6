// SPDX-License-Identifier: Apache-2.0
// test_features.c - both ways of levelling what a network hears.
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/data/fbank.h"
#include "worker/data/features.h"

#include <math.h>

#define N        8000
#define N_FRAMES 51 // 1 + N / 160
#define N_VALUES ((size_t)N_FRAMES * 80)

static void make_noise(float *x, double level)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        x[i] = (float)(level * rng_normal(&r));
    }
}

static void compute(enum input_level level, const float *x, float *out)
{
    struct net_dims d = DIMS_PAPER;
    d.input = level;
    struct features *f = features_create(&d);
    features_compute(f, x, N, out);
    features_destroy(f);
}

START_TEST(by_recording_is_the_papers_front_end)
{
    static float x[N];
    static float wanted[N_VALUES];
    static float got[N_VALUES];
    make_noise(x, 0.1);
    struct fbank *f = fbank_create(80);
    fbank_compute(f, x, N, wanted);
    fbank_destroy(f);
    compute(INPUT_BY_RECORDING, x, got);
    ck_assert_mem_eq(got, wanted, sizeof(got));
}
END_TEST

// Ten times as loud is ln 100 more in every log-mel value, a quarter of it in features.
START_TEST(fixed_features_tell_loud_from_quiet)
{
    static float x[N];
    static float quiet[N_VALUES];
    static float loud[N_VALUES];
    make_noise(x, 0.05);
    compute(INPUT_FIXED, x, quiet);
    make_noise(x, 0.5);
    compute(INPUT_FIXED, x, loud);
    for (size_t i = 0; i < N_VALUES; i++) {
        ck_assert_double_eq_tol((double)loud[i] - (double)quiet[i], log(100) / 4, 0.05);
        ck_assert_double_lt(fabs((double)quiet[i]), 4);
    }
    features_destroy(NULL);
}
END_TEST

TEST_SUITE(features, by_recording_is_the_papers_front_end,
           fixed_features_tell_loud_from_quiet)
