// SPDX-License-Identifier: Apache-2.0
// codec.h - plain structs <-> generated messages, driven by tables of fields.
//
// A table says for every field of a message where it lies in the plain struct and which
// values are allowed. One engine checks and copies by it in both directions, so no
// field can be read without its check. What a peer may make us allocate is bounded by a
// budget; nesting is as deep as the tables, which do not recurse.
//
// Private to proto/. Owns: nothing. Threads: any.
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "common/base/buf.h"
#include "common/base/err.h"

#include <protobuf-c/protobuf-c.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum codec_type {
    CODEC_U32,
    CODEC_U64,
    CODEC_BOOL,
    CODEC_ENUM, // plain enum <-> open enum of the schema, same numbers
    CODEC_F64,
    CODEC_TEXT,
    CODEC_HASH,
    CODEC_MESSAGE, // one inner message
    CODEC_CHOICE,  // one inner message of a oneof; the plain struct has a kind
    CODEC_LIST,    // repeated inner messages
    CODEC_U64S,    // repeated numbers
    CODEC_TYPES
};

struct codec_map;

struct codec_field {
    unsigned number; // in the schema
    enum codec_type type;
    size_t at;         // in the plain struct
    uint64_t min, max; // numbers; TEXT, HASH, MESSAGE: min 1 = must be there;
                       // CHOICE: min = the kind
    double low, high;  // F64
    size_t cap;        // TEXT: bytes of the array; LIST, U64S: entries of the array
    size_t count_at;   // LIST, U64S: its uint32_t count; CHOICE: the kind
    const struct codec_map *inner;
};

struct codec_map {
    const ProtobufCMessageDescriptor *generated;
    size_t size; // of the plain struct
    const struct codec_field *fields;
    size_t n_fields;
    // What does not hold between fields; NULL when all is well. May be NULL itself.
    const char *(*rule)(const void *plain);
    // Whether a later version of us may have filled it in: fields that we do not know
    // are then passed over. NULL: never.
    bool (*is_ahead)(const void *plain);
};

// Appends the encoding. Values that the table forbids are our own bug; text is cleaned.
void codec_encode(const struct codec_map *map, const void *plain, struct buf *out);

// Fills *plain (map->size bytes) or leaves it as it was. ERR_PROTO names the field;
// ERR_LIMIT: over the budget; ERR_NOMEM.
MUST_CHECK enum err codec_decode(const struct codec_map *map, const void *bytes,
                                 size_t n, void *plain, struct errinfo *why);

#endif
