// SPDX-License-Identifier: Apache-2.0
// token_unchecked.c - a planted bug: a result counts whatever its token is.
#include "coordinator/store/task.h"
#include "tests/sim/sim_wrap.h"

enum err real_task_settle(struct store *s, uint64_t id, uint64_t token,
                          const struct task_result *result, struct errinfo *why)
    SIM_REAL(task_settle);
enum err planted_task_settle(struct store *s, uint64_t id, uint64_t token,
                             const struct task_result *result, struct errinfo *why)
    SIM_WRAP(task_settle);

enum err planted_task_settle(struct store *s, uint64_t id, uint64_t token,
                             const struct task_result *result, struct errinfo *why)
{
    struct task_row row;
    bool is_leased = task_get(s, id, &row) == ERR_OK && row.state == TASK_LEASED;
    return real_task_settle(s, id, is_leased ? row.token : token, result, why);
}
