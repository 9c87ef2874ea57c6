// SPDX-License-Identifier: Apache-2.0
// study_finetune.h - the `finetune:` of a study: the search's best networks, trained
// on.
//
// After the search the best networks of each target are cut out of the supernet and
// trained by themselves, with a larger margin on longer crops; each target then gets
// the better of the inherited and the fine-tuned network.
//
// Private to study.[ch] but for the struct. Owns: nothing; values. Threads: any.
#ifndef COMMON_CONF_STUDY_FINETUNE_H
#define COMMON_CONF_STUDY_FINETUNE_H

#include "common/conf/schema.h"

#include <stdint.h>

#define STUDY_FINETUNE_MAX 8

struct study_finetune {
    uint64_t networks; // the best of each target, 0 = none
    double epochs;     // passes over the training utterances
    double lr;         // the peak of its one triangle, which begins and ends at 0
    double margin;     // of the AAM-softmax loss
    double crop_s;
};

#define STUDY_FINETUNE_DEFAULT \
    ((struct study_finetune){.epochs = 5, .lr = 1e-4, .margin = 0.4, .crop_s = 4})

extern const struct schema_key study_finetune_keys[];

// What one key alone cannot tell. ERR_INPUT.
MUST_CHECK enum err study_finetune_check(const struct schema *s,
                                         const struct study_finetune *f);

#endif
