// SPDX-License-Identifier: Apache-2.0
// mel_loops_best.c - the tables of the transform, and which builds of mel_loops.c this
// machine can run; see mel_loops.h.
#include "worker/data/mel_loops.h"

#include <math.h>
#include <stdbool.h>

extern const struct mel_loops mel_loops_portable;

#ifdef MEL_LOOPS_X86
extern const struct mel_loops mel_loops_avx2;
extern const struct mel_loops mel_loops_avx512;

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

const struct mel_loops *mel_loops_at(size_t i)
{
#ifdef MEL_LOOPS_X86
    if (has_avx512() && i-- == 0) {
        return &mel_loops_avx512;
    }
    if (has_avx2() && i-- == 0) {
        return &mel_loops_avx2;
    }
#endif
    return i == 0 ? &mel_loops_portable : NULL;
}

static struct mel_turn turn_by(double angle)
{
    return (struct mel_turn){(float)cos(angle), (float)-sin(angle)};
}

void mel_plan_turns(struct mel_plan *p)
{
    for (int i = 0; i < MEL_N_COMPLEX; i++) {
        p->turns[i] = turn_by(2.0 * M_PI * i / MEL_N_COMPLEX);
        int reversed = 0; // its digits of two bits, the last first
        for (int rest = i, n = MEL_N_COMPLEX; n > 1; n /= 4, rest /= 4) {
            reversed = 4 * reversed + rest % 4;
        }
        p->place[i] = (uint16_t)reversed;
    }
    for (int k = 0; k < MEL_N_BINS; k++) {
        p->half_turns[k] = turn_by(2.0 * M_PI * k / MEL_N_FFT);
    }
}
