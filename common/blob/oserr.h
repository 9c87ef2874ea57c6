// SPDX-License-Identifier: Apache-2.0
// oserr.h - errno of a file operation as one of our errors, with a sentence.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BLOB_OSERR_H
#define COMMON_BLOB_OSERR_H

#include "common/base/err.h"

// "cannot VERB PATH: reason". ERR_NOTFOUND for a missing file, ERR_FULL for a full
// disk, else ERR_IO.
enum err oserr(struct errinfo *why, const char *verb, const char *path);

#endif
