// SPDX-License-Identifier: Apache-2.0
// backoff.c - see backoff.h.
#include "coordinator/cli/backoff.h"

#include <string.h>

static void forget_old(struct backoff *b, int64_t now_ms)
{
    unsigned old = 0;
    while (old < b->n && now_ms - b->deaths_ms[old] >= BACKOFF_WINDOW_MS) {
        old++;
    }
    b->n -= old;
    memmove(b->deaths_ms, b->deaths_ms + old, b->n * sizeof(b->deaths_ms[0]));
}

int64_t backoff_died(struct backoff *b, int64_t now_ms)
{
    forget_old(b, now_ms);
    if (b->n == BACKOFF_DEATHS_MAX) {
        return -1;
    }
    int64_t wait_ms = (int64_t)BACKOFF_FIRST_MS << b->n;
    b->deaths_ms[b->n++] = now_ms;
    return wait_ms;
}
