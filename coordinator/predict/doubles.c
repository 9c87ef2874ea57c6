// SPDX-License-Identifier: Apache-2.0
// doubles.c - see doubles.h.
#include "coordinator/predict/doubles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double *doubles_create(size_t n)
{
    double *p = calloc(n + 1, sizeof(*p));
    BUG_ON(!p);
    return p;
}

void doubles_add(struct tensor_writer *w, const char *name, const double *values,
                 size_t n_rows, size_t n_columns)
{
    const int64_t shape[] = {(int64_t)n_rows, (int64_t)n_columns};
    tensor_writer_add(w, name, TENSOR_F64, n_columns ? 2 : 1, shape, values);
}

enum err doubles_read(const struct tensor_reader *r, const char *name, double *out,
                      size_t n, struct errinfo *why)
{
    const struct tensor *t = tensor_reader_find(r, name);
    if (!t) {
        return err_set(why, ERR_CORRUPT, "no tensor %s", name);
    }
    if (t->type != TENSOR_F64 || t->n_values != n) {
        return err_set(why, ERR_CORRUPT, "tensor %s is not %zu doubles (F64)", name, n);
    }
    memcpy(out, t->data, n * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(out[i])) {
            return err_set(why, ERR_CORRUPT,
                           "tensor %s holds a value that is not finite", name);
        }
    }
    return ERR_OK;
}
