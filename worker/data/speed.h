// SPDX-License-Identifier: Apache-2.0
// speed.h - plays samples faster or slower: tempo and pitch together, as a tape does.
//
// A linear-phase low-pass (windowed sinc) read at fractional places. Factors are whole
// percents, so the places repeat after at most 100 outputs and each has its own row of
// coefficients. Source: Ko et al., "Audio augmentation for speech recognition",
// Interspeech 2015.
//
// Owns: the coefficients. Threads: any, once made.
#ifndef WORKER_DATA_SPEED_H
#define WORKER_DATA_SPEED_H

#include <stddef.h>

struct speed;

// factor from 0.5 to 2; 1.1 plays 11 samples where 10 were.
struct speed *speed_create(double factor);
void speed_destroy(struct speed *s); // NULL is fine

// How many samples go in for n_out to come out; n_out >= 1.
size_t speed_n_in(const struct speed *s, size_t n_out);

// in [speed_n_in(s, n_out)], out [n_out].
void speed_change(const struct speed *s, const float *in, float *out, size_t n_out);

#endif
