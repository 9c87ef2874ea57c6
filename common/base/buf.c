// SPDX-License-Identifier: Apache-2.0
// buf.c - see buf.h.
#include "common/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data) {
        b->data[0] = '\0';
    }
}

char *buf_reserve(struct buf *b, size_t n)
{
    BUG_ON(n > SIZE_MAX / 2 - b->len - 1);
    size_t need = b->len + n + 1;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need) {
            cap *= 2;
        }
        char *data = realloc(b->data, cap);
        BUG_ON(!data);
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    char *at = buf_reserve(b, n);
    if (n > 0) {
        memcpy(at, bytes, n);
    }
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_list again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    BUG_ON(n < 0);
    char *at = buf_reserve(b, (size_t)n);
    vsnprintf(at, (size_t)n + 1, format, again);
    va_end(again);
    b->len += (size_t)n;
}

char *buf_give(struct buf *b)
{
    buf_reserve(b, 0)[0] = '\0';
    char *data = b->data;
    *b = (struct buf)BUF_INIT;
    return data;
}
