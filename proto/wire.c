// SPDX-License-Identifier: Apache-2.0
// wire.c - see wire.h. The envelope is done by hand: its kind decides the size cap.
#include "proto/wire.h"

#include "proto/maps.h"

#include <string.h>

#define WIRE_TYPE_BYTES  2 // a length-delimited field
#define SPEC_MAX_BYTES   1024
#define RESULT_MAX_BYTES 2048 // of a MEASURE: 13 timings, provenance

// ---- the envelope: tag and length of the one body field

static void add_varint(struct buf *out, uint64_t value)
{
    do {
        unsigned char byte =
            (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        buf_add(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

// Five bytes hold what an envelope may say.
static bool take_varint(const unsigned char **p, const unsigned char *end,
                        uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 35 && *p < end; shift += 7) {
        unsigned char byte = *(*p)++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

static enum msg_kind kind_of_tag(uint64_t tag)
{
    for (int k = MSG_NONE + 1; k < MSG_KINDS; k++) {
        if (tag ==
            ((uint64_t)maps_kind((enum msg_kind)k)->number << 3 | WIRE_TYPE_BYTES)) {
            return (enum msg_kind)k;
        }
    }
    return MSG_NONE;
}

void wire_encode(const struct msg *m, struct buf *out)
{
    BUG_ON(m->kind <= MSG_NONE || m->kind >= MSG_KINDS);
    const struct kind_entry *entry = maps_kind(m->kind);
    struct buf body = BUF_INIT;
    codec_encode(entry->map, &m->hello, &body); // any member: all start at one place
    BUG_ON(body.len > entry->max_bytes);
    add_varint(out, (uint64_t)entry->number << 3 | WIRE_TYPE_BYTES);
    add_varint(out, body.len);
    buf_add(out, body.data, body.len);
    buf_fini(&body);
}

enum err wire_decode(const void *bytes, size_t n, struct msg *out, struct errinfo *why)
{
    if (n > LIMIT_MESSAGE_BYTES) {
        return err_set(why, ERR_LIMIT, "a message of %zu bytes is too large", n);
    }
    const unsigned char *p = bytes;
    const unsigned char *end = p ? p + n : p;
    uint64_t tag = 0;
    uint64_t length = 0;
    if (!take_varint(&p, end, &tag) || !take_varint(&p, end, &length) ||
        length != (uint64_t)(end - p)) {
        return err_set(why, ERR_PROTO, "not one whole message");
    }
    enum msg_kind kind = kind_of_tag(tag);
    if (kind == MSG_NONE) {
        return err_set(why, ERR_PROTO, "a message of an unknown kind");
    }
    const struct kind_entry *entry = maps_kind(kind);
    if (length > entry->max_bytes) {
        return err_set(why, ERR_LIMIT, "%s of %zu bytes is too large",
                       msg_kind_name(kind), n);
    }
    enum err e = codec_decode(entry->map, p, length, &out->hello, why);
    if (e == ERR_OK) {
        out->kind = kind;
    }
    return e;
}

enum err wire_attach_payload(struct msg *m, const void *bytes, size_t n,
                             struct errinfo *why)
{
    BUG_ON(m->kind != MSG_BLOB_CHUNK);
    if (n != m->blob_chunk.n_bytes) {
        return err_set(why, ERR_PROTO, "a chunk of %u bytes came with %zu",
                       m->blob_chunk.n_bytes, n);
    }
    m->blob_chunk.bytes = bytes;
    return ERR_OK;
}

// ---- parts alone

static enum err check_size(const struct codec_map *map, size_t n, size_t max_bytes,
                           struct errinfo *why)
{
    return n <= max_bytes ? ERR_OK
                          : err_set(why, ERR_LIMIT, "%s of %zu bytes is too large",
                                    map->generated->short_name, n);
}

void wire_encode_spec(const struct task_spec *s, struct buf *out)
{
    codec_encode(maps_spec(), s, out);
}

enum err wire_decode_spec(const void *bytes, size_t n, struct task_spec *out,
                          struct errinfo *why)
{
    enum err e = check_size(maps_spec(), n, SPEC_MAX_BYTES, why);
    return e == ERR_OK ? codec_decode(maps_spec(), bytes, n, out, why) : e;
}

void wire_encode_result(const struct task_result *r, struct buf *out)
{
    codec_encode(maps_result(), r, out);
}

enum err wire_decode_result(const void *bytes, size_t n, struct task_result *out,
                            struct errinfo *why)
{
    enum err e = check_size(maps_result(), n, RESULT_MAX_BYTES, why);
    return e == ERR_OK ? codec_decode(maps_result(), bytes, n, out, why) : e;
}
