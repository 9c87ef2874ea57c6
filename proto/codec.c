// SPDX-License-Identifier: Apache-2.0
// codec.c - see codec.h.
#include "proto/codec.h"

#include "common/blob/hash.h"
#include "proto/limits.h"
#include "proto/text.h"

#include <math.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// What most messages need, on the stack; more comes from malloc.
#define ARENA_FIRST_BYTES 4096
#define ARENA_BLOCK_BYTES 65536 // a full STATUS_REPLY builds about 40 KiB

static const ProtobufCFieldDescriptor *field_of(const struct codec_map *map,
                                                const struct codec_field *f)
{
    const ProtobufCFieldDescriptor *fd =
        protobuf_c_message_descriptor_get_field(map->generated, f->number);
    BUG_ON(!fd);
    return fd;
}

static void *at(void *base, size_t offset)
{
    return (char *)base + offset;
}

static const void *at_const(const void *base, size_t offset)
{
    return (const char *)base + offset;
}

static bool is_zero(const void *bytes, size_t n)
{
    const char *b = bytes;
    return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

// ---- the checks, the same in both directions

static const char *check_number(const struct codec_field *f, uint64_t value)
{
    return value >= f->min && value <= f->max ? NULL : "out of range";
}

static const char *check_double(const struct codec_field *f, double value)
{
    return isfinite(value) && value >= f->low && value <= f->high ? NULL
                                                                  : "out of range";
}

static const char *check_text(const struct codec_field *f, const char *text, size_t n)
{
    if (n < f->min) {
        return "missing";
    }
    if (n >= f->cap) {
        return "too long";
    }
    return text_is_valid(text, n) ? NULL : "not clean UTF-8 text";
}

static const char *check_hash(const struct codec_field *f, const char *hex, size_t n)
{
    if (n == 0) {
        return f->min == 0 ? NULL : "missing";
    }
    char copy[HASH_HEX_MAX] = "";
    if (n != HASH_HEX_LEN) {
        return "not a hash";
    }
    memcpy(copy, hex, n);
    return hash_is_valid(copy) ? NULL : "not a hash";
}

// ---- decoding

// The generated field `from` into the plain struct; NULL or what is wrong.
struct decoding {
    const struct codec_field *field;
    const ProtobufCFieldDescriptor *fd;
    const void *message; // generated
    void *plain;
    struct errinfo *why; // of inner messages
};
typedef const char *decode_fn(const struct decoding *d);

static const char inner_is_wrong[] = ""; // the sentence is in why already

static enum err decode_message(const struct codec_map *map, const ProtobufCMessage *m,
                               void *plain, struct errinfo *why);

static const void *source(const struct decoding *d)
{
    return at_const(d->message, d->fd->offset);
}

static void *target(const struct decoding *d)
{
    return at(d->plain, d->field->at);
}

static const char *decode_u32(const struct decoding *d)
{
    uint32_t value = *(const uint32_t *)source(d);
    *(uint32_t *)target(d) = value;
    return check_number(d->field, value);
}

static const char *decode_u64(const struct decoding *d)
{
    uint64_t value = *(const uint64_t *)source(d);
    *(uint64_t *)target(d) = value;
    return check_number(d->field, value);
}

static const char *decode_bool(const struct decoding *d)
{
    *(bool *)target(d) = *(const protobuf_c_boolean *)source(d) != 0;
    return NULL;
}

static const char *decode_enum(const struct decoding *d)
{
    int value = *(const int *)source(d);
    if (value < 0) {
        return "out of range";
    }
    memcpy(target(d), &value, sizeof(value));
    return check_number(d->field, (uint64_t)value);
}

static const char *decode_f64(const struct decoding *d)
{
    double value = *(const double *)source(d);
    *(double *)target(d) = value;
    return check_double(d->field, value);
}

static const char *decode_text(const struct decoding *d)
{
    const ProtobufCBinaryData *b = source(d);
    const char *wrong = check_text(d->field, (const char *)b->data, b->len);
    if (!wrong && b->len > 0) {
        memcpy(target(d), b->data, b->len); // the rest is zero already
    }
    return wrong;
}

static const char *decode_hash(const struct decoding *d)
{
    const ProtobufCBinaryData *b = source(d);
    const char *wrong = check_hash(d->field, (const char *)b->data, b->len);
    if (!wrong && b->len > 0) {
        memcpy(target(d), b->data, b->len);
    }
    return wrong;
}

static const char *decode_inner(const struct decoding *d)
{
    const ProtobufCMessage *m = *(ProtobufCMessage *const *)source(d);
    if (!m) {
        return d->field->min == 0 ? NULL : "missing";
    }
    enum err e = decode_message(d->field->inner, m, target(d), d->why);
    return e == ERR_OK ? NULL : inner_is_wrong;
}

static const char *decode_choice(const struct decoding *d)
{
    const uint32_t chosen =
        *(const uint32_t *)at_const(d->message, d->fd->quantifier_offset);
    if (chosen != d->field->number) {
        return NULL;
    }
    const int kind = (int)d->field->min;
    memcpy(at(d->plain, d->field->count_at), &kind, sizeof(kind));
    const ProtobufCMessage *m = *(ProtobufCMessage *const *)source(d);
    if (!m) {
        return "missing";
    }
    enum err e = decode_message(d->field->inner, m, target(d), d->why);
    return e == ERR_OK ? NULL : inner_is_wrong;
}

static const char *decode_count(const struct decoding *d, size_t *n)
{
    *n = *(const size_t *)at_const(d->message, d->fd->quantifier_offset);
    if (*n > d->field->cap) {
        return "too many";
    }
    *(uint32_t *)at(d->plain, d->field->count_at) = (uint32_t)*n;
    return NULL;
}

static const char *decode_list(const struct decoding *d)
{
    size_t n = 0;
    const char *wrong = decode_count(d, &n);
    ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)source(d);
    const struct codec_map *inner = d->field->inner;
    for (size_t i = 0; i < n && !wrong; i++) {
        void *slot = at(target(d), i * inner->size);
        if (decode_message(inner, items[i], slot, d->why) != ERR_OK) {
            wrong = inner_is_wrong;
        }
    }
    return wrong;
}

static const char *decode_u64s(const struct decoding *d)
{
    size_t n = 0;
    const char *wrong = decode_count(d, &n);
    const uint64_t *items = *(const uint64_t *const *)source(d);
    uint64_t *out = target(d);
    for (size_t i = 0; i < n && !wrong; i++) {
        out[i] = items[i];
        wrong = check_number(d->field, items[i]);
    }
    return wrong;
}

static decode_fn *const decoders[CODEC_TYPES] = {
    [CODEC_U32] = decode_u32,       [CODEC_U64] = decode_u64,
    [CODEC_BOOL] = decode_bool,     [CODEC_ENUM] = decode_enum,
    [CODEC_F64] = decode_f64,       [CODEC_TEXT] = decode_text,
    [CODEC_HASH] = decode_hash,     [CODEC_MESSAGE] = decode_inner,
    [CODEC_CHOICE] = decode_choice, [CODEC_LIST] = decode_list,
    [CODEC_U64S] = decode_u64s,
};

static enum err decode_message(const struct codec_map *map, const ProtobufCMessage *m,
                               void *plain, struct errinfo *why)
{
    const char *name = map->generated->short_name;
    BUG_ON(map->n_fields != map->generated->n_fields);
    for (size_t i = 0; i < map->n_fields; i++) {
        const struct codec_field *f = &map->fields[i];
        const struct decoding d = {f, field_of(map, f), m, plain, why};
        const char *wrong = decoders[f->type](&d);
        if (wrong == inner_is_wrong) {
            return err_prefix(why, ERR_PROTO, "%s.%s", name, d.fd->name);
        }
        if (wrong) {
            return err_set(why, ERR_PROTO, "%s.%s is %s", name, d.fd->name, wrong);
        }
    }
    if (m->n_unknown_fields > 0 && !(map->is_ahead && map->is_ahead(plain))) {
        return err_set(why, ERR_PROTO, "%s has an unknown field", name);
    }
    const char *wrong = map->rule ? map->rule(plain) : NULL;
    return wrong ? err_set(why, ERR_PROTO, "%s: %s", name, wrong) : ERR_OK;
}

// Frees nothing back to the budget: a message is unpacked once.
struct budget {
    size_t left;
    bool is_exhausted;
    bool is_out_of_memory; // ours, which is not the peer's fault
    size_t n_first;        // bytes used of:
    alignas(max_align_t) char first[ARENA_FIRST_BYTES];
};

static void *budget_first(struct budget *b, size_t n)
{
    const size_t align = alignof(max_align_t);
    if (n > sizeof(b->first) - b->n_first) {
        return NULL;
    }
    void *p = b->first + b->n_first;
    size_t end = (b->n_first + n + align - 1) / align * align;
    b->n_first = end < sizeof(b->first) ? end : sizeof(b->first);
    return p;
}

static void *budget_alloc(void *arg, size_t n)
{
    struct budget *b = arg;
    if (n > b->left) {
        b->is_exhausted = true;
        return NULL;
    }
    b->left -= n;
    void *p = budget_first(b, n > 0 ? n : 1);
    p = p ? p : malloc(n > 0 ? n : 1);
    b->is_out_of_memory |= !p;
    return p;
}

static void budget_free(void *arg, void *p)
{
    struct budget *b = arg;
    uintptr_t offset = (uintptr_t)p - (uintptr_t)b->first;
    if (offset >= sizeof(b->first)) {
        free(p);
    }
}

enum err codec_decode(const struct codec_map *map, const void *bytes, size_t n,
                      void *plain, struct errinfo *why)
{
    const char *name = map->generated->short_name;
    struct budget budget;
    budget.left = LIMIT_DECODE_BYTES;
    budget.is_exhausted = budget.is_out_of_memory = false;
    budget.n_first = 0;
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    ProtobufCMessage *m =
        protobuf_c_message_unpack(map->generated, &allocator, n, bytes);
    if (!m) {
        return budget.is_out_of_memory
                   ? err_set(why, ERR_NOMEM, "no memory for %s", name)
               : budget.is_exhausted
                   ? err_set(why, ERR_LIMIT, "%s holds too much", name)
                   : err_set(why, ERR_PROTO, "%s is malformed", name);
    }
    void *fresh = calloc(1, map->size > 0 ? map->size : 1);
    enum err e = fresh ? decode_message(map, m, fresh, why)
                       : err_set(why, ERR_NOMEM, "no memory for %s", name);
    if (fresh && e == ERR_OK) {
        memcpy(plain, fresh, map->size);
    }
    free(fresh);
    protobuf_c_message_free_unpacked(m, &allocator);
    return e;
}

// ---- encoding: builds the generated message in an arena, then packs it

struct block {
    struct block *next;
    alignas(max_align_t) char bytes[];
};

struct arena {
    char *bytes; // of the block in use
    size_t used, cap;
    struct block *more; // behind the first one
    alignas(max_align_t) char first[ARENA_FIRST_BYTES];
};

static void arena_init(struct arena *a)
{
    a->bytes = a->first;
    a->used = 0;
    a->cap = sizeof(a->first);
    a->more = NULL;
}

static void arena_fini(struct arena *a)
{
    while (a->more) {
        struct block *next = a->more->next;
        free(a->more);
        a->more = next;
    }
}

static void arena_grow(struct arena *a, size_t n)
{
    size_t cap = n > ARENA_BLOCK_BYTES ? n : ARENA_BLOCK_BYTES;
    struct block *block = malloc(sizeof(*block) + cap);
    BUG_ON(!block);
    block->next = a->more;
    a->more = block;
    a->bytes = block->bytes;
    a->used = 0;
    a->cap = cap;
}

static void *arena_get(struct arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    size_t start = (a->used + align - 1) / align * align;
    if (start > a->cap || n > a->cap - start) {
        arena_grow(a, n);
        start = 0;
    }
    a->used = start + n;
    return memset(a->bytes + start, 0, n);
}

struct encoding {
    const struct codec_field *field;
    const ProtobufCFieldDescriptor *fd;
    const void *plain;
    void *message;
    struct arena *arena;
};
typedef const char *encode_fn(const struct encoding *g);

static ProtobufCMessage *build(const struct codec_map *map, const void *plain,
                               struct arena *a);

static const void *value_of(const struct encoding *g)
{
    return at_const(g->plain, g->field->at);
}

static void *place_of(const struct encoding *g)
{
    return at(g->message, g->fd->offset);
}

static const char *encode_u32(const struct encoding *g)
{
    uint32_t value = *(const uint32_t *)value_of(g);
    *(uint32_t *)place_of(g) = value;
    return check_number(g->field, value);
}

static const char *encode_u64(const struct encoding *g)
{
    uint64_t value = *(const uint64_t *)value_of(g);
    *(uint64_t *)place_of(g) = value;
    return check_number(g->field, value);
}

static const char *encode_bool(const struct encoding *g)
{
    *(protobuf_c_boolean *)place_of(g) = *(const bool *)value_of(g);
    return NULL;
}

static const char *encode_enum(const struct encoding *g)
{
    int value = 0;
    memcpy(&value, value_of(g), sizeof(value));
    *(int *)place_of(g) = value;
    return value < 0 ? "out of range" : check_number(g->field, (uint64_t)value);
}

static const char *encode_f64(const struct encoding *g)
{
    double value = *(const double *)value_of(g);
    *(double *)place_of(g) = value;
    return check_double(g->field, value);
}

static const char *encode_text(const struct encoding *g)
{
    char *clean = arena_get(g->arena, g->field->cap);
    size_t n = text_clean(clean, g->field->cap, value_of(g));
    *(ProtobufCBinaryData *)place_of(g) = (ProtobufCBinaryData){n, (uint8_t *)clean};
    return check_text(g->field, clean, n);
}

static const char *encode_hash(const struct encoding *g)
{
    const char *hex = value_of(g);
    size_t n = strlen(hex);
    char *copy = arena_get(g->arena, n + 1);
    memcpy(copy, hex, n + 1);
    *(ProtobufCBinaryData *)place_of(g) = (ProtobufCBinaryData){n, (uint8_t *)copy};
    return check_hash(g->field, hex, n);
}

static const char *encode_inner(const struct encoding *g)
{
    const struct codec_map *inner = g->field->inner;
    if (g->field->min == 0 && is_zero(value_of(g), inner->size)) {
        return NULL; // left out
    }
    *(ProtobufCMessage **)place_of(g) = build(inner, value_of(g), g->arena);
    return NULL;
}

static const char *encode_choice(const struct encoding *g)
{
    int kind = 0;
    memcpy(&kind, at_const(g->plain, g->field->count_at), sizeof(kind));
    if (kind < 0 || (uint64_t)kind != g->field->min) {
        return NULL;
    }
    *(uint32_t *)at(g->message, g->fd->quantifier_offset) = g->field->number;
    *(ProtobufCMessage **)place_of(g) = build(g->field->inner, value_of(g), g->arena);
    return NULL;
}

static size_t encode_count(const struct encoding *g)
{
    size_t n = *(const uint32_t *)at_const(g->plain, g->field->count_at);
    BUG_ON(n > g->field->cap);
    *(size_t *)at(g->message, g->fd->quantifier_offset) = n;
    return n;
}

static const char *encode_list(const struct encoding *g)
{
    size_t n = encode_count(g);
    const struct codec_map *inner = g->field->inner;
    ProtobufCMessage **items = arena_get(g->arena, n * sizeof(ProtobufCMessage *));
    for (size_t i = 0; i < n; i++) {
        items[i] = build(inner, at_const(value_of(g), i * inner->size), g->arena);
    }
    *(ProtobufCMessage ***)place_of(g) = items;
    return NULL;
}

static const char *encode_u64s(const struct encoding *g)
{
    size_t n = encode_count(g);
    uint64_t *items = arena_get(g->arena, n * sizeof(*items));
    const char *wrong = NULL;
    for (size_t i = 0; i < n && !wrong; i++) {
        items[i] = ((const uint64_t *)value_of(g))[i];
        wrong = check_number(g->field, items[i]);
    }
    *(uint64_t **)place_of(g) = items;
    return wrong;
}

static encode_fn *const encoders[CODEC_TYPES] = {
    [CODEC_U32] = encode_u32,       [CODEC_U64] = encode_u64,
    [CODEC_BOOL] = encode_bool,     [CODEC_ENUM] = encode_enum,
    [CODEC_F64] = encode_f64,       [CODEC_TEXT] = encode_text,
    [CODEC_HASH] = encode_hash,     [CODEC_MESSAGE] = encode_inner,
    [CODEC_CHOICE] = encode_choice, [CODEC_LIST] = encode_list,
    [CODEC_U64S] = encode_u64s,
};

static ProtobufCMessage *build(const struct codec_map *map, const void *plain,
                               struct arena *a)
{
    const char *name = map->generated->short_name;
    ProtobufCMessage *m = arena_get(a, map->generated->sizeof_message);
    map->generated->message_init(m);
    for (size_t i = 0; i < map->n_fields; i++) {
        const struct codec_field *f = &map->fields[i];
        const struct encoding g = {f, field_of(map, f), plain, m, a};
        if (encoders[f->type](&g)) {
            err_bug(name, (int)f->number,
                    "our own message has a value it must not have");
        }
    }
    const char *wrong = map->rule ? map->rule(plain) : NULL;
    if (wrong) {
        err_bug(name, 0, wrong);
    }
    return m;
}

void codec_encode(const struct codec_map *map, const void *plain, struct buf *out)
{
    struct arena a;
    arena_init(&a);
    const ProtobufCMessage *m = build(map, plain, &a);
    size_t n = protobuf_c_message_get_packed_size(m);
    char *to = buf_reserve(out, n);
    protobuf_c_message_pack(m, (uint8_t *)to);
    out->len += n;
    arena_fini(&a);
}
