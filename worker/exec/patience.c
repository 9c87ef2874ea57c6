// SPDX-License-Identifier: Apache-2.0
// patience.c - see patience.h.
#include "worker/exec/patience.h"

int64_t patience_run_ms(const struct task_spec *spec)
{
    if (spec->run_s > 0) {
        return (int64_t)spec->run_s * 1000;
    }
    if (spec->kind == TASK_MEASURE) {
        return (int64_t)PATIENCE_MEASURE_S * 1000 +
               (int64_t)PATIENCE_MEASURE_TIMES * spec->measure.budget_ms;
    }
    return (int64_t)PATIENCE_DAY_S * 1000;
}
