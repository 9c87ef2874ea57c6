// SPDX-License-Identifier: Apache-2.0
// doubles.h - tensors of doubles in predictor files, read and written exactly.
//
// Owns: nothing. Threads: any.
#ifndef COORDINATOR_PREDICT_DOUBLES_H
#define COORDINATOR_PREDICT_DOUBLES_H

#include "common/blob/tensorfile.h"

// Aborts on no memory; all zero.
double *doubles_create(size_t n);

// A matrix of n_rows, or a list where n_columns is 0; borrowed until it is written.
void doubles_add(struct tensor_writer *w, const char *name, const double *values,
                 size_t n_rows, size_t n_columns);

// ERR_CORRUPT unless the tensor is there, of doubles, with n finite values.
MUST_CHECK enum err doubles_read(const struct tensor_reader *r, const char *name,
                                 double *out, size_t n, struct errinfo *why);

#endif
