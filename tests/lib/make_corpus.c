// SPDX-License-Identifier: Apache-2.0
// make_corpus.c - writes a tiny synthetic corpus: voices that differ, in WAV files.
//
// make_corpus DIR TRAIN_SPEAKERS EVAL_SPEAKERS UTTERANCES makes DIR/wav/SPEAKER/N.wav,
// DIR/manifest.tsv (split, speaker, file) and DIR/trials.txt (every pair of recordings
// of the eval split, `1|0 file file`). A voice is a pitch and three resonances; a
// recording is a row of vowels (the resonances shifted) with breath noise. The same
// arguments give the same bytes.
#include "common/base/file.h"
#include "common/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE      16000
#define N_SAMPLES 20000 // 1.25 s
#define FORMANTS  3
#define VOWEL     3200 // samples
#define PI        3.14159265358979323846

struct voice {
    double pitch_hz;
    double formant_hz[FORMANTS];
    double breath;
};

struct resonator { // two poles: y = x + a y1 + b y2
    double a, b, y1, y2;
};

static void resonator_tune(struct resonator *r, double hz, double bandwidth_hz)
{
    double radius = exp(-PI * bandwidth_hz / RATE);
    r->a = 2 * radius * cos(2 * PI * hz / RATE);
    r->b = -radius * radius;
}

static double resonator_step(struct resonator *r, double x)
{
    double y = x + r->a * r->y1 + r->b * r->y2;
    r->y2 = r->y1;
    r->y1 = y;
    return y;
}

static struct voice voice_of(unsigned speaker)
{
    struct rng r = rng_stream(11, RNG_TEST, 1, speaker);
    struct voice v = {.pitch_hz = rng_uniform(&r, 80, 280),
                      .breath = rng_uniform(&r, 0.01, 0.2)};
    double formant_hz = 0;
    for (int i = 0; i < FORMANTS; i++) {
        formant_hz += rng_uniform(&r, 350, 1150);
        v.formant_hz[i] = formant_hz;
    }
    return v;
}

static void speak(const struct voice *v, struct rng *r, double *out)
{
    struct resonator formants[FORMANTS] = {{0}};
    double phase = 0;
    double peak = 1e-9;
    for (size_t t = 0; t < N_SAMPLES; t++) {
        if (t % VOWEL == 0) {
            for (int i = 0; i < FORMANTS; i++) {
                resonator_tune(&formants[i],
                               v->formant_hz[i] * rng_uniform(r, 0.85, 1.15),
                               60 + 30 * i);
            }
        }
        phase += v->pitch_hz / RATE * rng_uniform(r, 0.97, 1.03);
        double x = v->breath * rng_normal(r);
        if (phase >= 1) {
            phase -= 1;
            x += 1;
        }
        for (int i = 0; i < FORMANTS; i++) {
            x = resonator_step(&formants[i], x) * 0.1;
        }
        out[t] = x;
        peak = fabs(x) > peak ? fabs(x) : peak;
    }
    for (size_t t = 0; t < N_SAMPLES; t++) {
        out[t] *= 0.5 / peak;
    }
}

static void add_u32(struct buf *b, uint32_t x)
{
    unsigned char bytes[4] = {x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24};
    buf_add(b, bytes, 4);
}

static void add_u16(struct buf *b, unsigned x)
{
    unsigned char bytes[2] = {x & 255, x >> 8 & 255};
    buf_add(b, bytes, 2);
}

// A RIFF file of 16-bit mono PCM.
static void add_wav(struct buf *b, const double *samples)
{
    uint32_t n_bytes = (uint32_t)(2 * N_SAMPLES);
    buf_add(b, "RIFF", 4);
    add_u32(b, 36 + n_bytes);
    buf_add(b, "WAVEfmt ", 8);
    add_u32(b, 16);
    add_u16(b, 1);
    add_u16(b, 1);
    add_u32(b, RATE);
    add_u32(b, 2 * RATE);
    add_u16(b, 2);
    add_u16(b, 16);
    buf_add(b, "data", 4);
    add_u32(b, n_bytes);
    for (size_t t = 0; t < N_SAMPLES; t++) {
        add_u16(b, (unsigned)(int)lrint(samples[t] * 32767) & 0xFFFF);
    }
}

struct corpus {
    const char *dir;
    unsigned n_train, n_eval, n_utterances;
};

static enum err write_speaker(const struct corpus *c, unsigned speaker,
                              struct errinfo *why)
{
    static double samples[N_SAMPLES];
    char path[FILE_PATH_MAX];
    struct voice v = voice_of(speaker);
    enum err e = file_path(path, sizeof(path), why, "%s/wav/s%02u", c->dir, speaker);
    if (!e) {
        e = file_make_dirs(path, why);
    }
    for (unsigned u = 0; !e && u < c->n_utterances; u++) {
        struct rng r = rng_stream(11, RNG_TEST, 2 + speaker, u);
        struct buf wav = BUF_INIT;
        speak(&v, &r, samples);
        add_wav(&wav, samples);
        e = file_path(path, sizeof(path), why, "%s/wav/s%02u/%u.wav", c->dir, speaker,
                      u);
        if (!e) {
            e = file_write(path, wav.data, wav.len, why);
        }
        buf_fini(&wav);
    }
    return e;
}

static enum err write_manifest(const struct corpus *c, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT;
    buf_addf(&text, "split\tspeaker\tfile\n");
    for (unsigned s = 0; s < c->n_train + c->n_eval; s++) {
        for (unsigned u = 0; u < c->n_utterances; u++) {
            buf_addf(&text, "%s\ts%02u\twav/s%02u/%u.wav\n",
                     s < c->n_train ? "train" : "eval", s, s, u);
        }
    }
    enum err e = file_path(path, sizeof(path), why, "%s/manifest.tsv", c->dir);
    if (!e) {
        e = file_write(path, text.data, text.len, why);
    }
    buf_fini(&text);
    return e;
}

static enum err write_trials(const struct corpus *c, struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT;
    unsigned n = c->n_eval * c->n_utterances;
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            unsigned sa = a / c->n_utterances;
            unsigned sb = b / c->n_utterances;
            buf_addf(&text, "%d wav/s%02u/%u.wav wav/s%02u/%u.wav\n", sa == sb,
                     c->n_train + sa, a % c->n_utterances, c->n_train + sb,
                     b % c->n_utterances);
        }
    }
    enum err e = file_path(path, sizeof(path), why, "%s/trials.txt", c->dir);
    if (!e) {
        e = file_write(path, text.data, text.len, why);
    }
    buf_fini(&text);
    return e;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr,
                "usage: make_corpus DIR TRAIN_SPEAKERS EVAL_SPEAKERS UTTERANCES\n");
        return 2;
    }
    struct corpus c = {argv[1], (unsigned)strtoul(argv[2], NULL, 10),
                       (unsigned)strtoul(argv[3], NULL, 10),
                       (unsigned)strtoul(argv[4], NULL, 10)};
    struct errinfo why = {0};
    enum err e = ERR_OK;
    for (unsigned s = 0; !e && s < c.n_train + c.n_eval; s++) {
        e = write_speaker(&c, s, &why);
    }
    if (!e) {
        e = write_manifest(&c, &why);
    }
    if (!e) {
        e = write_trials(&c, &why);
    }
    if (e) {
        fprintf(stderr, "make_corpus: %s\n", why.text);
    }
    return err_exit_status(e);
}
