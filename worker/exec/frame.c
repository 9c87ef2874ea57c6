// SPDX-License-Identifier: Apache-2.0
// frame.c - see frame.h.
#include "worker/exec/frame.h"

#include <string.h>

#define LENGTH_BYTES 4

static void store_u32(unsigned char out[static LENGTH_BYTES], uint32_t value)
{
    for (int i = 0; i < LENGTH_BYTES; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint32_t load_u32(const unsigned char in[static LENGTH_BYTES])
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 |
           (uint32_t)in[3] << 24;
}

size_t frame_begin(struct buf *b)
{
    size_t begun = b->len;
    frame_put_u32(b, 0);
    return begun;
}

void frame_put_u32(struct buf *b, uint32_t value)
{
    unsigned char bytes[LENGTH_BYTES];
    store_u32(bytes, value);
    buf_add(b, bytes, sizeof(bytes));
}

void frame_put_u64(struct buf *b, uint64_t value)
{
    frame_put_u32(b, (uint32_t)value);
    frame_put_u32(b, (uint32_t)(value >> 32));
}

void frame_put_f64(struct buf *b, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    frame_put_u64(b, bits);
}

void frame_put_bytes(struct buf *b, const void *bytes, size_t n)
{
    BUG_ON(n > FRAME_MAX_BYTES);
    frame_put_u32(b, (uint32_t)n);
    buf_add(b, bytes, n);
}

void frame_put_text(struct buf *b, const char *text)
{
    frame_put_bytes(b, text, strlen(text));
}

void frame_end(struct buf *b, size_t begun)
{
    size_t n = b->len - begun - LENGTH_BYTES;
    BUG_ON(n > FRAME_MAX_BYTES);
    store_u32((unsigned char *)b->data + begun, (uint32_t)n);
}

static const unsigned char *take(struct frame_reader *r, size_t n)
{
    if (r->is_bad || n > (size_t)(r->end - r->at)) {
        r->is_bad = true;
        return NULL;
    }
    const unsigned char *p = r->at;
    r->at += n;
    return p;
}

uint32_t frame_get_u32(struct frame_reader *r)
{
    const unsigned char *p = take(r, LENGTH_BYTES);
    return p ? load_u32(p) : 0;
}

uint64_t frame_get_u64(struct frame_reader *r)
{
    uint64_t value = frame_get_u32(r);
    value |= (uint64_t)frame_get_u32(r) << 32;
    return r->is_bad ? 0 : value;
}

double frame_get_f64(struct frame_reader *r)
{
    uint64_t bits = frame_get_u64(r);
    double value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

const void *frame_get_bytes(struct frame_reader *r, size_t *n)
{
    *n = frame_get_u32(r);
    const void *p = take(r, *n);
    *n = p ? *n : 0;
    return p;
}

void frame_get_text(struct frame_reader *r, char *out, size_t cap)
{
    size_t n = 0;
    const char *p = frame_get_bytes(r, &n);
    out[0] = '\0';
    if (!p || n >= cap || memchr(p, '\0', n)) {
        r->is_bad = true;
        return;
    }
    memcpy(out, p, n);
    out[n] = '\0';
}

bool frame_is_read(const struct frame_reader *r)
{
    return !r->is_bad && r->at == r->end;
}

enum frame_state frame_first(const char *bytes, size_t n, struct frame_reader *r,
                             size_t *size)
{
    if (n < LENGTH_BYTES) {
        return FRAME_PART;
    }
    const unsigned char *p = (const unsigned char *)bytes;
    size_t length = load_u32(p);
    if (length > FRAME_MAX_BYTES) {
        return FRAME_TOO_LONG;
    }
    if (n - LENGTH_BYTES < length) {
        return FRAME_PART;
    }
    *r = (struct frame_reader){p + LENGTH_BYTES, p + LENGTH_BYTES + length, false};
    *size = LENGTH_BYTES + length;
    return FRAME_WHOLE;
}
