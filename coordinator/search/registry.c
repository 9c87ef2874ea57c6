// SPDX-License-Identifier: Apache-2.0
// registry.c - the table of search strategies.
#include "coordinator/search/strategy.h"

#include <string.h>

static const struct strategy_type *const types[] = {
    &strategy_random, &strategy_evolution, &strategy_mpea,
    &strategy_nsga2,  &strategy_bayes,
};

const char *const strategy_names[] = {
    "random", "evolution", "mpea", "nsga2", "bayes", NULL,
};

const struct strategy_type *strategy_type_find(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}
