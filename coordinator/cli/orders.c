// SPDX-License-Identifier: Apache-2.0
// orders.c - see orders.h.
#include "coordinator/cli/orders.h"

#include "coordinator/cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err say(const struct orders *of, const struct access_options *a, int what,
                    const char *name, struct errinfo *why)
{
    if (strlen(name) >= of->name_cap) {
        return err_set(why, ERR_INPUT, "no %s has so long a name: %s", of->noun, name);
    }
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    of->fill(m, what, name);
    enum err e = ask_with(a, m, MSG_ORDER_REPLY, why);
    free(m);
    return e;
}

int orders_run(const struct orders *of, const struct options *about, int what,
               const char *done, int argc, char **argv)
{
    struct access_options a = {.dir = NULL};
    const struct option table[] = {ASK_OPTIONS(&a)};
    struct options o = *about;
    struct operands operands;
    struct errinfo why = {0};
    int status = 0;
    o.operands = "NAME";
    o.table = table;
    o.n_options = sizeof(table) / sizeof(table[0]);
    o.min_operands = o.max_operands = 1;
    if (!options_parse(&o, argc, argv, &operands, &status)) {
        return status;
    }
    why.code = say(of, &a, what, operands.items[0], &why);
    if (why.code != ERR_OK) {
        return options_fail(o.command, &why);
    }
    printf("%s %s %s\n", of->noun, operands.items[0], done);
    return 0;
}
