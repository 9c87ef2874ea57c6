// SPDX-License-Identifier: Apache-2.0
// cmd_worker.c - `voxarch worker drain|release NAME`: sends a worker away, lets one in.
#include "coordinator/cli/ask.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err order(const struct access_options *a, enum worker_order what,
                      const char *name, struct errinfo *why)
{
    struct msg *m = calloc(1, sizeof(*m)); // too large for the stack
    BUG_ON(!m);
    m->kind = MSG_WORKER_ORDER;
    m->worker_order.order = what;
    enum err e = ERR_OK;
    if (strlen(name) >= sizeof(m->worker_order.name)) {
        e = err_set(why, ERR_INPUT, "no worker has so long a name: %s", name);
    }
    if (e == ERR_OK) {
        memcpy(m->worker_order.name, name, strlen(name) + 1);
        e = ask_with(a, m, MSG_ORDER_REPLY, why);
    }
    free(m);
    return e;
}

static int run(const struct options *about, enum worker_order what, const char *done,
               int argc, char **argv)
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
    why.code = order(&a, what, operands.items[0], &why);
    if (why.code != ERR_OK) {
        return options_fail(o.command, &why);
    }
    printf("%s %s\n", operands.items[0], done);
    return 0;
}

static int worker_drain(int argc, char **argv)
{
    static const struct options about = {
        .command = "voxarch worker drain",
        .summary = "Gives a worker nothing more: it finishes what it holds and exits.\n"
                   "Workers of that name stay away until voxarch worker release.",
        .examples = "  voxarch worker drain gpu-1 --dir /var/lib/voxarch\n"};
    return run(
        &about, WORKER_DRAIN,
        "is drained: it finishes what it holds and exits; voxarch worker release "
        "lets it back in",
        argc, argv);
}

static int worker_release(int argc, char **argv)
{
    static const struct options about = {
        .command = "voxarch worker release",
        .summary = "Lets a worker back in that was quarantined or drained. What it "
                   "failed before is forgotten.",
        .examples = "  voxarch worker release gpu-1 --dir /var/lib/voxarch\n"};
    return run(&about, WORKER_RELEASE, "is given tasks again", argc, argv);
}

int cmd_worker(int argc, char **argv)
{
    static const struct verb verbs[] = {{"drain", worker_drain, "NAME"},
                                        {"release", worker_release, "NAME"}};
    return verbs_run("voxarch worker", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
                     argv);
}
