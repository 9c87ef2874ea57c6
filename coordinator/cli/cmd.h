// SPDX-License-Identifier: Apache-2.0
// cmd.h - the subcommands of `voxarch`: one file each, listed in the table in
// voxarch.c.
//
// Each takes the arguments after its own name (argv[0] is that name) and returns the
// process's exit status: 0, 1 for a failure, 2 for wrong use or wrong input. --help
// prints to stdout and returns 0; errors go to stderr as one sentence.
//
// Subcommands that belong to the worker's rooms (data, metrics) are handed over by
// exec of `voxarch-worker`, found beside this program: the two sides never link.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_CLI_CMD_H
#define COORDINATOR_CLI_CMD_H

int cmd_run(int argc, char **argv);
int cmd_study(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_arch(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_space(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_task(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
