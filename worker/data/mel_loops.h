// SPDX-License-Identifier: Apache-2.0
// mel_loops.h - inside fbank: the loops over samples and bins, compiled once per
// instruction set.
//
// As many frames as a vector has lanes go through window, FFT, power, filters and
// logarithm side by side: every instruction does the same for all of them, whatever the
// transform's and the filters' shapes.
//
// Owns: nothing. Threads: any, each with its own scratch.
#ifndef WORKER_DATA_MEL_LOOPS_H
#define WORKER_DATA_MEL_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#define MEL_N_FFT     512
#define MEL_N_COMPLEX 256 // pairs of real samples as complex ones
#define MEL_N_BINS    (MEL_N_COMPLEX + 1)
#define MEL_WINDOW    400
#define MEL_FLOOR     1e-6f
#define MEL_LANES_MAX 16

struct mel_filter {
    int first_bin, n_bins;
    size_t weights_at;
};

struct mel_turn { // e^(-i angle)
    float re, im;
};

struct mel_plan {
    int n_mels;
    int hop; // samples from frame to frame
    float window[MEL_WINDOW];
    struct mel_filter *filters; // [n_mels]
    float *weights;
    struct mel_turn turns[MEL_N_COMPLEX];   // by 2 pi i / MEL_N_COMPLEX
    struct mel_turn half_turns[MEL_N_BINS]; // by 2 pi i / MEL_N_FFT
    uint16_t place[MEL_N_COMPLEX];          // where the transform leaves output i
};

// Floats of scratch, aligned to a cache line.
static inline size_t mel_scratch_floats(int n_mels)
{
    size_t rows = 2 * (size_t)MEL_N_COMPLEX + MEL_N_BINS + (size_t)n_mels;
    return rows * MEL_LANES_MAX;
}

struct mel_loops {
    const char *name;
    int n_lanes;
    // Logarithms of the mel energies of the first n_frames <= n_lanes frames from
    // `samples` on (a frame is read for each lane, so that many must be readable), to
    // out [n_frames][n_mels].
    void (*log_mel)(const struct mel_plan *p, const float *samples, int n_frames,
                    float *scratch, float *out);
    // Each of n <= 16 neighbouring bins: zero mean and unit variance over time.
    void (*normalise)(float *x, int n_frames, int stride, int n);
};

#define MEL_BINS_AT_ONCE 16

void mel_plan_turns(struct mel_plan *p); // fills in the transform's tables

// The builds this machine can run, the best first; NULL past the end.
const struct mel_loops *mel_loops_at(size_t i);

#endif
