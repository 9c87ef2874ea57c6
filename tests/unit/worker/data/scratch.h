// SPDX-License-Identifier: Apache-2.0
// scratch.h - for tests of this room: a folder of its own, text and audio files in it.
#ifndef TESTS_UNIT_WORKER_DATA_SCRATCH_H
#define TESTS_UNIT_WORKER_DATA_SCRATCH_H

#include "common/base/file.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCRATCH_TEMPLATE "/tmp/voxarch_data_XXXXXX"

struct scratch {
    char dir[64];
};

static inline struct scratch scratch_make(void)
{
    struct scratch s = {SCRATCH_TEMPLATE};
    ck_assert_ptr_nonnull(mkdtemp(s.dir));
    return s;
}

static inline void scratch_remove(const struct scratch *s)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", s->dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: our own path
}

static inline const char *scratch_path(const struct scratch *s, const char *name)
{
    static char paths[4][FILE_PATH_MAX]; // a few may be alive at once
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, FILE_PATH_MAX, "%s/%s", s->dir, name);
    return path;
}

static inline const char *scratch_text(const struct scratch *s, const char *name,
                                       const char *text)
{
    const char *path = scratch_path(s, name);
    struct errinfo why = {0};
    ck_assert_msg(file_write(path, text, strlen(text), &why) == ERR_OK, "%s", why.text);
    return path;
}

struct tone {
    int format; // of libsndfile
    int rate, n_channels;
    double seconds, hz, level;
};

#define TONE_WAV16(seconds, hz)                                      \
    (struct tone)                                                    \
    {                                                                \
        SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, seconds, hz, 0.5 \
    }

static inline const char *scratch_tone(const struct scratch *s, const char *name,
                                       struct tone t)
{
    const char *path = scratch_path(s, name);
    SF_INFO info = {.samplerate = t.rate, .channels = t.n_channels, .format = t.format};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    ck_assert_msg(f != NULL, "%s: %s", path, sf_strerror(NULL));
    size_t n = (size_t)(t.seconds * t.rate);
    float *frames = malloc((n + 1) * (size_t)t.n_channels * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        double x = t.level * sin(2 * M_PI * t.hz * (double)i / t.rate);
        for (int c = 0; c < t.n_channels; c++) {
            frames[i * (size_t)t.n_channels + (size_t)c] = (float)x;
        }
    }
    ck_assert_int_eq(sf_writef_float(f, frames, (sf_count_t)n), (sf_count_t)n);
    sf_close(f);
    free(frames);
    return path;
}

#define ck_assert_says(why, part)                                                   \
    ck_assert_msg(strstr((why).text, (part)) != NULL, "\"%s\" does not say \"%s\"", \
                  (why).text, (part))

#endif
