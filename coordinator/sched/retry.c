// SPDX-License-Identifier: Apache-2.0
// retry.c - see retry.h.
#include "coordinator/sched/retry.h"

#include "common/base/rng.h"

uint32_t retry_bury_workers(uint32_t n_capable)
{
    if (n_capable >= RETRY_BURY_WORKERS) {
        return RETRY_BURY_WORKERS;
    }
    return n_capable > 1 ? n_capable : 1;
}

bool retry_is_charged(enum outcome outcome, bool has_started)
{
    if (outcome == OUTCOME_LOST) {
        return has_started;
    }
    return outcome > OUTCOME_OK;
}

static int64_t bound_ms(uint32_t n_charged)
{
    int64_t bound = RETRY_BASE_MS;
    for (uint32_t i = 1; i < n_charged && bound < RETRY_CAP_MS; i++) {
        bound *= 2;
    }
    return bound < RETRY_CAP_MS ? bound : RETRY_CAP_MS;
}

int64_t retry_delay_ms(uint64_t task_id, uint64_t token, uint32_t n_charged)
{
    if (n_charged == 0) {
        return 0;
    }
    struct rng r = rng_stream(0, RNG_JITTER, task_id, token);
    return (int64_t)rng_below(&r, (uint64_t)bound_ms(n_charged) + 1);
}
