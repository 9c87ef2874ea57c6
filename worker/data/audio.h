// SPDX-License-Identifier: Apache-2.0
// audio.h - a recording as 16 kHz mono 16-bit samples, whatever the file holds.
//
// libsndfile reads the file (WAV, FLAC, Ogg Vorbis, Ogg Opus, ...), channels are
// averaged, libsoxr resamples. Rounded and clipped to 16 bits without dither, so the
// same file gives the same samples every time. Decoded in pieces: memory follows the
// result, which is bounded, and not what a file's header claims.
//
// Owns: struct audio owns its samples. Threads: any.
#ifndef WORKER_DATA_AUDIO_H
#define WORKER_DATA_AUDIO_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct audio {
    int16_t *samples;
    size_t n_samples;
};

// The sentence does not name the file: callers know what to call it. ERR_NOTFOUND;
// ERR_INPUT: not audio, nothing in it, too short, cut short, not finite; ERR_LIMIT: too
// long, too many channels, impossible rate.
MUST_CHECK enum err audio_load(const char *path, struct audio *out,
                               struct errinfo *why);
void audio_fini(struct audio *a); // leaves it empty

#endif
