// SPDX-License-Identifier: Apache-2.0
// cosine.h - embeddings as directions, and the cosine of two of them.
//
// A voice is the mean of the unit vectors of its embeddings: the dot product of two
// voices is then the mean of all cosines between their embeddings (one each: the
// cosine; two crops each: the mean of the 2 x 2).
//
// Owns: nothing. Threads: any.
#ifndef WORKER_SCORE_COSINE_H
#define WORKER_SCORE_COSINE_H

#include "common/base/err.h"

#include <stddef.h>

// voice += share * embedding / |embedding|. ERR_NUMERIC when the embedding is zero or
// not finite: it points nowhere. All [n].
MUST_CHECK enum err cosine_add(double *voice, const float *embedding, size_t n,
                               double share);

double cosine_score(const double *a, const double *b, size_t n);

#endif
