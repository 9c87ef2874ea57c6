// SPDX-License-Identifier: Apache-2.0
// trials.h - verification trials: pairs of utterances and whether one person spoke
// both.
//
// Two forms, told apart by the first line: VoxCeleb's `1|0 enroll test` and Kaldi's
// `enroll test target|nontarget`.
//
// Owns: the text of the file; names point into it. Threads: reading from any.
#ifndef WORKER_DATA_TRIALS_H
#define WORKER_DATA_TRIALS_H

#include "common/base/file.h"

#include <stdbool.h>
#include <stdint.h>

struct trial_line {
    const char *enroll, *test;
    uint32_t line;
    bool is_target;
};

struct trial_list {
    char path[FILE_PATH_MAX];
    char *text;
    struct trial_line *items;
    size_t n, cap;
};

// ERR_NOTFOUND, ERR_LIMIT; ERR_INPUT names file and line: neither form, a line unlike
// the first, no trials, no target or no non-target trials.
MUST_CHECK enum err trials_load(struct trial_list *t, const char *path,
                                struct errinfo *why);
void trials_fini(struct trial_list *t);

#endif
