// SPDX-License-Identifier: Apache-2.0
// orders.h - what the commands share that say one word about one named thing: `voxarch
// worker drain NAME`, `voxarch study pause NAME`.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_CLI_ORDERS_H
#define COORDINATOR_CLI_ORDERS_H

#include "common/base/options.h"
#include "proto/msg.h"

struct orders {
    const char *noun; // "worker"
    size_t name_cap;  // of the message's name, its end included
    void (*fill)(struct msg *m, int what, const char *name);
};

// Parses NAME and where the coordinator is, says `what` of it, and prints that it
// `done`: "is paused". `about` has command, summary and examples. The exit status.
int orders_run(const struct orders *of, const struct options *about, int what,
               const char *done, int argc, char **argv);

#endif
