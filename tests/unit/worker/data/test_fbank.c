// SPDX-License-Identifier: Apache-2.0
// test_fbank.c - the front end against a naive transform and the authors' program.
#include "common/base/rng.h"
#include "common/blob/tensorfile.h"
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/audio.h"
#include "worker/data/fbank.h"
#include "worker/data/mel_loops.h"

#define N_MELS 80

static float *noise(size_t n)
{
    float *x = malloc(n * sizeof(*x));
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(0.1 * rng_normal(&r));
    }
    return x;
}

static double mel_edge(int i)
{
    double low = 2595.0 * log10(1.0 + 20.0 / 700.0);
    double high = 2595.0 * log10(1.0 + 7600.0 / 700.0);
    return 700.0 * (pow(10.0, (low + (high - low) * i / 81.0) / 2595.0) - 1.0);
}

static double reflected(const double *y, long n, long t)
{
    t = t < 0 ? -t : t;
    return y[t < n ? t : 2 * (n - 1) - t];
}

// One frame straight from the formulas, in double, the transform by its definition.
static void naive_frame(const float *x, long n, long frame, double *log_mel)
{
    double *y = malloc((size_t)n * sizeof(*y));
    for (long t = 0; t < n; t++) {
        y[t] = (double)x[t] - 0.97 * (double)x[t == 0 ? 1 : t - 1];
    }
    double power[257];
    for (int k = 0; k <= 256; k++) {
        double re = 0;
        double im = 0;
        for (int i = 0; i < 400; i++) {
            double window = 0.54 - 0.46 * cos(2 * M_PI * i / 400);
            double v = window * reflected(y, n, frame * 160 - 256 + 56 + i);
            re += v * cos(2 * M_PI * k * i / 512);
            im += v * sin(2 * M_PI * k * i / 512);
        }
        power[k] = re * re + im * im;
    }
    for (int m = 0; m < N_MELS; m++) {
        double sum = 0;
        for (int k = 0; k <= 256; k++) {
            double hz = k * 16000.0 / 512;
            double up = (hz - mel_edge(m)) / (mel_edge(m + 1) - mel_edge(m));
            double down = (mel_edge(m + 2) - hz) / (mel_edge(m + 2) - mel_edge(m + 1));
            sum += power[k] * fmax(0, fmin(up, down));
        }
        log_mel[m] = log(sum + 1e-6);
    }
    free(y);
}

static void compare_with_naive(const float *x, size_t n)
{
    int n_frames = fbank_n_frames(n);
    struct fbank *f = fbank_create(N_MELS);
    float *out = malloc((size_t)n_frames * N_MELS * sizeof(*out));
    fbank_log_mel(f, x, n, out);
    for (int t = 0; t < n_frames; t++) {
        double want[N_MELS];
        naive_frame(x, (long)n, t, want);
        for (int m = 0; m < N_MELS; m++) {
            ck_assert_double_eq_tol((double)out[t * N_MELS + m], want[m], 2e-4);
        }
    }
    free(out);
    fbank_destroy(f);
}

START_TEST(log_mel_equals_the_naive_transform)
{
    float *x = noise(16000);
    size_t lengths[] = {257, 400, 1279, 1280, 1601};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        compare_with_naive(x, lengths[i]);
    }
    free(x);
}
END_TEST

START_TEST(silence_gives_the_floor_everywhere)
{
    float *x = calloc(1600, sizeof(*x));
    compare_with_naive(x, 1600);
    free(x);
}
END_TEST

START_TEST(three_seconds_give_301_frames)
{
    ck_assert_int_eq(fbank_n_frames(48000), 301);
    ck_assert_int_eq(fbank_n_frames(47999), 300);
    ck_assert_int_eq(fbank_n_frames(257), 2);
}
END_TEST

START_TEST(normalised_bins_have_mean_zero_and_variance_one)
{
    enum { FRAMES = 151, MELS = 100 }; // more bins than are worked on at once
    static float x[FRAMES * MELS];
    struct rng r = rng_stream(1, RNG_TEST, 1, 0);
    for (int i = 0; i < FRAMES * MELS; i++) {
        x[i] = (float)(5 + (i % MELS) * rng_normal(&r));
    }
    fbank_normalise(x, FRAMES, MELS);
    for (int m = 0; m < MELS; m++) {
        double sum = 0;
        double square = 0;
        for (int t = 0; t < FRAMES; t++) {
            sum += (double)x[t * MELS + m];
            square += pow((double)x[t * MELS + m], 2);
        }
        ck_assert_double_eq_tol(sum / FRAMES, 0, 1e-5);
        ck_assert_double_eq_tol(square / FRAMES, m == 0 ? 0 : 1, 1e-4);
    }
}
END_TEST

START_TEST(the_same_samples_give_the_same_bits_again)
{
    float *x = noise(8000);
    struct fbank *f = fbank_create(N_MELS);
    static float a[51 * N_MELS];
    static float b[51 * N_MELS];
    fbank_compute(f, x, 8000, a);
    fbank_compute(f, x + 160, 4000, b); // another length between them
    fbank_compute(f, x, 8000, b);
    ck_assert_mem_eq(a, b, sizeof(a));
    fbank_destroy(f);
    free(x);
}
END_TEST

static bool fixture(const char *name, char path[static FILE_PATH_MAX])
{
    const char *dir = getenv("VOXARCH_FIXTURES"); // NOLINT(concurrency-mt-unsafe)
    snprintf(path, FILE_PATH_MAX, "%s/%s", dir ? dir : "", name);
    if (dir && dir[0] && file_exists(path)) {
        return true;
    }
    printf("skipped: no %s in VOXARCH_FIXTURES\n", name);
    return false;
}

static void compare_with_tensor(const struct audio *audio, const struct tensor *t,
                                const struct tensor_reader *r)
{
    ck_assert_int_eq(t->rank, 2);
    int n_mels = (int)t->shape[0];
    int n_frames = (int)t->shape[1];
    ck_assert_int_eq(fbank_n_frames(audio->n_samples), n_frames);
    float *want = malloc(t->n_values * sizeof(*want));
    float *got = malloc(t->n_values * sizeof(*got));
    float *x = malloc(audio->n_samples * sizeof(*x));
    struct errinfo why = {0};
    ck_assert_int_eq(tensor_read_f32(r, t->name, want, t->n_values, &why), ERR_OK);
    for (size_t i = 0; i < audio->n_samples; i++) {
        x[i] = (float)audio->samples[i] / 32768.0f;
    }
    struct fbank *f = fbank_create(n_mels);
    fbank_compute(f, x, audio->n_samples, got);
    double worst = 0;
    for (int frame = 0; frame < n_frames; frame++) {
        for (int m = 0; m < n_mels; m++) {
            double d =
                (double)got[frame * n_mels + m] - (double)want[m * n_frames + frame];
            worst = fmax(worst, fabs(d));
        }
    }
    printf("largest difference from the authors' features: %.2e\n", worst);
    ck_assert_double_lt(worst, 1e-3);
    fbank_destroy(f);
    free(want);
    free(got);
    free(x);
}

START_TEST(features_equal_those_of_the_authors_program)
{
    char wav[FILE_PATH_MAX];
    char tensors[FILE_PATH_MAX];
    if (!fixture("fbank.wav", wav) || !fixture("fbank.safetensors", tensors)) {
        return;
    }
    struct errinfo why = {0};
    struct audio audio;
    struct tensor_reader *r = NULL;
    ck_assert_msg(audio_load(wav, &audio, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(tensor_reader_open(tensors, &r, &why) == ERR_OK, "%s", why.text);
    const struct tensor *t = tensor_reader_find(r, "log_mel_instancenorm");
    ck_assert_ptr_nonnull(t);
    compare_with_tensor(&audio, t, r);
    tensor_reader_close(r);
    audio_fini(&audio);
}
END_TEST

// Log-mel frames of a plan that fbank would make, by one build of the loops.
static void mels_of(const struct mel_loops *loops, const float *samples, int n_frames,
                    float *out)
{
    float weights[MEL_N_BINS];
    struct mel_filter filters[3] = {{3, 40, 0}, {20, 1, 40}, {100, 150, 41}};
    struct mel_plan p = {
        .n_mels = 3, .hop = FBANK_HOP, .filters = filters, .weights = weights};
    for (int i = 0; i < MEL_N_BINS; i++) {
        weights[i] = (float)(1 + i % 5);
    }
    for (int i = 0; i < MEL_WINDOW; i++) {
        p.window[i] = (float)(i % 11);
    }
    mel_plan_turns(&p);
    float *scratch = aligned_alloc(64, mel_scratch_floats(3) * sizeof(float));
    for (int at = 0; at < n_frames; at += loops->n_lanes) {
        int n = n_frames - at < loops->n_lanes ? n_frames - at : loops->n_lanes;
        loops->log_mel(&p, samples + (ptrdiff_t)at * FBANK_HOP, n, scratch,
                       out + (ptrdiff_t)at * 3);
    }
    free(scratch);
    loops->normalise(out, n_frames, 3, 3);
}

START_TEST(all_builds_of_the_loops_agree)
{
    enum { FRAMES = 37 };
    float *samples = noise((size_t)(FRAMES + 2 * MEL_LANES_MAX) * FBANK_HOP);
    float expected[FRAMES * 3];
    float got[FRAMES * 3];
    size_t n_builds = 0;
    while (mel_loops_at(n_builds)) {
        n_builds++;
    }
    ck_assert_uint_gt(n_builds, 0);
    mels_of(mel_loops_at(n_builds - 1), samples, FRAMES, expected);
    for (size_t i = 0; i + 1 < n_builds; i++) {
        mels_of(mel_loops_at(i), samples, FRAMES, got);
        for (int j = 0; j < FRAMES * 3; j++) {
            ck_assert_float_eq_tol(got[j], expected[j], 1e-4F);
        }
    }
    free(samples);
}
END_TEST

TEST_SUITE(fbank, log_mel_equals_the_naive_transform, all_builds_of_the_loops_agree,
           silence_gives_the_floor_everywhere, three_seconds_give_301_frames,
           normalised_bins_have_mean_zero_and_variance_one,
           the_same_samples_give_the_same_bits_again,
           features_equal_those_of_the_authors_program)
