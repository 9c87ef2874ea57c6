// SPDX-License-Identifier: Apache-2.0
// ids.h - the number of a task, as people write it.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_CLI_IDS_H
#define COORDINATOR_CLI_IDS_H

#include "common/base/err.h"

#include <stdint.h>

// A whole number from 1. ERR_INPUT names the text.
MUST_CHECK enum err ids_parse(const char *text, uint64_t *out, struct errinfo *why);

#endif
