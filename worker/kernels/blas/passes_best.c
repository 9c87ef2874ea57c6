// SPDX-License-Identifier: Apache-2.0
// passes_best.c - which builds of passes.c this machine can run; see passes.h.
#include "worker/kernels/blas/passes.h"

extern const struct passes passes_portable;

#ifdef PASSES_X86
extern const struct passes passes_avx2;
extern const struct passes passes_avx512;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq");
}
#endif

const struct passes *passes_at(size_t i)
{
#ifdef PASSES_X86
    if (has_avx512() && i-- == 0) {
        return &passes_avx512;
    }
    if (has_avx2() && i-- == 0) {
        return &passes_avx2;
    }
#endif
    return i == 0 ? &passes_portable : NULL;
}
