// SPDX-License-Identifier: Apache-2.0
// cmd_explain.c - `voxarch explain TASK`: why a task is not running, or where it is.
#include "coordinator/cli/ask.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/ids.h"

#include <stdio.h>
#include <stdlib.h>

int cmd_explain(int argc, char **argv)
{
    struct access_options a = {.dir = NULL};
    const struct option table[] = {ASK_OPTIONS(&a)};
    const struct options o = {
        .command = "voxarch explain",
        .operands = "TASK",
        .summary = "Says in sentences why a task is not running, or where it is, and "
                   "how it failed last.\nvoxarch task list has the numbers.",
        .examples = "  voxarch explain 17 --dir runs/demo\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
        .min_operands = 1,
        .max_operands = 1};
    struct operands operands;
    int status = 0;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    struct errinfo why = {0};
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    m->kind = MSG_EXPLAIN;
    enum err e = ids_parse(operands.items[0], &m->explain.task_id, &why);
    if (e == ERR_OK) {
        e = ask_with(&a, m, MSG_EXPLAIN_REPLY, &why);
    }
    if (e == ERR_OK) {
        fputs(m->explain_reply.text, stdout);
    }
    free(m);
    why.code = e;
    return e == ERR_OK ? 0 : options_fail(o.command, &why);
}
