// SPDX-License-Identifier: Apache-2.0
// batch.h - training batches: crop, augment, front end; prefetched, reproducible.
//
// Batch b of a stage is a pure function of (pack, study, stage, b): epochs are
// drawn by sampling.h; crops, speeds and augmentation are keyed by (seed, RNG_CROP /
// RNG_SPEED / RNG_AUGMENT, stage, position of the utterance in the stage). A crop
// longer than its recording is filled with other recordings of the same speaker, else
// with the recording again. A thread makes the next batches while the current one is
// computed on.
//
// Owns: the prefetch thread and its buffers. Borrows: pack, conf. Threads: one caller.
#ifndef WORKER_DATA_BATCH_H
#define WORKER_DATA_BATCH_H

#include "common/conf/study.h"
#include "worker/data/pack.h"

struct batcher;

struct batch {
    int n_utts;
    int n_frames_each;     // the crop; its own while the stage fine-tunes
    const int *n_frames;   // [n_utts], all n_frames_each
    const float *features; // [n_utts * n_frames_each][n_mels], see features.h
    const int32_t *labels; // [n_utts], of study_n_classes
};

// Number of whole batches of the stage: round(epochs * utterances / batch), at least 1.
uint64_t batch_count(const struct study_conf *conf, uint32_t stage,
                     size_t n_train_utts);

// Frames of a stage's crop, or of the one its fine-tuning takes if that is longer.
int batch_crop_frames(const struct study_conf *conf, uint32_t stage);

// Starts prefetching batches first, first + 1, ... first + n - 1 of the stage.
MUST_CHECK enum err batcher_open(const struct pack *p, const struct study_conf *conf,
                                 uint32_t stage, uint64_t first, uint64_t n,
                                 struct batcher **out, struct errinfo *why);
void batcher_close(struct batcher *b); // NULL is fine

// The next batch, valid until the next call; waits for the thread. NULL past the end.
const struct batch *batcher_next(struct batcher *b);

// Utterances first .. first + n_utts - 1 of the recalibration list, for BN statistics:
// a permutation of the training utterances keyed by (seed, RNG_CALIBRATE, 1, 0), taken
// round and round; each a random crop of its own, never augmented. The same whoever
// asks, in batches of whatever size. features [n_utts * n_frames_each][n_mels].
// The training part must not be empty.
void batch_calibration(const struct pack *p, const struct study_conf *conf,
                       size_t first, int n_utts, int n_frames_each, float *features);

#define BATCH_CALIBRATION_FRAMES 301 // 3 s, what recalibration crops to

#endif
