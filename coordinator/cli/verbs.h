// SPDX-License-Identifier: Apache-2.0
// verbs.h - commands with a second word: `voxarch task list`, `voxarch worker drain`.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_CLI_VERBS_H
#define COORDINATOR_CLI_VERBS_H

#include <stddef.h>

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage; // behind the command's name
};

// Calls the verb that argv[1] names; its argv[0] is that name. Prints what there is for
// --help, and says so for no word or a wrong one. Returns the exit status.
int verbs_run(const char *command, const struct verb *verbs, size_t n, int argc,
              char **argv);

#endif
