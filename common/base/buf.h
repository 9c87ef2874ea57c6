// SPDX-License-Identifier: Apache-2.0
// buf.h - a growable byte buffer; aborts on no memory, so only for what we size.
//
// Owns: its bytes. Threads: one at a time.
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include "common/base/err.h"

#include <stddef.h>

struct buf {
    char *data; // always zero-terminated once anything was added; NULL before
    size_t len;
    size_t cap;
};

#define BUF_INIT   \
    {              \
        NULL, 0, 0 \
    }

void buf_fini(struct buf *b); // leaves it empty and usable
void buf_clear(struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_addf(struct buf *b, const char *format, ...) PRINTF(2, 3);
// Room for n more bytes at data + len; the caller then adds to len what it wrote.
char *buf_reserve(struct buf *b, size_t n);
// The bytes (zero-terminated, never NULL) are the caller's to free(); b becomes empty.
char *buf_give(struct buf *b);

#endif
