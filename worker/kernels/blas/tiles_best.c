// SPDX-License-Identifier: Apache-2.0
// tiles_best.c - which build of tiles.c this machine can run; see tiles.h.
#include "worker/kernels/blas/tiles.h"

#ifdef PASSES_X86
extern tiles_fn tiles_avx2;
extern tiles_fn tiles_avx512;
#endif

tiles_fn *tiles_best(void)
{
#ifdef PASSES_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
        return tiles_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return tiles_avx2;
    }
#endif
    return NULL;
}
