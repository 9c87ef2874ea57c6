// SPDX-License-Identifier: Apache-2.0
// stage_batches.h - how many batches a training stage has: one formula for both sides.
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

#endif
