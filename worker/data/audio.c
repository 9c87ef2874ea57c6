// SPDX-License-Identifier: Apache-2.0
// audio.c - see audio.h.
#include "worker/data/audio.h"

#include "common/base/buf.h"
#include "worker/data/pack.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <soxr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_FRAMES 8192
#define CHANNELS_MAX 64
#define RATE_MIN     4000
#define RATE_MAX     384000

#define RIFF_HEAD_BYTES 12          // "RIFF", size, "WAVE"
#define RIFF_NO_SIZE    0x7fff0000u // from here on: who wrote into a pipe knew none

struct decoder {
    SNDFILE *file;
    SF_INFO info;
    soxr_t resampler; // NULL when the file already has our rate
    float *frames;    // [CHUNK_FRAMES][channels]
    float *mono;      // [CHUNK_FRAMES]
    float *resampled; // [resampled_cap]
    size_t resampled_cap;
    struct buf samples; // int16_t
};

static enum err check_is_file(const char *path, struct errinfo *why)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        bool is_missing = errno == ENOENT || errno == ENOTDIR;
        return err_set(why, is_missing ? ERR_NOTFOUND : ERR_IO,
                       is_missing ? "no such file" : "cannot look at it");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(why, ERR_INPUT, "not a regular file");
    }
    if (st.st_size == 0) {
        return err_set(why, ERR_INPUT, "the file is empty");
    }
    return ERR_OK;
}

// How long a WAV file's header says that the file is; 0 for others, and for one that
// says none. (Some writers count the first 8 bytes, some do not: we do not.)
static uint64_t riff_size(const char *path)
{
    unsigned char head[RIFF_HEAD_BYTES] = {0};
    FILE *f = fopen(path, "rbe");
    size_t n = f ? fread(head, 1, sizeof(head), f) : 0;
    if (f) {
        fclose(f);
    }
    if (n != sizeof(head) || memcmp(head, "RIFF", 4) != 0 ||
        memcmp(head + 8, "WAVE", 4) != 0) {
        return 0;
    }
    uint32_t size = (uint32_t)head[4] | (uint32_t)head[5] << 8 |
                    (uint32_t)head[6] << 16 | (uint32_t)head[7] << 24;
    return size < RIFF_NO_SIZE ? size : 0;
}

// libsndfile makes do with what there is of a WAV file.
static enum err check_is_whole(const char *path, struct errinfo *why)
{
    struct stat st;
    uint64_t said = riff_size(path);
    if (stat(path, &st) == 0 && said > (uint64_t)st.st_size) {
        return err_set(why, ERR_INPUT, "cut short: %lld bytes of %llu are there",
                       (long long)st.st_size, (unsigned long long)said);
    }
    return ERR_OK;
}

// libsndfile keeps the reason of a failed open in a global.
static enum err open_file(const char *path, struct decoder *d, struct errinfo *why)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    d->file = sf_open(path, SFM_READ, &d->info);
    enum err e = ERR_OK;
    if (!d->file) {
        e = err_set(why, ERR_INPUT, "not an audio file that can be read: %s",
                    sf_strerror(NULL));
    }
    pthread_mutex_unlock(&lock);
    return e;
}

static enum err check_info(const SF_INFO *info, struct errinfo *why)
{
    if (info->channels < 1 || info->channels > CHANNELS_MAX) {
        return err_set(why, ERR_LIMIT, "%d channels; 1 to %d are allowed",
                       info->channels, CHANNELS_MAX);
    }
    if (info->samplerate < RATE_MIN || info->samplerate > RATE_MAX) {
        return err_set(why, ERR_LIMIT, "%d samples a second; %d to %d are allowed",
                       info->samplerate, RATE_MIN, RATE_MAX);
    }
    return ERR_OK;
}

static enum err open_resampler(struct decoder *d, struct errinfo *why)
{
    if (d->info.samplerate == PACK_SAMPLE_RATE) {
        return ERR_OK;
    }
    soxr_error_t problem = NULL;
    soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
    d->resampler = soxr_create(d->info.samplerate, PACK_SAMPLE_RATE, 1, &problem, &io,
                               &quality, &one_thread);
    if (!d->resampler) {
        return err_set(why, ERR_NOMEM, "cannot resample it: %s",
                       soxr_strerror(problem));
    }
    double ratio = (double)PACK_SAMPLE_RATE / d->info.samplerate;
    d->resampled_cap = (size_t)ceil(CHUNK_FRAMES * ratio) + 64;
    d->resampled = malloc(d->resampled_cap * sizeof(float));
    BUG_ON(!d->resampled);
    return ERR_OK;
}

// Averages the channels of n frames into d->mono.
static enum err mix(struct decoder *d, size_t n, struct errinfo *why)
{
    size_t n_channels = (size_t)d->info.channels;
    float share = 1.0f / (float)n_channels;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t c = 0; c < n_channels; c++) {
            sum += d->frames[i * n_channels + c];
        }
        d->mono[i] = sum * share;
        if (!isfinite(d->mono[i])) {
            return err_set(why, ERR_INPUT,
                           "holds a sample that is not a finite number");
        }
    }
    return ERR_OK;
}

static enum err append(struct decoder *d, const float *mono, size_t n,
                       struct errinfo *why)
{
    size_t have = d->samples.len / sizeof(int16_t);
    if (n > PACK_MAX_SAMPLES - have) {
        return err_set(why, ERR_LIMIT, "longer than %d hours",
                       (int)(PACK_MAX_SAMPLES / PACK_SAMPLE_RATE / 3600));
    }
    int16_t *out = (void *)buf_reserve(&d->samples, n * sizeof(int16_t));
    for (size_t i = 0; i < n; i++) {
        float x = fminf(fmaxf(mono[i] * 32768.0f, -32768.0f), 32767.0f);
        out[i] = (int16_t)lrintf(x);
    }
    d->samples.len += n * sizeof(int16_t);
    return ERR_OK;
}

// n == 0 is the end of the recording: what the filter still holds comes out.
static enum err resample(struct decoder *d, size_t n, struct errinfo *why)
{
    const float *in = n > 0 ? d->mono : NULL;
    size_t n_used = 0;
    size_t n_out = 0;
    do {
        size_t used = 0;
        soxr_error_t problem =
            soxr_process(d->resampler, in ? in + n_used : NULL, n - n_used, &used,
                         d->resampled, d->resampled_cap, &n_out);
        if (problem) {
            return err_set(why, ERR_IO, "cannot resample it: %s",
                           soxr_strerror(problem));
        }
        n_used += used;
        enum err e = append(d, d->resampled, n_out, why);
        if (e != ERR_OK) {
            return e;
        }
    } while (n_used < n || (n == 0 && n_out > 0));
    return ERR_OK;
}

static enum err add_piece(struct decoder *d, size_t n, struct errinfo *why)
{
    enum err e = mix(d, n, why);
    if (e != ERR_OK) {
        return e;
    }
    return d->resampler ? resample(d, n, why) : append(d, d->mono, n, why);
}

static enum err check_length(const struct decoder *d, sf_count_t n_read,
                             struct errinfo *why)
{
    if (n_read == 0) {
        return err_set(why, ERR_INPUT, "holds no samples");
    }
    // FLAC's count is binding; other formats' are estimates at times.
    if ((d->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC &&
        n_read < d->info.frames) {
        return err_set(why, ERR_INPUT, "cut short: %lld samples of %lld can be read",
                       (long long)n_read, (long long)d->info.frames);
    }
    if (d->samples.len / sizeof(int16_t) < PACK_MIN_SAMPLES) {
        return err_set(why, ERR_INPUT, "shorter than %g s",
                       (double)PACK_MIN_SAMPLES / PACK_SAMPLE_RATE);
    }
    return ERR_OK;
}

static enum err decode(struct decoder *d, struct errinfo *why)
{
    d->frames = malloc(CHUNK_FRAMES * (size_t)d->info.channels * sizeof(float));
    d->mono = malloc(CHUNK_FRAMES * sizeof(float));
    BUG_ON(!d->frames || !d->mono);
    sf_count_t n_read = 0;
    for (;;) {
        sf_count_t n = sf_readf_float(d->file, d->frames, CHUNK_FRAMES);
        if (n <= 0) {
            break;
        }
        n_read += n;
        enum err e = add_piece(d, (size_t)n, why);
        if (e != ERR_OK) {
            return e;
        }
    }
    if (sf_error(d->file) != SF_ERR_NO_ERROR) {
        return err_set(why, ERR_INPUT, "damaged: %s", sf_strerror(d->file));
    }
    enum err e = ERR_OK;
    if (d->resampler) {
        e = resample(d, 0, why);
    }
    return e == ERR_OK ? check_length(d, n_read, why) : e;
}

static void decoder_fini(struct decoder *d)
{
    if (d->file) {
        sf_close(d->file);
    }
    if (d->resampler) {
        soxr_delete(d->resampler);
    }
    free(d->frames);
    free(d->mono);
    free(d->resampled);
    buf_fini(&d->samples);
}

enum err audio_load(const char *path, struct audio *out, struct errinfo *why)
{
    *out = (struct audio){0};
    struct decoder d = {0};
    enum err e = check_is_file(path, why);
    if (e == ERR_OK) {
        e = check_is_whole(path, why);
    }
    if (e == ERR_OK) {
        e = open_file(path, &d, why);
    }
    if (e == ERR_OK) {
        e = check_info(&d.info, why);
    }
    if (e == ERR_OK) {
        e = open_resampler(&d, why);
    }
    if (e == ERR_OK) {
        e = decode(&d, why);
    }
    if (e == ERR_OK) {
        out->n_samples = d.samples.len / sizeof(int16_t);
        out->samples = (void *)buf_give(&d.samples);
    }
    decoder_fini(&d);
    return e;
}

void audio_fini(struct audio *a)
{
    free(a->samples);
    *a = (struct audio){0};
}
