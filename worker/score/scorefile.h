// SPDX-License-Identifier: Apache-2.0
// scorefile.h - scored trials in a text file: `enroll test score target|nontarget`.
//
// Blank lines and lines that begin with # are left out.
//
// Owns: the scores read. Threads: any.
#ifndef WORKER_SCORE_SCOREFILE_H
#define WORKER_SCORE_SCOREFILE_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SCOREFILE_MAX_BYTES ((size_t)2 << 30)

struct scorefile {
    double *scores;
    bool *is_target;
    size_t n, cap;
};

// ERR_NOTFOUND, ERR_LIMIT; ERR_INPUT names file and line: not four fields, not a finite
// number, neither word.
MUST_CHECK enum err scorefile_load(struct scorefile *s, const char *path,
                                   struct errinfo *why);
void scorefile_fini(struct scorefile *s);

#endif
