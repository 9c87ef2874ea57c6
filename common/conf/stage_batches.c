// SPDX-License-Identifier: Apache-2.0
// stage_batches.c - see stage_batches.h.
#include "common/conf/stage_batches.h"

#include <math.h>

uint64_t study_stage_batches(const struct study_conf *conf, uint32_t stage,
                             uint64_t n_train_utts)
{
    BUG_ON(stage >= (uint32_t)conf->train.n_stages || conf->train.batch < 1);
    double n = round(conf->train.stages[stage].epochs * (double)n_train_utts /
                     conf->train.batch);
    return n < 1 ? 1 : (uint64_t)n;
}

bool study_stage_tunes(const struct study_conf *conf, uint32_t stage, uint64_t position,
                       uint64_t n_batches)
{
    BUG_ON(stage >= (uint32_t)conf->train.n_stages);
    double usual = 1 - conf->train.stages[stage].tune;
    return (double)position >= usual * (double)n_batches;
}
