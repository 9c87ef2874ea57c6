// SPDX-License-Identifier: Apache-2.0
// passes_best.c - which build of passes.c suits this machine.
#include "worker/kernels/blas/passes.h"

extern const struct passes passes_portable;

#ifdef PASSES_X86
extern const struct passes passes_avx2;
extern const struct passes passes_avx512;
#endif

const struct passes *passes_best(void)
{
#ifdef PASSES_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("fma")) {
        return &passes_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return &passes_avx2;
    }
#endif
    return &passes_portable;
}
