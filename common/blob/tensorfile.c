// SPDX-License-Identifier: Apache-2.0
// tensorfile.c - see tensorfile.h. The parsed header stays alive: names point into it.
#include "common/blob/tensorfile.h"

#include "common/base/file.h"
#include "common/blob/oserr.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "safetensors data is little-endian and is used in place");

// A supernet of the paper has about 1,000 tensors with their moments: 150 KiB of
// header.
#define HEADER_MAX_BYTES (16u << 20)
#define PREFIX_BYTES     8

struct type_row {
    enum tensor_type type;
    const char *name;
    size_t n_bytes;
};

static const struct type_row types[] = {
    {TENSOR_F32, "F32", 4}, {TENSOR_F64, "F64", 8}, {TENSOR_I32, "I32", 4},
    {TENSOR_I64, "I64", 8}, {TENSOR_U8, "U8", 1},
};

static const struct type_row *type_find(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

// ---------------------------------------------------------------- reading

struct slot { // what sorting moves
    const struct tensor *tensor;
};

struct tensor_reader {
    void *map;
    size_t map_bytes;
    const unsigned char *data; // first byte after the header
    size_t data_bytes;
    json_t *header;
    size_t n_tensors;
    struct tensor *tensors; // in header order
    struct slot *sorted;    // the same by name, for finding
};

static enum err parse_shape(const json_t *shape, struct tensor *t, struct errinfo *why)
{
    if (!json_is_array(shape) || json_array_size(shape) > TENSOR_RANK_MAX) {
        return err_set(why, ERR_CORRUPT, "shape is not a list of up to %d sizes",
                       TENSOR_RANK_MAX);
    }
    t->rank = (int)json_array_size(shape);
    t->n_values = 1;
    for (int i = 0; i < t->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0) {
            return err_set(why, ERR_CORRUPT, "shape[%d] is not a size", i);
        }
        t->shape[i] = json_integer_value(size);
        if (__builtin_mul_overflow(t->n_values, (size_t)t->shape[i], &t->n_values)) {
            return err_set(why, ERR_CORRUPT, "shape overflows");
        }
    }
    return ERR_OK;
}

static enum err parse_offsets(const struct tensor_reader *r, const json_t *offsets,
                              size_t n_bytes, struct tensor *t, struct errinfo *why)
{
    const json_t *begin = json_array_get(offsets, 0);
    const json_t *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end)) {
        return err_set(why, ERR_CORRUPT, "data_offsets is not [begin, end]");
    }
    json_int_t b = json_integer_value(begin);
    json_int_t e = json_integer_value(end);
    if (b < 0 || e < b || (uint64_t)e > r->data_bytes) {
        return err_set(why, ERR_CORRUPT,
                       "data_offsets [%lld, %lld] lie outside the %zu bytes of data",
                       (long long)b, (long long)e, r->data_bytes);
    }
    if ((uint64_t)(e - b) != n_bytes) {
        return err_set(why, ERR_CORRUPT, "%lld bytes where the shape needs %zu",
                       (long long)(e - b), n_bytes);
    }
    t->data = r->data + b;
    return ERR_OK;
}

static enum err parse_tensor(const struct tensor_reader *r, const json_t *entry,
                             struct tensor *t, struct errinfo *why)
{
    if (strlen(t->name) >= TENSOR_NAME_MAX) {
        return err_set(why, ERR_CORRUPT, "name is longer than %d bytes",
                       TENSOR_NAME_MAX - 1);
    }
    if (!json_is_object(entry) || json_object_size(entry) != 3) {
        return err_set(why, ERR_CORRUPT, "not exactly dtype, shape and data_offsets");
    }
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const struct type_row *row = dtype ? type_find(dtype) : NULL;
    if (!row) {
        return err_set(why, ERR_CORRUPT, "dtype is not F32, F64, I32, I64 or U8");
    }
    t->type = row->type;
    enum err e = parse_shape(json_object_get(entry, "shape"), t, why);
    if (e != ERR_OK) {
        return e;
    }
    size_t n_bytes = 0;
    if (__builtin_mul_overflow(t->n_values, row->n_bytes, &n_bytes)) {
        return err_set(why, ERR_CORRUPT, "shape overflows");
    }
    return parse_offsets(r, json_object_get(entry, "data_offsets"), n_bytes, t, why);
}

static enum err check_metadata(const json_t *meta, struct errinfo *why)
{
    if (!json_is_object(meta)) {
        return err_set(why, ERR_CORRUPT, "__metadata__ is not an object");
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)meta, key, value)
    {
        if (!json_is_string(value)) {
            return err_set(why, ERR_CORRUPT,
                           "__metadata__ holds a value that is no string");
        }
    }
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct slot *x = a;
    const struct slot *y = b;
    return strcmp(x->tensor->name, y->tensor->name);
}

static int by_place(const void *a, const void *b)
{
    const struct slot *x = a;
    const struct slot *y = b;
    const char *px = x->tensor->data;
    const char *py = y->tensor->data;
    return (px > py) - (px < py);
}

static size_t tensor_bytes(const struct tensor *t)
{
    return t->n_values * types[t->type].n_bytes;
}

// Uses `sorted` as scratch; empty tensors take no place and cannot overlap.
static enum err check_overlaps(struct tensor_reader *r, struct errinfo *why)
{
    qsort(r->sorted, r->n_tensors, sizeof(*r->sorted), by_place);
    const struct tensor *last = NULL;
    for (size_t i = 0; i < r->n_tensors; i++) {
        const struct tensor *t = r->sorted[i].tensor;
        if (t->n_values == 0) {
            continue;
        }
        if (last &&
            (const char *)t->data < (const char *)last->data + tensor_bytes(last)) {
            return err_set(why, ERR_CORRUPT, "%.100s and %.100s overlap", last->name,
                           t->name);
        }
        last = t;
    }
    return ERR_OK;
}

static enum err parse_header(struct tensor_reader *r, struct errinfo *why)
{
    r->tensors = calloc(json_object_size(r->header) + 1, sizeof(*r->tensors));
    r->sorted = calloc(json_object_size(r->header) + 1, sizeof(*r->sorted));
    if (!r->tensors || !r->sorted) {
        return err_set(why, ERR_NOMEM, "no memory for the header");
    }
    const char *key = NULL;
    json_t *entry = NULL;
    json_object_foreach(r->header, key, entry)
    {
        enum err e = ERR_OK;
        if (strcmp(key, "__metadata__") == 0) {
            e = check_metadata(entry, why);
        } else {
            struct tensor *t = &r->tensors[r->n_tensors];
            t->name = key;
            e = parse_tensor(r, entry, t, why);
            r->sorted[r->n_tensors++].tensor = t;
        }
        if (e != ERR_OK) {
            return err_prefix(why, e, "%.100s", key);
        }
    }
    enum err e = check_overlaps(r, why);
    qsort(r->sorted, r->n_tensors, sizeof(*r->sorted), by_name);
    return e;
}

static enum err read_header(struct tensor_reader *r, struct errinfo *why)
{
    uint64_t length = 0;
    memcpy(&length, r->map, sizeof(length));
    if (length > HEADER_MAX_BYTES || length > r->map_bytes - PREFIX_BYTES) {
        return err_set(why, ERR_CORRUPT,
                       "header of %llu bytes in a file of %zu (limit %u)",
                       (unsigned long long)length, r->map_bytes, HEADER_MAX_BYTES);
    }
    const char *text = (const char *)r->map + PREFIX_BYTES;
    r->data = (const unsigned char *)text + length;
    r->data_bytes = r->map_bytes - PREFIX_BYTES - length;
    json_error_t parse = {0};
    r->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &parse);
    if (!json_is_object(r->header)) {
        return err_set(why, ERR_CORRUPT, "header is not a JSON object: %s", parse.text);
    }
    return parse_header(r, why);
}

static enum err map_file(struct tensor_reader *r, int fd, const char *path,
                         struct errinfo *why)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return oserr(why, "read", path);
    }
    if (!S_ISREG(st.st_mode) || st.st_size < PREFIX_BYTES) {
        return err_set(why, ERR_CORRUPT, "%s: not a safetensors file", path);
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        return oserr(why, "map", path);
    }
    r->map = map;
    r->map_bytes = (size_t)st.st_size;
    enum err e = read_header(r, why);
    return e == ERR_OK ? e : err_prefix(why, e, "%s", path);
}

enum err tensor_reader_open(const char *path, struct tensor_reader **out,
                            struct errinfo *why)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return oserr(why, "open", path);
    }
    struct tensor_reader *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    enum err e = map_file(r, fd, path, why);
    close(fd); // the map stays
    if (e != ERR_OK) {
        tensor_reader_close(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

void tensor_reader_close(struct tensor_reader *r)
{
    if (!r) {
        return;
    }
    if (r->map) {
        munmap(r->map, r->map_bytes);
    }
    json_decref(r->header);
    free(r->sorted);
    free(r->tensors);
    free(r);
}

size_t tensor_reader_count(const struct tensor_reader *r)
{
    return r->n_tensors;
}

const struct tensor *tensor_reader_at(const struct tensor_reader *r, size_t i)
{
    BUG_ON(i >= r->n_tensors);
    return &r->tensors[i];
}

const struct tensor *tensor_reader_find(const struct tensor_reader *r, const char *name)
{
    const struct tensor wanted = {.name = name};
    const struct slot key = {&wanted};
    const struct slot *found =
        bsearch(&key, r->sorted, r->n_tensors, sizeof(*r->sorted), by_name);
    return found ? found->tensor : NULL;
}

const char *tensor_reader_meta(const struct tensor_reader *r, const char *key)
{
    const json_t *meta = json_object_get(r->header, "__metadata__");
    return json_string_value(json_object_get(meta, key));
}

#define CONVERT(from)                                                          \
    for (size_t i = 0; i < n; i++) {                                           \
        from x;                                                                \
        memcpy(&x, (const unsigned char *)t->data + i * sizeof(x), sizeof(x)); \
        out[i] = (float)x;                                                     \
    }

static void convert(const struct tensor *t, float *out, size_t n)
{
    switch (t->type) {
    case TENSOR_F32: memcpy(out, t->data, n * sizeof(float)); break;
    case TENSOR_F64: CONVERT(double) break;
    case TENSOR_I32: CONVERT(int32_t) break;
    case TENSOR_I64: CONVERT(int64_t) break;
    case TENSOR_U8: CONVERT(uint8_t) break;
    }
}

enum err tensor_read_f32(const struct tensor_reader *r, const char *name, float *out,
                         size_t n, struct errinfo *why)
{
    const struct tensor *t = tensor_reader_find(r, name);
    if (!t) {
        return err_set(why, ERR_CORRUPT, "no tensor %s", name);
    }
    if (t->n_values != n) {
        return err_set(why, ERR_CORRUPT, "tensor %s has %zu values, not %zu", name,
                       t->n_values, n);
    }
    convert(t, out, n);
    return ERR_OK;
}

// ---------------------------------------------------------------- writing

struct entry {
    const void *data;
    size_t n_bytes;
};

struct tensor_writer {
    json_t *header; // keeps the order in which keys were added
    json_t *meta;
    struct entry *entries;
    size_t n_entries;
    size_t cap;
    size_t data_bytes;
};

struct tensor_writer *tensor_writer_create(void)
{
    struct tensor_writer *w = calloc(1, sizeof(*w));
    BUG_ON(!w);
    w->header = json_object();
    w->meta = json_object();
    BUG_ON(!w->header || !w->meta);
    return w;
}

void tensor_writer_destroy(struct tensor_writer *w)
{
    if (!w) {
        return;
    }
    json_decref(w->header);
    json_decref(w->meta);
    free(w->entries);
    free(w);
}

void tensor_writer_meta(struct tensor_writer *w, const char *key, const char *value)
{
    json_t *text = json_string(value);
    BUG_ON(!text); // values are ours or were checked: UTF-8
    BUG_ON(json_object_set_new(w->meta, key, text) != 0);
}

void tensor_writer_copy_meta(struct tensor_writer *w, const struct tensor_reader *r)
{
    json_t *meta = json_object_get(r->header, "__metadata__");
    BUG_ON(meta && json_object_update(w->meta, meta) != 0);
}

static json_t *json_sizes(const int64_t *sizes, int n)
{
    json_t *list = json_array();
    BUG_ON(!list);
    for (int i = 0; i < n; i++) {
        BUG_ON(json_array_append_new(list, json_integer(sizes[i])) != 0);
    }
    return list;
}

void tensor_writer_add(struct tensor_writer *w, const char *name, enum tensor_type type,
                       int rank, const int64_t *shape, const void *data)
{
    BUG_ON(strlen(name) >= TENSOR_NAME_MAX || rank < 0 || rank > TENSOR_RANK_MAX);
    BUG_ON(json_object_get(w->header, name) != NULL);
    size_t n_bytes = types[type].n_bytes;
    for (int i = 0; i < rank; i++) {
        n_bytes *= (size_t)shape[i];
    }
    const int64_t offsets[] = {(int64_t)w->data_bytes,
                               (int64_t)(w->data_bytes + n_bytes)};
    json_t *entry = json_object();
    BUG_ON(!entry);
    BUG_ON(json_object_set_new(entry, "dtype", json_string(types[type].name)) != 0);
    BUG_ON(json_object_set_new(entry, "shape", json_sizes(shape, rank)) != 0);
    BUG_ON(json_object_set_new(entry, "data_offsets", json_sizes(offsets, 2)) != 0);
    BUG_ON(json_object_set_new(w->header, name, entry) != 0);
    if (w->n_entries == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->entries = realloc(w->entries, w->cap * sizeof(*w->entries));
        BUG_ON(!w->entries);
    }
    w->entries[w->n_entries++] = (struct entry){data, n_bytes};
    w->data_bytes += n_bytes;
}

// The JSON text, __metadata__ first, padded with spaces so that the data is aligned.
static void print_header(const struct tensor_writer *w, struct buf *out)
{
    json_t *all = json_object();
    BUG_ON(!all);
    if (json_object_size(w->meta) > 0) {
        BUG_ON(json_object_set(all, "__metadata__", w->meta) != 0);
    }
    BUG_ON(json_object_update(all, w->header) != 0);
    char *text = json_dumps(all, JSON_COMPACT);
    BUG_ON(!text);
    uint64_t length = (strlen(text) + 7) / 8 * 8;
    buf_add(out, &length, sizeof(length));
    buf_add(out, text, strlen(text));
    while (out->len < PREFIX_BYTES + length) {
        buf_add(out, " ", 1);
    }
    free(text);
    json_decref(all);
}

static bool write_bytes(FILE *f, const void *bytes, size_t n)
{
    return n == 0 || fwrite(bytes, 1, n, f) == n;
}

static bool write_file(const struct tensor_writer *w, const struct buf *header, FILE *f)
{
    bool ok = write_bytes(f, header->data, header->len);
    for (size_t i = 0; ok && i < w->n_entries; i++) {
        ok = write_bytes(f, w->entries[i].data, w->entries[i].n_bytes);
    }
    return ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
}

static enum err save(const struct tensor_writer *w, const struct buf *header,
                     const char *path, struct errinfo *why)
{
    char tmp[FILE_PATH_MAX];
    enum err e = file_path(tmp, sizeof(tmp), why, "%s.tmp.%ld", path, (long)getpid());
    if (e != ERR_OK) {
        return e;
    }
    FILE *f = fopen(tmp, "wbe");
    if (!f) {
        return oserr(why, "create", tmp);
    }
    bool ok = write_file(w, header, f);
    if (fclose(f) != 0 || !ok || rename(tmp, path) != 0) {
        e = oserr(why, "write", path);
        unlink(tmp);
        return e;
    }
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) + 1 : 1;
    e = file_path(tmp, sizeof(tmp), why, "%.*s", n, slash ? path : ".");
    return e == ERR_OK ? file_sync_dir(tmp, why) : e;
}

enum err tensor_writer_save(const struct tensor_writer *w, const char *path,
                            struct errinfo *why)
{
    struct buf header = BUF_INIT;
    print_header(w, &header);
    size_t n = header.len - PREFIX_BYTES;
    enum err e = n > HEADER_MAX_BYTES
                     ? err_set(why, ERR_LIMIT, "%s: a header of %zu bytes, at most %u",
                               path, n, HEADER_MAX_BYTES)
                     : save(w, &header, path, why);
    buf_fini(&header);
    return e;
}
