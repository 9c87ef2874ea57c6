// SPDX-License-Identifier: Apache-2.0
// registry.c - the kinds of predictor there are.
#include "coordinator/predict/predictor_type.h"

#include <string.h>

static const struct predictor_type *const types[PREDICTOR_KINDS] = {
    &predictor_mlp,
    &predictor_ridge,
    &predictor_gp,
};

const struct predictor_type *predictor_type_find(const char *name)
{
    for (size_t i = 0; i < PREDICTOR_KINDS; i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}

const struct predictor_type *predictor_type_at(size_t i)
{
    BUG_ON(i >= PREDICTOR_KINDS);
    return types[i];
}

const char *predictor_type_names(void)
{
    return "mlp, ridge, gp";
}
