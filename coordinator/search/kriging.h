// SPDX-License-Identifier: Apache-2.0
// kriging.h - a Gaussian process over plain vectors: what to expect at a point, and how
// surely, from some hundred observations.
//
// Matern 5/2 kernel with a length scale for each input, plus noise; the scales and the
// noise are those of the highest likelihood, under a wide prior, the variance follows
// from them in closed form. Inputs are expected to be about 0 to 1. Pending points are
// believed to turn out as expected: they change no expectation but make their
// surroundings certain. Deterministic: no random numbers, a fixed number of steps.
//
// Source: Rasmussen and Williams, "Gaussian processes for machine learning", 2006,
// chapters 2 and 5.
// Owns: copies of its inputs. Threads: predicting from any, one buffer each.
#ifndef COORDINATOR_SEARCH_KRIGING_H
#define COORDINATOR_SEARCH_KRIGING_H

#include <stddef.h>

#define KRIGING_INPUTS_MAX 32

// What is learnt; natural logarithms.
struct kriging_shape {
    double log_length[KRIGING_INPUTS_MAX];
    double log_noise; // standard deviation, as a part of the signal's
};

// x [n, d], y [n]; n >= 2. O(steps * n^3).
struct kriging_shape kriging_learn(const double *x, const double *y, size_t n,
                                   size_t d);

struct kriging;

// x [n_measured + n_pending, d], measured ones first; y [n_measured], n_measured >= 2.
struct kriging *kriging_create(const struct kriging_shape *shape, const double *x,
                               const double *y, size_t n_measured, size_t n_pending,
                               size_t d);
void kriging_destroy(struct kriging *k); // NULL is fine

// Expectation at x [d]. O(n d).
double kriging_mean(const struct kriging *k, const double *x);
// Standard deviation of the noiseless value, too; O(n^2).
void kriging_predict(const struct kriging *k, const double *x, double *mean,
                     double *spread);

#endif
