// SPDX-License-Identifier: Apache-2.0
// stage_batches.h - how many batches a training stage has, and which of them fine-tune.
//
// The coordinator cuts a stage into rounds with it, the worker's schedule and batches
// run to it, so it must be the same number.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_CONF_STAGE_BATCHES_H
#define COMMON_CONF_STAGE_BATCHES_H

#include "common/conf/study.h"

// round(epochs * n_train_utts / batch), at least 1.
uint64_t study_stage_batches(const struct study_conf *conf, uint32_t stage,
                             uint64_t n_train_utts);

// Whether batch `position` of a stage of n_batches belongs to its last part, that of
// large-margin fine-tuning.
bool study_stage_tunes(const struct study_conf *conf, uint32_t stage, uint64_t position,
                       uint64_t n_batches);

#endif
