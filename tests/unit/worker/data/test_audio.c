// SPDX-License-Identifier: Apache-2.0
// test_audio.c - recordings of every kind become 16 kHz mono; bad ones are refused.
#include "tests/unit/worker/data/scratch.h"
#include "worker/data/audio.h"

#include <unistd.h>

static struct audio load(const char *path)
{
    struct audio a;
    struct errinfo why = {0};
    ck_assert_msg(audio_load(path, &a, &why) == ERR_OK, "%s: %s", path, why.text);
    return a;
}

static struct errinfo refused(const char *path, enum err expected)
{
    struct audio a;
    struct errinfo why = {0};
    ck_assert_int_eq(audio_load(path, &a, &why), expected);
    ck_assert_ptr_null(a.samples);
    ck_assert_int_eq(why.code, expected);
    return why;
}

// Level of a tone in the middle of the samples, by projection; and what is left over.
static double level_at(const struct audio *a, double hz, double *rest)
{
    double re = 0;
    double im = 0;
    double square = 0;
    size_t first = a->n_samples / 4;
    size_t n = a->n_samples / 2;
    for (size_t i = 0; i < n; i++) {
        double x = a->samples[first + i] / 32768.0;
        re += x * cos(2 * M_PI * hz * (double)i / 16000);
        im += x * sin(2 * M_PI * hz * (double)i / 16000);
        square += x * x;
    }
    double level = 2 * sqrt(re * re + im * im) / (double)n;
    *rest = sqrt(fmax(0, square / (double)n - level * level / 2));
    return level;
}

struct kind {
    const char *name;
    struct tone tone;
    double tolerance; // lossy codecs need some
};

START_TEST(every_format_rate_and_channel_count_gives_the_same_tone)
{
    const struct kind kinds[] = {
        {"a.wav", {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, 2, 440, .5}, .001},
        {"b.wav", {SF_FORMAT_WAV | SF_FORMAT_PCM_24, 44100, 2, 2, 440, .5}, .001},
        {"c.wav", {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 8000, 3, 2, 440, .5}, .001},
        {"d.flac", {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 48000, 1, 2, 440, .5}, .001},
        {"e.ogg", {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 22050, 2, 2, 440, .5}, .02},
        {"f.opus", {SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1, 2, 440, .5}, .02},
    };
    struct scratch s = scratch_make();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct audio a = load(scratch_tone(&s, kinds[i].name, kinds[i].tone));
        ck_assert_msg(labs((long)a.n_samples - 32000) <= 1, "%s: %zu samples",
                      kinds[i].name, a.n_samples);
        double rest = 0;
        double level = level_at(&a, 440, &rest);
        ck_assert_msg(fabs(level - .5) < kinds[i].tolerance, "%s: level %g",
                      kinds[i].name, level);
        ck_assert_msg(rest < kinds[i].tolerance, "%s: rest %g", kinds[i].name, rest);
        audio_fini(&a);
    }
    scratch_remove(&s);
}
END_TEST

START_TEST(sixteen_bit_samples_at_our_rate_come_through_unchanged)
{
    struct scratch s = scratch_make();
    const char *path = scratch_path(&s, "exact.wav");
    SF_INFO info = {
        .samplerate = 16000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    short samples[4000];
    for (int i = 0; i < 4000; i++) {
        samples[i] = (short)(i * 65535L / 3999 - 32768);
    }
    ck_assert_int_eq(sf_write_short(f, samples, 4000), 4000);
    sf_close(f);
    struct audio a = load(path);
    ck_assert_uint_eq(a.n_samples, 4000);
    ck_assert_mem_eq(a.samples, samples, sizeof(samples));
    audio_fini(&a);
    scratch_remove(&s);
}
END_TEST

START_TEST(what_is_too_loud_is_clipped)
{
    struct scratch s = scratch_make();
    struct tone loud = {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, 1, 100, 3.0};
    struct audio a = load(scratch_tone(&s, "loud.wav", loud));
    int16_t top = 0;
    int16_t bottom = 0;
    for (size_t i = 0; i < a.n_samples; i++) {
        top = a.samples[i] > top ? a.samples[i] : top;
        bottom = a.samples[i] < bottom ? a.samples[i] : bottom;
    }
    ck_assert_int_eq(top, 32767);
    ck_assert_int_eq(bottom, -32768);
    audio_fini(&a);
    scratch_remove(&s);
}
END_TEST

START_TEST(files_that_are_no_audio_are_refused)
{
    struct scratch s = scratch_make();
    refused(scratch_path(&s, "missing.wav"), ERR_NOTFOUND);
    refused(s.dir, ERR_INPUT);
    struct errinfo why = refused(scratch_text(&s, "empty.wav", ""), ERR_INPUT);
    ck_assert_says(why, "empty");
    why = refused(scratch_text(&s, "text.wav", "this is no audio at all\n"), ERR_INPUT);
    ck_assert_says(why, "not an audio file");
    refused(scratch_text(&s, "riff.wav", "RIFF....WAVEfmt "), ERR_INPUT);
    scratch_remove(&s);
}
END_TEST

START_TEST(recordings_with_too_little_in_them_are_refused)
{
    struct scratch s = scratch_make();
    struct errinfo why =
        refused(scratch_tone(&s, "none.wav", TONE_WAV16(0, 1)), ERR_INPUT);
    ck_assert_says(why, "no samples");
    why = refused(scratch_tone(&s, "short.wav", TONE_WAV16(0.09, 100)), ERR_INPUT);
    ck_assert_says(why, "shorter than 0.1 s");
    struct audio a = load(scratch_tone(&s, "enough.wav", TONE_WAV16(0.1, 100)));
    audio_fini(&a);
    scratch_remove(&s);
}
END_TEST

START_TEST(samples_that_are_not_numbers_are_refused)
{
    struct scratch s = scratch_make();
    struct tone bad = {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 44100, 2, 1, 100, NAN};
    struct errinfo why = refused(scratch_tone(&s, "nan.wav", bad), ERR_INPUT);
    ck_assert_says(why, "finite");
    scratch_remove(&s);
}
END_TEST

START_TEST(a_file_cut_short_or_damaged_never_passes_for_whole_and_never_crashes)
{
    struct scratch s = scratch_make();
    struct tone t = {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1, 2, 440, .5};
    const char *path = scratch_tone(&s, "cut.flac", t);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
    refused(path, ERR_INPUT);
    struct buf b = BUF_INIT;
    struct errinfo why = {0};
    path = scratch_tone(&s, "x.flac", t);
    ck_assert_int_eq(file_read(path, 1 << 20, &b, &why), ERR_OK);
    for (size_t i = 0; i < b.len; i += 499) {
        b.data[i] = (char)(b.data[i] ^ 0x55);
        ck_assert_int_eq(file_write(path, b.data, b.len, &why), ERR_OK);
        struct audio a;
        if (audio_load(path, &a, &why) == ERR_OK) {
            audio_fini(&a);
        }
        b.data[i] = (char)(b.data[i] ^ 0x55);
    }
    buf_fini(&b);
    scratch_remove(&s);
}
END_TEST

// The header's size is what RIFF says; what writers into pipes leave there is no size.
static void set_riff_size(const char *path, uint32_t size)
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)(size >> (8 * i));
    }
    FILE *f = fopen(path, "r+be");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 4, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes, 1, 4, f), 4);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_wav_file_cut_short_is_refused_unless_its_header_says_no_size)
{
    struct scratch s = scratch_make();
    const char *path = scratch_tone(&s, "cut.wav", TONE_WAV16(2, 440));
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    struct audio a = load(path);
    audio_fini(&a);
    ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
    struct errinfo why = refused(path, ERR_INPUT);
    ck_assert_says(why, "cut short");
    const uint32_t unknown[] = {0, 0x7fffffff, 0xffffffff};
    for (int i = 0; i < 3; i++) {
        set_riff_size(path, unknown[i]);
        a = load(path);
        ck_assert_uint_gt(a.n_samples, 15000);
        audio_fini(&a);
    }
    scratch_remove(&s);
}
END_TEST

TEST_SUITE(audio, every_format_rate_and_channel_count_gives_the_same_tone,
           sixteen_bit_samples_at_our_rate_come_through_unchanged,
           what_is_too_loud_is_clipped, files_that_are_no_audio_are_refused,
           recordings_with_too_little_in_them_are_refused,
           samples_that_are_not_numbers_are_refused,
           a_file_cut_short_or_damaged_never_passes_for_whole_and_never_crashes,
           a_wav_file_cut_short_is_refused_unless_its_header_says_no_size)
