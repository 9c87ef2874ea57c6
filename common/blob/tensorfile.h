// SPDX-License-Identifier: Apache-2.0
// tensorfile.h - safetensors: named tensors in one file, with string metadata.
//
// Layout: 8-byte little-endian header length, a JSON header (name -> dtype, shape,
// data_offsets; "__metadata__" -> strings), then the data. The header is hostile input:
// length, shapes, offsets and overlaps are checked before anything is believed.
// Source: https://huggingface.co/docs/safetensors (format section).
//
// Owns: a reader owns its memory map; a writer owns what was added. Threads: one at a
// time; a reader may be shared for reading.
#ifndef COMMON_BLOB_TENSORFILE_H
#define COMMON_BLOB_TENSORFILE_H

#include "common/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define TENSOR_RANK_MAX 4
#define TENSOR_NAME_MAX 128

enum tensor_type { TENSOR_F32, TENSOR_F64, TENSOR_I32, TENSOR_I64, TENSOR_U8 };

struct tensor {
    const char *name; // lives as long as the reader
    enum tensor_type type;
    int rank;
    int64_t shape[TENSOR_RANK_MAX];
    size_t n_values;
    const void *data; // in the map; not necessarily aligned: use tensor_read_f32
};

struct tensor_reader;

// ERR_NOTFOUND, ERR_IO, ERR_CORRUPT (says what does not hold).
MUST_CHECK enum err tensor_reader_open(const char *path, struct tensor_reader **out,
                                       struct errinfo *why);
void tensor_reader_close(struct tensor_reader *r); // NULL is fine
size_t tensor_reader_count(const struct tensor_reader *r);
const struct tensor *tensor_reader_at(const struct tensor_reader *r, size_t i);
const struct tensor *tensor_reader_find(const struct tensor_reader *r,
                                        const char *name);
const char *tensor_reader_meta(const struct tensor_reader *r,
                               const char *key); // or NULL

// Copies a tensor as 32-bit floats (F32, F64, I32, I64 convert). ERR_CORRUPT when the
// tensor is missing or does not have exactly n values.
MUST_CHECK enum err tensor_read_f32(const struct tensor_reader *r, const char *name,
                                    float *out, size_t n, struct errinfo *why);

struct tensor_writer;

struct tensor_writer *tensor_writer_create(void);
void tensor_writer_destroy(struct tensor_writer *w); // NULL is fine
void tensor_writer_meta(struct tensor_writer *w, const char *key, const char *value);
// All of a file's metadata; what is there under the same key is replaced.
void tensor_writer_copy_meta(struct tensor_writer *w, const struct tensor_reader *r);
// Borrows `data` until the file is written.
void tensor_writer_add(struct tensor_writer *w, const char *name, enum tensor_type type,
                       int rank, const int64_t *shape, const void *data);
// Writes in the order added, synced. The same content gives the same bytes. ERR_IO;
// ERR_LIMIT: the header (with copied metadata) is larger than a reader takes.
MUST_CHECK enum err tensor_writer_save(const struct tensor_writer *w, const char *path,
                                       struct errinfo *why);

#endif
