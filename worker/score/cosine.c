// SPDX-License-Identifier: Apache-2.0
// cosine.c - see cosine.h.
#include "worker/score/cosine.h"

#include <math.h>

enum err cosine_add(double *voice, const float *embedding, size_t n, double share)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        square += (double)embedding[i] * (double)embedding[i];
    }
    if (!(square > 0.0) || !isfinite(square)) {
        return ERR_NUMERIC;
    }
    double scale = share / sqrt(square);
    for (size_t i = 0; i < n; i++) {
        voice[i] += scale * (double)embedding[i];
    }
    return ERR_OK;
}

double cosine_score(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}
