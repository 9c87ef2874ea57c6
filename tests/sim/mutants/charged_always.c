// SPDX-License-Identifier: Apache-2.0
// charged_always.c - a planted bug: an attempt is charged also when it never started.
#include "coordinator/sched/retry.h"
#include "tests/sim/sim_wrap.h"

bool planted_retry_is_charged(enum outcome outcome, bool has_started)
    SIM_WRAP(retry_is_charged);

bool planted_retry_is_charged(enum outcome outcome, bool has_started)
{
    (void)outcome;
    (void)has_started;
    return true;
}
