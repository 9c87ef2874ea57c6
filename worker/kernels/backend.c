// SPDX-License-Identifier: Apache-2.0
// backend.c - see backend.h.
#include "worker/kernels/backend.h"

#include "common/base/err.h"
#include "worker/kernels/blas/blas.h"
#include "worker/kernels/ref/ref.h"

#include <string.h>

static const struct kernels *const backends[] = {&ref_kernels, &blas_kernels};

const struct kernels *backend_find(const char *name)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

const char *backend_name_at(size_t i)
{
    return i < sizeof(backends) / sizeof(backends[0]) ? backends[i]->name : NULL;
}

const char *backend_library(void)
{
    return blas_library();
}

void backend_set_threads(int n_threads)
{
    BUG_ON(n_threads < 1);
    blas_set_threads(n_threads);
}

void backend_warm_up(void)
{
    enum { N = 128 }; // small ones need no buffer
    static float a[N * N];
    static float b[N * N];
    static float c[N * N];
    blas_library_product(N, a, b, c, 1);
}
