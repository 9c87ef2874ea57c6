// SPDX-License-Identifier: Apache-2.0
// cmd.h - the subcommands of `voxarch-worker` that people use: data, metrics, measure.
//
// Each takes the arguments after the program's (argv[0] is the command's name) and
// returns the process's exit status: 0, 1 for a failure, 2 for wrong use or wrong
// input.
// --help prints to stdout and returns 0; errors go to stderr.
//
// Owns: nothing. Threads: main.
#ifndef WORKER_CLI_CMD_H
#define WORKER_CLI_CMD_H

int cmd_data(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_measure(int argc, char **argv);

#endif
