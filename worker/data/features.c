// SPDX-License-Identifier: Apache-2.0
// features.c - see features.h.
#include "worker/data/features.h"

#include "worker/data/fbank.h"

#include <stdlib.h>

// About the mean and the deviation of log-mel values of speech between -1 and 1; 0, the
// value of masks, is then the mean.
#define FIXED_MEAN  (-8.0f)
#define FIXED_SCALE 0.25f

struct features {
    struct fbank *fbank;
    int n_mels;
    enum input_level level;
};

struct features *features_create(const struct net_dims *d)
{
    struct features *f = calloc(1, sizeof(*f));
    BUG_ON(!f);
    f->fbank = fbank_create(d->n_mels);
    f->n_mels = d->n_mels;
    f->level = (enum input_level)d->input;
    return f;
}

void features_destroy(struct features *f)
{
    if (f) {
        fbank_destroy(f->fbank);
        free(f);
    }
}

void features_compute(struct features *f, const float *samples, size_t n, float *out)
{
    if (f->level == INPUT_BY_RECORDING) {
        fbank_compute(f->fbank, samples, n, out);
        return;
    }
    size_t n_values = (size_t)fbank_n_frames(n) * (size_t)f->n_mels;
    fbank_log_mel(f->fbank, samples, n, out);
    for (size_t i = 0; i < n_values; i++) {
        out[i] = (out[i] - FIXED_MEAN) * FIXED_SCALE;
    }
}
