// SPDX-License-Identifier: Apache-2.0
// cmd_search.c - `voxarch search`: searches in this process, without daemons.
#include "coordinator/cli/cmd_search.h"

#include "common/base/options.h"
#include "coordinator/cli/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"enumerate", cmd_search_enumerate,
     "the exact optimum or front, by looking at every network"},
    {"bench", cmd_search_bench, "how good a strategy is, over many seeds"},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
    fputs(
        "Usage: voxarch search COMMAND [options]\n"
        "\n"
        "Searches a space in this process, by a predictor's guesses and latency tables: "
        "no\n"
        "training, no daemons.\n"
        "\n"
        "Commands:\n",
        to);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nvoxarch search COMMAND --help tells more about a command.\n", to);
}

static int unknown(const char *name)
{
    const char *names[N_COMMANDS];
    struct errinfo why = {0};
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    const char *near = options_nearest(name, names, N_COMMANDS);
    err_set(&why, ERR_INPUT, "unknown command '%.40s'; did you mean: voxarch search %s",
            name, near ? near : "--help");
    return options_fail("voxarch search", &why);
}

int cmd_search(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_help(stdout);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!strcmp(commands[i].name, name)) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return unknown(name);
}
