// SPDX-License-Identifier: Apache-2.0
// tail.c - see tail.h.
#include "worker/exec/tail.h"

#include <string.h>

#define RING_BYTES sizeof(((struct tail *)0)->ring)

void tail_add(struct tail *t, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        t->ring[t->n_seen++ % RING_BYTES] = bytes[i];
    }
}

void tail_text(const struct tail *t, char out[static LIMIT_LOG_TAIL])
{
    size_t n = t->n_seen < RING_BYTES ? t->n_seen : RING_BYTES;
    size_t first = t->n_seen - n;
    for (size_t i = 0; i < n; i++) {
        char c = t->ring[(first + i) % RING_BYTES];
        out[i] = (char)(c ? c : '?');
    }
    out[n] = '\0';
    const char *line = first > 0 ? strchr(out, '\n') : NULL;
    if (line) {
        memmove(out, line + 1, strlen(line + 1) + 1);
    }
}
