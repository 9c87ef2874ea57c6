// SPDX-License-Identifier: Apache-2.0
// merge.c - see merge.h. Readers are memory maps, so only the mean itself is allocated.
#include "coordinator/study/merge.h"

#include "common/blob/tensorfile.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_VALUES 1024 // of the double accumulator: 8 KiB, stays in the first cache

struct merge {
    struct tensor_reader **shards;
    size_t n_shards;
    struct tensor_writer *writer;
    char **values; // one per tensor, what the writer borrows
    size_t n_values;
};

static size_t type_size(enum tensor_type t)
{
    static const size_t sizes[] = {
        [TENSOR_F32] = 4, [TENSOR_F64] = 8, [TENSOR_I32] = 4,
        [TENSOR_I64] = 8, [TENSOR_U8] = 1,
    };
    return sizes[t];
}

static bool is_step_count(const struct tensor *t)
{
    return strncmp(t->name, "adam.step.", strlen("adam.step.")) == 0;
}

// One value as a double; the file's data need not be aligned.
static double value_f32(const char *at)
{
    float v;
    memcpy(&v, at, sizeof(v));
    return v;
}

static double value_f64(const char *at)
{
    double v;
    memcpy(&v, at, sizeof(v));
    return v;
}

static void put_f32(char *at, double value)
{
    float v = (float)value;
    memcpy(at, &v, sizeof(v));
}

static void put_f64(char *at, double value)
{
    memcpy(at, &value, sizeof(value));
}

static void add_block(const struct tensor *t, size_t first, size_t n, double *sum)
{
    const char *at = (const char *)t->data + first * type_size(t->type);
    if (t->type == TENSOR_F32) {
        for (size_t i = 0; i < n; i++) {
            sum[i] += value_f32(at + i * sizeof(float));
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            sum[i] += value_f64(at + i * sizeof(double));
        }
    }
}

// False when a mean is not finite.
static bool put_means(enum tensor_type type, const double *sum, size_t n,
                      double n_shards, char *out)
{
    bool is_finite = true;
    for (size_t i = 0; i < n; i++) {
        double mean = sum[i] / n_shards;
        is_finite = is_finite && isfinite(mean);
        if (type == TENSOR_F32) {
            put_f32(out + i * sizeof(float), mean);
        } else {
            put_f64(out + i * sizeof(double), mean);
        }
    }
    return is_finite;
}

static enum err mean_of(const struct tensor *const *parts, size_t n_parts, char *out,
                        struct errinfo *why)
{
    const struct tensor *first = parts[0];
    size_t size = type_size(first->type);
    for (size_t at = 0; at < first->n_values; at += BLOCK_VALUES) {
        size_t left = first->n_values - at;
        size_t n = left < BLOCK_VALUES ? left : BLOCK_VALUES;
        double sum[BLOCK_VALUES] = {0};
        for (size_t s = 0; s < n_parts; s++) {
            add_block(parts[s], at, n, sum);
        }
        if (!put_means(first->type, sum, n, (double)n_parts, out + at * size)) {
            return err_set(why, ERR_NUMERIC, "the mean of tensor %s is not finite",
                           first->name);
        }
    }
    return ERR_OK;
}

static int compare_i32(const char *a, const char *b)
{
    int32_t x;
    int32_t y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static int compare_i64(const char *a, const char *b)
{
    int64_t x;
    int64_t y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static int compare_u8(const char *a, const char *b)
{
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

static int compare_f32(const char *a, const char *b)
{
    double x = value_f32(a);
    double y = value_f32(b);
    return (x > y) - (x < y);
}

static int compare_f64(const char *a, const char *b)
{
    double x = value_f64(a);
    double y = value_f64(b);
    return (x > y) - (x < y);
}

static void largest_of(const struct tensor *const *parts, size_t n_parts, char *out)
{
    static int (*const compare[])(const char *, const char *) = {
        [TENSOR_F32] = compare_f32, [TENSOR_F64] = compare_f64,
        [TENSOR_I32] = compare_i32, [TENSOR_I64] = compare_i64,
        [TENSOR_U8] = compare_u8,
    };
    size_t size = type_size(parts[0]->type);
    memcpy(out, parts[0]->data, parts[0]->n_values * size);
    for (size_t s = 1; s < n_parts; s++) {
        const char *other = parts[s]->data;
        for (size_t i = 0; i < parts[s]->n_values; i++) {
            if (compare[parts[s]->type](other + i * size, out + i * size) > 0) {
                memcpy(out + i * size, other + i * size, size);
            }
        }
    }
}

static bool same_form(const struct tensor *a, const struct tensor *b)
{
    return a->type == b->type && a->rank == b->rank && a->n_values == b->n_values &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof(a->shape[0])) == 0;
}

// parts[s] = the tensor called like `first` in shard s.
static enum err find_parts(const struct merge *m, const struct tensor *first,
                           const struct tensor **parts, struct errinfo *why)
{
    parts[0] = first;
    for (size_t s = 1; s < m->n_shards; s++) {
        parts[s] = tensor_reader_find(m->shards[s], first->name);
        if (!parts[s] || !same_form(first, parts[s])) {
            return err_set(why, ERR_CORRUPT, "shard %zu: tensor %s is %s", s,
                           first->name,
                           parts[s] ? "of another type or shape" : "missing");
        }
    }
    return ERR_OK;
}

static enum err merge_tensor(struct merge *m, const struct tensor *first,
                             const struct tensor **parts, struct errinfo *why)
{
    enum err e = find_parts(m, first, parts, why);
    if (e) {
        return e;
    }
    // calloc(0) may give NULL: one byte more is simpler than a special case.
    char *out = malloc(first->n_values * type_size(first->type) + 1);
    if (!out) {
        return err_set(why, ERR_NOMEM, "no memory for the mean of tensor %s",
                       first->name);
    }
    m->values[m->n_values++] = out;
    bool is_real = first->type == TENSOR_F32 || first->type == TENSOR_F64;
    if (is_real && !is_step_count(first)) {
        e = mean_of(parts, m->n_shards, out, why);
    } else {
        largest_of(parts, m->n_shards, out);
    }
    if (!e) {
        tensor_writer_add(m->writer, first->name, first->type, first->rank,
                          first->shape, out);
    }
    return e;
}

static enum err merge_tensors(struct merge *m, struct errinfo *why)
{
    size_t n_tensors = tensor_reader_count(m->shards[0]);
    for (size_t s = 1; s < m->n_shards; s++) {
        if (tensor_reader_count(m->shards[s]) != n_tensors) {
            return err_set(why, ERR_CORRUPT,
                           "shard %zu has %zu tensors, shard 0 has %zu", s,
                           tensor_reader_count(m->shards[s]), n_tensors);
        }
    }
    m->values = calloc(n_tensors + 1, sizeof(*m->values));
    const struct tensor **parts = calloc(m->n_shards, sizeof(struct tensor *));
    BUG_ON(!m->values || !parts);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n_tensors && !e; i++) {
        e = merge_tensor(m, tensor_reader_at(m->shards[0], i), parts, why);
    }
    free(parts);
    return e;
}

static enum err open_shards(struct merge *m, const char *const *paths,
                            struct errinfo *why)
{
    for (size_t s = 0; s < m->n_shards; s++) {
        enum err e = tensor_reader_open(paths[s], &m->shards[s], why);
        if (e) {
            return err_prefix(why, e, "shard %zu", s);
        }
    }
    return ERR_OK;
}

static void merge_fini(struct merge *m)
{
    for (size_t i = 0; i < m->n_values; i++) {
        free(m->values[i]);
    }
    free(m->values);
    for (size_t s = 0; s < m->n_shards; s++) {
        tensor_reader_close(m->shards[s]);
    }
    free(m->shards);
    tensor_writer_destroy(m->writer);
}

enum err merge_checkpoints(const char *const *paths, size_t n_paths,
                           const struct merge_note *notes, size_t n_notes,
                           const char *out_path, struct errinfo *why)
{
    BUG_ON(n_paths == 0);
    struct merge m = {.n_shards = n_paths, .writer = tensor_writer_create()};
    m.shards = calloc(n_paths, sizeof(struct tensor_reader *));
    BUG_ON(!m.shards);
    enum err e = open_shards(&m, paths, why);
    if (!e) {
        tensor_writer_copy_meta(m.writer, m.shards[0]);
        for (size_t i = 0; i < n_notes; i++) {
            tensor_writer_meta(m.writer, notes[i].key, notes[i].value);
        }
        e = merge_tensors(&m, why);
    }
    if (!e) {
        e = tensor_writer_save(m.writer, out_path, why);
    }
    merge_fini(&m);
    return e;
}
