// SPDX-License-Identifier: Apache-2.0
// checkpoint.c - see checkpoint.h. In files convolutions are [out][in][taps]; in memory
// they are tap-major, so they are turned on the way through a scratch block.
#include "worker/supernet/checkpoint.h"

#include "common/blob/tensorfile.h"
#include "common/space/complexity.h"
#include "worker/supernet/naming.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACS_FRAMES 300 // the length the "macs" of a file's metadata are counted at
#define NUMBER_MAX  24

struct dims_row {
    const char *key;
    size_t at;
    bool is_optional; // the first files have none of it: 0
};

#define ROW(field)                                              \
    {                                                           \
        "dims." #field, offsetof(struct net_dims, field), false \
    }

static const struct dims_row dims_rows[] = {
    ROW(n_mels),          ROW(max_depth),
    ROW(max_width),       ROW(max_kernel),
    ROW(max_cat),         ROW(n_embed),
    ROW(res2_scale),      ROW(se_reduction),
    ROW(pool_bottleneck), {"dims.input", offsetof(struct net_dims, input), true},
};
#define N_DIMS (sizeof(dims_rows) / sizeof(dims_rows[0]))

static int *dims_field(struct net_dims *d, size_t i)
{
    return (int *)(void *)((char *)d + dims_rows[i].at);
}

// ---------------------------------------------------------------- tap order

// [taps][out * in] <-> [out * in][taps]; a plain copy for one tap.
static void to_file_order(const float *memory, size_t n, int taps, float *file)
{
    size_t n_rows = n / (size_t)taps;
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t t = 0; t < (size_t)taps; t++) {
            file[row * (size_t)taps + t] = memory[t * n_rows + row];
        }
    }
}

static void to_memory_order(const float *file, size_t n, int taps, float *memory)
{
    size_t n_rows = n / (size_t)taps;
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t t = 0; t < (size_t)taps; t++) {
            memory[t * n_rows + row] = file[row * (size_t)taps + t];
        }
    }
}

// ---------------------------------------------------------------- saving

// What is being written, and the turned copies the writer borrows until it is saved.
struct saving {
    struct tensor_writer *writer;
    float *turned;
    size_t n_turned;
};

static struct saving saving_begin(size_t n_floats)
{
    struct saving s = {.writer = tensor_writer_create(),
                       .turned = malloc((n_floats + 1) * sizeof(float))};
    BUG_ON(!s.turned);
    return s;
}

static enum err saving_end(struct saving *s, const char *path, struct errinfo *why)
{
    enum err e = tensor_writer_save(s->writer, path, why);
    tensor_writer_destroy(s->writer);
    free(s->turned);
    return e;
}

static const char *full_name(char out[static TENSOR_NAME_MAX], const char *prefix,
                             const char *name)
{
    int n = snprintf(out, TENSOR_NAME_MAX, "%s%s", prefix, name);
    BUG_ON(n < 0 || n >= TENSOR_NAME_MAX);
    return out;
}

static void save_turned(struct saving *s, const char *name, int rank,
                        const int64_t *shape, const float *memory)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++) {
        n *= (size_t)shape[i];
    }
    float *file = s->turned + s->n_turned;
    s->n_turned += n;
    to_file_order(memory, n, rank == 3 ? (int)shape[2] : 1, file);
    tensor_writer_add(s->writer, name, TENSOR_F32, rank, shape, file);
}

static void save_block(struct saving *s, const struct supernet *net, const char *prefix,
                       const float *block)
{
    for (int i = 0; i < net->n_tensors; i++) {
        const struct supernet_tensor *t = &net->tensors[i];
        const int64_t shape[] = {t->shape[0], t->shape[1], t->shape[2]};
        char name[TENSOR_NAME_MAX];
        bool is_foreign = t->at == net->classifier_at && block == net->values;
        full_name(name, is_foreign ? "" : prefix, t->name); // "aam.W" stands alone
        save_turned(s, name, t->rank, shape, block + t->at);
    }
}

static void save_stats(struct saving *s, const struct layout *l, const float *stats)
{
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        if (t->is_stat) {
            char name[TENSOR_NAME_MAX];
            const int64_t n = t->out;
            tensor_writer_add(s->writer, full_name(name, "weights.", t->name),
                              TENSOR_F32, 1, &n, stats + t->at);
        }
    }
}

static void note_number(struct tensor_writer *w, const char *key, uint64_t value)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    tensor_writer_meta(w, key, text);
}

static void save_notes(struct tensor_writer *w, const char *format,
                       const struct layout *l, const struct checkpoint_note *notes,
                       size_t n_notes)
{
    char architecture[ARCH_STRING_MAX];
    struct net_dims dims = l->dims;
    struct complexity c = complexity_of(&l->arch, &l->dims, MACS_FRAMES);
    tensor_writer_meta(w, "format", format);
    tensor_writer_meta(w, "made_by", "voxarch " VOXARCH_VERSION);
    tensor_writer_meta(w, "architecture", arch_print(&l->arch, architecture));
    for (size_t i = 0; i < N_DIMS; i++) {
        note_number(w, dims_rows[i].key, (uint64_t)*dims_field(&dims, i));
    }
    note_number(w, "params", c.params);
    note_number(w, "macs", c.macs);
    note_number(w, "macs_frames", MACS_FRAMES);
    for (size_t i = 0; i < n_notes; i++) {
        tensor_writer_meta(w, notes[i].key, notes[i].value);
    }
}

enum err checkpoint_save(const struct supernet *s, const char *path,
                         const struct checkpoint_note *notes, size_t n_notes,
                         struct errinfo *why)
{
    struct saving saving = saving_begin(3 * s->n_values);
    save_notes(saving.writer, "voxarch.supernet", &s->layout, notes, n_notes);
    note_number(saving.writer, "n_classes", (uint64_t)s->n_classes);
    for (int i = 0; i < s->n_tensors; i++) { // 8 bytes each: first, so all is aligned
        char name[TENSOR_NAME_MAX];
        tensor_writer_add(saving.writer,
                          full_name(name, "adam.step.", s->tensors[i].name), TENSOR_I64,
                          0, NULL, &s->steps[i]);
    }
    save_block(&saving, s, "weights.", s->values);
    save_stats(&saving, &s->layout, s->stats);
    save_block(&saving, s, "adam.m.", s->m);
    save_block(&saving, s, "adam.v.", s->v);
    return saving_end(&saving, path, why);
}

enum err checkpoint_save_dense(const struct layout *l, const float *weights,
                               const float *stats, const char *path,
                               const struct checkpoint_note *notes, size_t n_notes,
                               struct errinfo *why)
{
    struct saving saving = saving_begin(l->n_weights);
    save_notes(saving.writer, "voxarch.dense", l, notes, n_notes);
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        if (!t->is_stat) {
            char name[TENSOR_NAME_MAX];
            int64_t shape[3];
            int rank = naming_shape(t, shape);
            save_turned(&saving, full_name(name, "weights.", t->name), rank, shape,
                        weights + t->at);
        }
    }
    save_stats(&saving, l, stats);
    return saving_end(&saving, path, why);
}

// ---------------------------------------------------------------- loading

static enum err check_shape(const struct tensor *t, int rank, const int64_t *shape,
                            struct errinfo *why)
{
    bool fits = t->rank == rank;
    for (int i = 0; fits && i < rank; i++) {
        fits = t->shape[i] == shape[i];
    }
    return fits
               ? ERR_OK
               : err_set(why, ERR_CORRUPT, "tensor %s has another shape here", t->name);
}

// Reads a float tensor of exactly this shape, turned, and finite throughout.
static enum err load_turned(const struct tensor_reader *r, const char *name, int rank,
                            const int64_t *shape, float *memory, struct errinfo *why)
{
    const struct tensor *t = tensor_reader_find(r, name);
    if (!t) {
        return err_set(why, ERR_CORRUPT, "no tensor %s", name);
    }
    enum err e = check_shape(t, rank, shape, why);
    if (e != ERR_OK) {
        return e;
    }
    float *file = malloc((t->n_values + 1) * sizeof(float));
    if (!file) {
        return err_set(why, ERR_NOMEM, "no memory for tensor %s", name);
    }
    e = tensor_read_f32(r, name, file, t->n_values, why);
    for (size_t i = 0; e == ERR_OK && i < t->n_values; i++) {
        if (!isfinite(file[i])) {
            e = err_set(why, ERR_CORRUPT, "tensor %s is not finite", name);
        }
    }
    if (e == ERR_OK) {
        to_memory_order(file, t->n_values, rank == 3 ? (int)shape[2] : 1, memory);
    }
    free(file);
    return e;
}

static enum err check_not_negative(const char *name, const float *values, size_t n,
                                   struct errinfo *why)
{
    for (size_t i = 0; i < n; i++) {
        if (values[i] < 0) {
            return err_set(why, ERR_CORRUPT, "tensor %s is negative somewhere", name);
        }
    }
    return ERR_OK;
}

static enum err load_block(const struct tensor_reader *r, const struct supernet *net,
                           const char *prefix, float *block, struct errinfo *why)
{
    for (int i = 0; i < net->n_tensors; i++) {
        const struct supernet_tensor *t = &net->tensors[i];
        const int64_t shape[] = {t->shape[0], t->shape[1], t->shape[2]};
        char name[TENSOR_NAME_MAX];
        bool is_foreign = t->at == net->classifier_at && block == net->values;
        full_name(name, is_foreign ? "" : prefix, t->name);
        enum err e = load_turned(r, name, t->rank, shape, block + t->at, why);
        if (e == ERR_OK && block == net->v) { // means of squares
            const struct tensor *moment = tensor_reader_find(r, name);
            e = check_not_negative(name, block + t->at, moment->n_values, why);
        }
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static enum err load_stats(const struct tensor_reader *r, const struct layout *l,
                           float *stats, struct errinfo *why)
{
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        if (!t->is_stat) {
            continue;
        }
        char name[TENSOR_NAME_MAX];
        const int64_t n = t->out;
        enum err e = load_turned(r, full_name(name, "weights.", t->name), 1, &n,
                                 stats + t->at, why);
        if (e == ERR_OK && naming_role_of(l, t) == NAMING_BN_VARIANCE) {
            e = check_not_negative(name, stats + t->at, (size_t)t->out, why);
        }
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static enum err load_step(const struct tensor_reader *r, const char *tensor,
                          uint64_t *step, struct errinfo *why)
{
    char name[TENSOR_NAME_MAX];
    const struct tensor *t =
        tensor_reader_find(r, full_name(name, "adam.step.", tensor));
    if (!t || t->type != TENSOR_I64 || t->n_values != 1) {
        return err_set(why, ERR_CORRUPT, "%s is not one I64", name);
    }
    int64_t value = 0;
    memcpy(&value, t->data, sizeof(value));
    if (value < 0) {
        return err_set(why, ERR_CORRUPT, "%s is negative", name);
    }
    *step = (uint64_t)value;
    return ERR_OK;
}

static bool has_moments(const struct tensor_reader *r)
{
    for (size_t i = 0; i < tensor_reader_count(r); i++) {
        if (strncmp(tensor_reader_at(r, i)->name, "adam.step.", 10) == 0) {
            return true;
        }
    }
    return false;
}

static enum err load_moments(const struct tensor_reader *r, struct supernet *s,
                             struct errinfo *why)
{
    memset(s->m, 0, s->n_values * sizeof(float));
    memset(s->v, 0, s->n_values * sizeof(float));
    memset(s->steps, 0, (size_t)s->n_tensors * sizeof(*s->steps));
    if (!has_moments(r)) {
        return ERR_OK;
    }
    for (int i = 0; i < s->n_tensors; i++) {
        enum err e = load_step(r, s->tensors[i].name, &s->steps[i], why);
        if (e != ERR_OK) {
            return e;
        }
    }
    enum err e = load_block(r, s, "adam.m.", s->m, why);
    return e == ERR_OK ? load_block(r, s, "adam.v.", s->v, why) : e;
}

enum err checkpoint_load(struct supernet *s, const char *path, struct errinfo *why)
{
    struct tensor_reader *r = NULL;
    enum err e = tensor_reader_open(path, &r, why);
    if (e != ERR_OK) {
        return e;
    }
    e = load_block(r, s, "weights.", s->values, why);
    if (e == ERR_OK) {
        e = load_stats(r, &s->layout, s->stats, why);
    }
    if (e == ERR_OK) {
        e = load_moments(r, s, why);
    }
    tensor_reader_close(r);
    return e == ERR_OK ? e : err_prefix(why, e, "%s", path);
}

static enum err load_number(const struct tensor_reader *r, const char *key, int *out,
                            struct errinfo *why)
{
    const char *text = tensor_reader_meta(r, key);
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : -1;
    if (!text || end == text || *end != '\0' || value < 0 || value > INT32_MAX) {
        return err_set(why, ERR_CORRUPT, "metadata %s is not a size", key);
    }
    *out = (int)value;
    return ERR_OK;
}

static enum err load_layout(const struct tensor_reader *r, struct layout *l,
                            struct errinfo *why)
{
    struct net_dims dims = {0};
    for (size_t i = 0; i < N_DIMS; i++) {
        if (dims_rows[i].is_optional && !tensor_reader_meta(r, dims_rows[i].key)) {
            continue;
        }
        enum err e = load_number(r, dims_rows[i].key, dims_field(&dims, i), why);
        if (e != ERR_OK) {
            return e;
        }
    }
    const char *text = tensor_reader_meta(r, "architecture");
    struct arch a;
    if (!text) {
        return err_set(why, ERR_CORRUPT, "metadata names no architecture");
    }
    if (dims_check(&dims, why) != ERR_OK || arch_parse(text, &a, why) != ERR_OK ||
        arch_fits(&a, &dims, why) != ERR_OK) {
        return err_prefix(why, ERR_CORRUPT, "metadata");
    }
    layout_build(l, &dims, &a);
    return ERR_OK;
}

static enum err load_dense(const struct tensor_reader *r, const struct layout *l,
                           float *weights, float *stats, struct errinfo *why)
{
    for (int i = 0; i < l->n_tensors; i++) {
        const struct layout_tensor *t = &l->tensors[i];
        if (t->is_stat) {
            continue;
        }
        char name[TENSOR_NAME_MAX];
        int64_t shape[3];
        int rank = naming_shape(t, shape);
        enum err e = load_turned(r, full_name(name, "weights.", t->name), rank, shape,
                                 weights + t->at, why);
        if (e != ERR_OK) {
            return e;
        }
    }
    return load_stats(r, l, stats, why);
}

static enum err load_all(const struct tensor_reader *r, struct layout *l,
                         float **weights, float **stats, struct errinfo *why)
{
    enum err e = load_layout(r, l, why);
    if (e != ERR_OK) {
        return e;
    }
    *weights = calloc(l->n_weights, sizeof(float));
    *stats = calloc(l->n_stats, sizeof(float));
    if (!*weights || !*stats) {
        return err_set(why, ERR_NOMEM, "no memory for %zu weights", l->n_weights);
    }
    return load_dense(r, l, *weights, *stats, why);
}

enum err checkpoint_load_dense(const char *path, struct layout *l, float **weights,
                               float **stats, struct errinfo *why)
{
    *weights = NULL;
    *stats = NULL;
    struct tensor_reader *r = NULL;
    enum err e = tensor_reader_open(path, &r, why);
    if (e != ERR_OK) {
        return e;
    }
    e = load_all(r, l, weights, stats, why);
    tensor_reader_close(r);
    if (e == ERR_OK) {
        return e;
    }
    free(*weights);
    free(*stats);
    *weights = NULL;
    *stats = NULL;
    return err_prefix(why, e, "%s", path);
}
