// SPDX-License-Identifier: Apache-2.0
// overlap.h - nobody, and no file, may be both in training and in evaluation.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_DATA_OVERLAP_H
#define WORKER_DATA_OVERLAP_H

#include "worker/data/corpus.h"

// Evaluation speakers are those of the evaluation list's split; without such a list,
// those of every split of the training list that a trial reaches into. Files are
// compared by what they are on disk. Also: training needs two speakers. ERR_INPUT.
MUST_CHECK enum err overlap_check(const struct corpus *c, const struct study_data *data,
                                  struct errinfo *why);

#endif
