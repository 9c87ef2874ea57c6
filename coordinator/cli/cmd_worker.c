// SPDX-License-Identifier: Apache-2.0
// cmd_worker.c - `voxarch worker drain|release NAME`: sends a worker away, lets one in.
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/orders.h"
#include "coordinator/cli/verbs.h"

#include <stdio.h>

static void fill(struct msg *m, int what, const char *name)
{
    m->kind = MSG_WORKER_ORDER;
    m->worker_order.order = (enum worker_order)what;
    snprintf(m->worker_order.name, sizeof(m->worker_order.name), "%s", name);
}

static const struct orders workers = {.noun = "worker",
                                      .name_cap =
                                          sizeof(((struct msg_worker_order *)0)->name),
                                      .fill = fill};

static int worker_drain(int argc, char **argv)
{
    static const struct options about = {
        .command = "voxarch worker drain",
        .summary = "Gives a worker nothing more: it finishes what it holds and exits.\n"
                   "Workers of that name stay away until voxarch worker release.",
        .examples = "  voxarch worker drain gpu-1 --dir /var/lib/voxarch\n"};
    return orders_run(
        &workers, &about, WORKER_DRAIN,
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
    return orders_run(&workers, &about, WORKER_RELEASE, "is given tasks again", argc,
                      argv);
}

int cmd_worker(int argc, char **argv)
{
    static const struct verb verbs[] = {{"drain", worker_drain, "NAME"},
                                        {"release", worker_release, "NAME"}};
    return verbs_run("voxarch worker", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
                     argv);
}
