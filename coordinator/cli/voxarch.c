// SPDX-License-Identifier: Apache-2.0
// voxarch.c - the tool people use: finds the subcommand in a table and calls it.
#include "common/base/log.h"
#include "common/base/options.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/handoff.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv); // NULL: voxarch-worker does it
    const char *summary;
};

static const struct command commands[] = {
    {"run", cmd_run, "search on this machine: coordinator, workers and progress"},
    {"study", cmd_study, "list and show studies; submit, pause, resume, cancel one"},
    {"arch", cmd_arch, "parameters, MACs and bytes of an architecture"},
    {"space", cmd_space, "genes and exact size of a search space"},
    {"status", cmd_status, "how a coordinator is, near or far"},
    {"drain", cmd_drain, "let a coordinator come to an end"},
    {"task", cmd_task, "list tasks, have buried ones tried again"},
    {"explain", cmd_explain, "why a task is not running, or where it is"},
    {"worker", cmd_worker, "send a worker away, or let one back in"},
    {"backup", cmd_backup, "copy a run directory while it is in use"},
    {"keygen", cmd_keygen, "make a key pair, for coordinators of many machines"},
    {"search", cmd_search, "search a space by a predictor, in this process"},
    {"data", NULL, "check recordings and trials, pack them into one file"},
    {"metrics", NULL, "EER and minDCF of a file of scores"},
    {"version", cmd_version, "version of this program and of its libraries"},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char help_head[] =
    "Voxarch finds the best speaker-embedding network for every device of a fleet.\n"
    "\n"
    "Usage: voxarch COMMAND [options] [arguments]\n"
    "\n"
    "Commands:\n";

static const char help_tail[] =
    "\n"
    "Start here:\n"
    "  voxarch data check --study study.yaml   are the recordings and trials in order?\n"
    "  voxarch run study.yaml                  search; Ctrl-C stops, the same goes on\n"
    "  voxarch study show runs/NAME            what was found so far, also while it runs\n"
    "  voxarch arch info 3-512-512-512-512-5-3-3-3-1536\n"
    "\n"
    "voxarch COMMAND --help tells more about a command.\n";

static void print_help(FILE *to)
{
    fputs(help_head, to);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    fputs(help_tail, to);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!strcmp(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

static int call(const struct command *c, int argc, char **argv)
{
    return c->run ? c->run(argc, argv) : handoff_exec("voxarch-worker", argc, argv);
}

static int unknown(const char *name)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    const char *near = options_nearest(name, names, N_COMMANDS);
    fprintf(stderr, "voxarch: unknown command '%s'; ", name);
    if (near) {
        fprintf(stderr, "did you mean '%s'? voxarch help lists all\n", near);
    } else {
        fprintf(stderr, "voxarch help lists them\n");
    }
    return 2;
}

// `voxarch help` alone, or `voxarch help COMMAND`: the same as COMMAND --help.
static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return 0;
    }
    const struct command *c = find(argv[1]);
    static char flag[] = "--help";
    char *args[] = {argv[1], flag, NULL};
    return c ? call(c, 2, args) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
    log_init("voxarch", LOG_WARN);
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h")) {
        return help(argc - 1, argv + 1);
    }
    if (!strcmp(name, "--version")) {
        return cmd_version(1, argv + 1);
    }
    const struct command *c = find(name);
    return c ? call(c, argc - 1, argv + 1) : unknown(name);
}
