// SPDX-License-Identifier: Apache-2.0
// said.h - a runner's stderr as lines, as many as a log can bear.
//
// A burst passes whole, a flood at a steady pace; what is left out is counted, and
// never waited for. Long lines are cut.
//
// Owns: nothing; a value, zero-initialised. Threads: one at a time.
#ifndef WORKER_EXEC_SAID_H
#define WORKER_EXEC_SAID_H

#include <stddef.h>
#include <stdint.h>

#define SAID_LINE_MAX 2304 // our own log lines have up to 2 KiB
#define SAID_BURST    200  // lines
#define SAID_MS       50   // then one in so many milliseconds: 20 a second

struct said {
    char line[SAID_LINE_MAX];
    size_t len;
    int64_t full_at_ms; // when the whole burst is free again
    uint64_t n_left_out;
};

typedef void said_fn(void *arg, const char *line);

// Calls fn for each line that ends here and may pass.
void said_add(struct said *s, int64_t now_ms, const char *bytes, size_t n, said_fn *fn,
              void *arg);
void said_end(struct said *s, int64_t now_ms, said_fn *fn, void *arg); // the last one

// How many lines were left out since it was asked last.
uint64_t said_left_out(struct said *s);

#endif
