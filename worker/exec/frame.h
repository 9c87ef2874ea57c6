// SPDX-License-Identifier: Apache-2.0
// frame.h - frames on the pipes between agent and runner: a length, then that many
// bytes.
//
// The length is 4 bytes, little-endian. Inside a frame, numbers are little-endian and
// strings are a length and bytes. A reader never reads past its frame; its first
// failure sticks, so that a sequence of reads is checked once, at its end.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_EXEC_FRAME_H
#define WORKER_EXEC_FRAME_H

#include "common/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAX_BYTES 65536

// Building: begin, puts, end (which fills in the length).
size_t frame_begin(struct buf *b);
void frame_put_u32(struct buf *b, uint32_t value);
void frame_put_u64(struct buf *b, uint64_t value);
void frame_put_f64(struct buf *b, double value);
void frame_put_bytes(struct buf *b, const void *bytes, size_t n);
void frame_put_text(struct buf *b, const char *text);
void frame_end(struct buf *b, size_t begun);

struct frame_reader {
    const unsigned char *at, *end;
    bool is_bad;
};

uint32_t frame_get_u32(struct frame_reader *r);
uint64_t frame_get_u64(struct frame_reader *r); // 0 when it is bad
double frame_get_f64(struct frame_reader *r);
const void *frame_get_bytes(struct frame_reader *r, size_t *n); // borrowed
void frame_get_text(struct frame_reader *r, char *out, size_t cap);
bool frame_is_read(const struct frame_reader *r); // all of it, and nothing was bad

// The first frame of a stream. FRAME_WHOLE: *r reads it, *size is what it takes up.
enum frame_state { FRAME_PART, FRAME_WHOLE, FRAME_TOO_LONG };
enum frame_state frame_first(const char *bytes, size_t n, struct frame_reader *r,
                             size_t *size);

#endif
