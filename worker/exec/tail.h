// SPDX-License-Identifier: Apache-2.0
// tail.h - the last lines of a stream, in fixed space.
//
// Owns: nothing; a value, zero-initialised. Threads: one at a time.
#ifndef WORKER_EXEC_TAIL_H
#define WORKER_EXEC_TAIL_H

#include "proto/limits.h"

#include <stddef.h>

struct tail {
    char ring[LIMIT_LOG_TAIL - 1];
    size_t n_seen; // bytes ever; the ring holds the last of them
};

void tail_add(struct tail *t, const char *bytes, size_t n);

// The text, terminated; begins with a whole line when something was lost before it.
// NULs become '?', since they would end it.
void tail_text(const struct tail *t, char out[static LIMIT_LOG_TAIL]);

#endif
