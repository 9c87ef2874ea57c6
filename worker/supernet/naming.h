// SPDX-License-Identifier: Apache-2.0
// naming.h - what the name of a layout tensor says about it: role and checkpoint shape.
//
// Names are those of the authors' program, so the field's conventions hold: a BN has
// weight, bias, running_mean and running_var under one prefix; convolutions end in
// ".conv.weight" and have three axes in files, linears two.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_SUPERNET_NAMING_H
#define WORKER_SUPERNET_NAMING_H

#include "worker/nn/layout.h"

#include <stdint.h>

enum naming_role {
    NAMING_CONV,        // [out][in][taps] in files, [taps][out][in] in memory
    NAMING_LINEAR,      // [out][in]
    NAMING_LINEAR_BIAS, // [out]
    NAMING_BN_SCALE,
    NAMING_BN_SHIFT,
    NAMING_BN_MEAN,
    NAMING_BN_VARIANCE,
};

enum naming_role naming_role_of(const struct layout *l, const struct layout_tensor *t);

// The tensor under the same prefix: ("a.bias", "weight") -> "a.weight"; NULL if none.
const struct layout_tensor *
naming_sibling(const struct layout *l, const struct layout_tensor *t, const char *leaf);

// Its shape in files; returns the rank.
int naming_shape(const struct layout_tensor *t, int64_t shape[static 3]);

#endif
