// SPDX-License-Identifier: Apache-2.0
// said.c - see said.h.
#include "worker/exec/said.h"

#include <stdbool.h>

// Each line takes SAID_MS of what is free, at most a burst of them.
static bool may_pass(struct said *s, int64_t now_ms)
{
    int64_t from_ms = s->full_at_ms > now_ms ? s->full_at_ms : now_ms;
    if (from_ms + SAID_MS > now_ms + (int64_t)SAID_BURST * SAID_MS) {
        s->n_left_out++;
        return false;
    }
    s->full_at_ms = from_ms + SAID_MS;
    return true;
}

void said_end(struct said *s, int64_t now_ms, said_fn *fn, void *arg)
{
    if (s->len > 0 && may_pass(s, now_ms)) {
        s->line[s->len] = '\0';
        fn(arg, s->line);
    }
    s->len = 0;
}

void said_add(struct said *s, int64_t now_ms, const char *bytes, size_t n, said_fn *fn,
              void *arg)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            said_end(s, now_ms, fn, arg);
        } else if (s->len + 1 < sizeof(s->line)) {
            s->line[s->len++] = (char)(bytes[i] ? bytes[i] : '?');
        }
    }
}

uint64_t said_left_out(struct said *s)
{
    uint64_t n = s->n_left_out;
    s->n_left_out = 0;
    return n;
}
