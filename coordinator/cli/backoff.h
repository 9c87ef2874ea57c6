// SPDX-License-Identifier: Apache-2.0
// backoff.h - how long to wait before starting a child that died again, or not at all.
//
// The first death costs 0.1 s and each further one within a minute twice as long; one
// more than BACKOFF_DEATHS_MAX within a minute means that starting again does not help.
//
// Owns: nothing; struct backoff is a value, zero to begin with. Threads: any.
#ifndef COORDINATOR_CLI_BACKOFF_H
#define COORDINATOR_CLI_BACKOFF_H

#include <stdint.h>

#define BACKOFF_DEATHS_MAX 5
#define BACKOFF_WINDOW_MS  60000
#define BACKOFF_FIRST_MS   100

struct backoff {
    int64_t deaths_ms[BACKOFF_DEATHS_MAX]; // oldest first
    unsigned n;
};

// Tells of a death now; returns the wait in ms, or -1: give up.
int64_t backoff_died(struct backoff *b, int64_t now_ms);

#endif
