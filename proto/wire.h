// SPDX-License-Identifier: Apache-2.0
// wire.h - bytes <-> struct msg. The only place that sees generated types.
//
// Decoding believes nothing: size cap by kind, an allocator with a byte budget, unknown
// fields, NUL, bad UTF-8, NaN, infinities and out-of-range values refused, then copied
// to plain structs and the generated object forgotten. A chunk's payload is a raw
// second frame (no copy through protobuf).
//
// Owns: nothing. Threads: any.
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include "common/base/buf.h"
#include "proto/msg.h"

// Appends the encoding of *m. A message we built ourselves always encodes (else BUG);
// text in it that is not clean UTF-8 is cleaned.
void wire_encode(const struct msg *m, struct buf *out);

// ERR_LIMIT (too large), ERR_PROTO (says which field). *out is whole or untouched.
MUST_CHECK enum err wire_decode(const void *bytes, size_t n, struct msg *out,
                                struct errinfo *why);

// The second frame of a BLOB_CHUNK; borrowed. ERR_PROTO unless it is as long as said.
MUST_CHECK enum err wire_attach_payload(struct msg *m, const void *bytes, size_t n,
                                        struct errinfo *why);

// A task's spec and result alone, for the store's rows and the runner's pipes.
void wire_encode_spec(const struct task_spec *s, struct buf *out);
MUST_CHECK enum err wire_decode_spec(const void *bytes, size_t n, struct task_spec *out,
                                     struct errinfo *why);
void wire_encode_result(const struct task_result *r, struct buf *out);
MUST_CHECK enum err wire_decode_result(const void *bytes, size_t n,
                                       struct task_result *out, struct errinfo *why);

const char *msg_kind_name(enum msg_kind k);   // "HELLO", ...
const char *outcome_name(enum outcome o);     // "ok", "crash", ...
const char *task_kind_name(enum task_kind k); // "train", "evaluate", "measure"

#endif
