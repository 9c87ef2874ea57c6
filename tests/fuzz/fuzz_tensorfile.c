// SPDX-License-Identifier: Apache-2.0
// fuzz_tensorfile.c - safetensors files: every value that is promised can be read.
#include "common/blob/tensorfile.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void read_all(const struct tensor_reader *r)
{
    for (size_t i = 0; i < tensor_reader_count(r); i++) {
        const struct tensor *t = tensor_reader_at(r, i);
        BUG_ON(t->rank < 0 || t->rank > TENSOR_RANK_MAX);
        float *values = malloc((t->n_values + 1) * sizeof(*values));
        BUG_ON(!values);
        enum err e = tensor_read_f32(r, t->name, values, t->n_values, NULL);
        BUG_ON(e != ERR_OK && e != ERR_CORRUPT);
        free(values);
    }
    (void)tensor_reader_meta(r, "format");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct tensor_reader *r = NULL;
    struct errinfo why = {0};
    if (tensor_reader_open(fuzz_file(data, n), &r, &why) == ERR_OK) {
        read_all(r);
        tensor_reader_close(r);
    }
    return 0;
}
