// SPDX-License-Identifier: Apache-2.0
// bytesize.h - amounts of memory as people write them: 1073741824, 512MiB, 4GiB, 2G.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_BASE_BYTESIZE_H
#define COMMON_BASE_BYTESIZE_H

#include "common/base/err.h"

#include <stdint.h>

// Whole numbers, with k, M, G, T (thousands) or KiB, MiB, GiB, TiB behind. ERR_INPUT.
MUST_CHECK enum err bytesize_parse(const char *text, uint64_t *bytes);

#endif
