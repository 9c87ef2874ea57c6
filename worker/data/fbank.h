// SPDX-License-Identifier: Apache-2.0
// fbank.h - the front end: 16 kHz samples to normalised log-mel frames.
//
// Pre-emphasis .97 (reflected first sample), power spectrogram (n_fft 512, periodic
// Hamming 400 centred in it, hop 160, centre padding by reflection), 80 HTK mel filters
// 20-7600 Hz without area normalisation, + 1e-6, natural log, then per-bin zero mean
// and unit biased variance over time (eps 1e-5). 48,000 samples give 301 frames.
// Source: arXiv 2103.13581's released front end.
//
// Owns: FFT plan, window, filters, scratch. Threads: one at a time per struct.
#ifndef WORKER_DATA_FBANK_H
#define WORKER_DATA_FBANK_H

#include "common/base/err.h"

#include <stddef.h>

#define FBANK_HOP         160
#define FBANK_MIN_SAMPLES 257 // reflection needs more than n_fft / 2

struct fbank;

struct fbank *fbank_create(int n_mels);
void fbank_destroy(struct fbank *f); // NULL is fine

int fbank_n_frames(size_t n_samples); // 1 + n / 160

// samples in [-1, 1], n >= FBANK_MIN_SAMPLES. out [n_frames][n_mels], time-major.
void fbank_log_mel(struct fbank *f, const float *samples, size_t n, float *out);

// In place, per bin over time.
void fbank_normalise(float *log_mel, int n_frames, int n_mels);

// Both of them.
void fbank_compute(struct fbank *f, const float *samples, size_t n, float *out);

#endif
