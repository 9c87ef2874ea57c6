// SPDX-License-Identifier: Apache-2.0
// agreement.h - how well guesses agree with what was measured.
//
// Correlations of ranks are 1 for the same order, -1 for the opposite one, and 0 where
// one of the lists is all of one value, or has fewer than two. No value is a NaN.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BASE_AGREEMENT_H
#define COMMON_BASE_AGREEMENT_H

#include <stddef.h>

// Kendall's tau-b: of pairs in the same order and in the opposite one, corrected for
// ties. O(n log n). Source: Knight, "A computer method for calculating Kendall's tau
// with ungrouped data", JASA 61, 1966.
double agreement_kendall(const double *x, const double *y, size_t n);

// Pearson's correlation of the ranks; equal values share the mean of their ranks.
double agreement_spearman(const double *x, const double *y, size_t n);

// Root of the mean squared difference; n >= 1.
double agreement_rmse(const double *x, const double *y, size_t n);

// The value that a part of the list (0 .. 1) is not above, between neighbours linear;
// n >= 1. Sorts the list.
double agreement_quantile(double *values, size_t n, double part);

#endif
