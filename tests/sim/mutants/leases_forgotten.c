// SPDX-License-Identifier: Apache-2.0
// leases_forgotten.c - a planted bug: a coordinator that begins anew does not look for
// the tasks that are leased.
#include "coordinator/store/task.h"
#include "tests/sim/sim_wrap.h"

enum err real_task_each(struct store *s, uint64_t study_id, enum task_state state,
                        task_visit_fn *fn, void *arg, struct errinfo *why)
    SIM_REAL(task_each);
enum err planted_task_each(struct store *s, uint64_t study_id, enum task_state state,
                           task_visit_fn *fn, void *arg, struct errinfo *why)
    SIM_WRAP(task_each);

enum err planted_task_each(struct store *s, uint64_t study_id, enum task_state state,
                           task_visit_fn *fn, void *arg, struct errinfo *why)
{
    return state == TASK_LEASED ? ERR_OK
                                : real_task_each(s, study_id, state, fn, arg, why);
}
