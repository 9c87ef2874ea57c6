// SPDX-License-Identifier: Apache-2.0
// noise_list.h - the audio files below a folder, by name.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_DATA_NOISE_LIST_H
#define WORKER_DATA_NOISE_LIST_H

#include "common/base/err.h"

#include <stddef.h>

// Paths relative to `root`, sorted by bytes. The caller frees them with
// noise_list_free. ERR_INPUT: no such folder, no audio files in it; ERR_LIMIT: too
// many.
MUST_CHECK enum err noise_list(const char *root, char ***files, size_t *n,
                               struct errinfo *why);
void noise_list_free(char **files, size_t n);

#endif
