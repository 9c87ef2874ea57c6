// SPDX-License-Identifier: Apache-2.0
// cmd_search.h - the commands of `voxarch search`: one file each, listed in the table
// in cmd_search.c. Conventions as in cmd.h; argv[0] is the command's own word.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_CLI_CMD_SEARCH_H
#define COORDINATOR_CLI_CMD_SEARCH_H

int cmd_search_enumerate(int argc, char **argv);
int cmd_search_bench(int argc, char **argv);

#endif
