// SPDX-License-Identifier: Apache-2.0
// gp.h - a Gaussian process over a network's numbers (numeric.h).
//
// Matern 5/2 kernel with a length scale for each number, plus noise. Scales and noise
// are those of the highest marginal likelihood under a wide prior (gp_learn.c); the
// kernel's variance and the mean follow from them in closed form.
// Source: Rasmussen and Williams, "Gaussian processes for machine learning", 2006,
// chapters 2 and 5.
//
// Owns: its points. Threads: predicting from any, at once.
#ifndef COORDINATOR_PREDICT_GP_H
#define COORDINATOR_PREDICT_GP_H

#include "coordinator/predict/numeric.h"
#include "coordinator/predict/predictor_type.h"

// What is learnt: natural logarithms.
struct gp_shape {
    double length[NUMERIC_MAX];
    double noise; // standard deviation, as a part of the signal's
};

struct gp_points {
    size_t n, d;
    double *x; // [n][d]
    double *y; // [n], their mean taken away
};

#define ROOT5 2.23606797749978969

// x with each number divided by its length.
void gp_scale(const struct gp_shape *shape, const double *x, size_t n, size_t d,
              double *out);
double gp_distance(const double *a, const double *b, size_t d); // of scaled points
double gp_matern(double distance);

// Starts from a wide kernel; deterministic.
struct gp_shape gp_learn(const struct gp_points *p);

#endif
