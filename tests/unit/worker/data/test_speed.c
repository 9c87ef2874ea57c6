// SPDX-License-Identifier: Apache-2.0
// test_speed.c - a tone played faster is a higher tone, as loud, without ghosts.
#include "tests/lib/check_main.h"
#include "worker/data/speed.h"

#include <math.h>
#include <stdlib.h>

#define N_OUT 3000

static const double factors[] = {0.5, 0.9, 0.93, 1.1, 1.07, 2};

// Plays a tone of `frequency` (in cycles a sample) and returns what comes out.
static float *play(double factor, double frequency)
{
    struct speed *s = speed_create(factor);
    size_t n_in = speed_n_in(s, N_OUT);
    float *in = malloc(n_in * sizeof(*in));
    float *out = malloc(N_OUT * sizeof(*out));
    for (size_t i = 0; i < n_in; i++) {
        in[i] = (float)cos(2 * M_PI * frequency * (double)i);
    }
    speed_change(s, in, out, N_OUT);
    free(in);
    speed_destroy(s);
    return out;
}

START_TEST(a_tone_comes_out_at_the_new_pitch_sample_by_sample)
{
    for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++) {
        float *out = play(factors[f], 0.05);
        for (int i = 0; i < N_OUT; i++) { // the first output lies at input 15
            double wanted = cos(2 * M_PI * 0.05 * (15 + i * factors[f]));
            ck_assert_double_eq_tol((double)out[i], wanted, 0.01);
        }
        free(out);
    }
}
END_TEST

START_TEST(what_the_new_rate_cannot_hold_is_taken_out)
{
    float *out = play(2, 0.4); // would come out as 0.8 cycles a sample, heard as 0.2
    for (int i = 0; i < N_OUT; i++) {
        ck_assert_double_lt(fabs((double)out[i]), 0.02);
    }
    free(out);
}
END_TEST

START_TEST(input_suffices_exactly)
{
    struct speed *s = speed_create(1.1);
    ck_assert_uint_eq(speed_n_in(s, 1), 32);
    ck_assert_uint_eq(speed_n_in(s, 10), 9 * 11 / 10 + 32);
    ck_assert_uint_eq(speed_n_in(s, 11), 11 + 32);
    speed_destroy(s);
    speed_destroy(NULL);
}
END_TEST

TEST_SUITE(speed, a_tone_comes_out_at_the_new_pitch_sample_by_sample,
           what_the_new_rate_cannot_hold_is_taken_out, input_suffices_exactly)
