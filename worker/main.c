// SPDX-License-Identifier: Apache-2.0
// main.c - voxarch-worker: the agent, its runner children, and the people's commands
// that need the worker's rooms.
#include "common/base/bytesize.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/net/keyfile.h"
#include "worker/agent/agent.h"
#include "worker/agent/memory.h"
#include "worker/cli/cmd.h"
#include "worker/exec/runner.h"
#include "worker/kernels/backend.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM          "voxarch-worker"
#define THREADS_MAX      256
#define TASK_TIMEOUT_MAX 604800        // a week
#define MEMORY_MIN       (64ull << 20) // less holds no runner

struct arguments {
    const char *key, *coordinator_key;
    const char *connect, *dir, *artifacts, *name, *device, *backend, *log_level,
        *memory;
    long slots, threads, task_timeout_s;
    bool any_address, with_parent, health, measure_only;
};

static bool parse_arguments(int argc, char **argv, struct arguments *a, int *status)
{
    const struct option table[] = {
        OPTION_AS_TEXT("connect", "ENDPOINT", &a->connect,
                       "the coordinator, tcp://HOST:PORT (needed)"),
        OPTION_AS_TEXT("key", "FILE", &a->key,
                       "its key pair (voxarch keygen), listed by the coordinator"),
        OPTION_AS_TEXT("coordinator-key", "KEY", &a->coordinator_key,
                       "the coordinator's public key, or a file with it"),
        OPTION_AS_FLAG("insecure-any-address", &a->any_address,
                       "without keys, connect to another machine all the same"),
        OPTION_AS_TEXT("dir", "DIR", &a->dir, "its cache of artifacts (needed)"),
        OPTION_AS_TEXT("artifacts", "DIR", &a->artifacts,
                       "a folder of artifacts to read from first: the coordinator's "
                       "DIR/blobs where it can be reached as files"),
        OPTION_AS_NUMBER("slots", "N", &a->slots, 1, LIMIT_HELD_TASKS,
                         "tasks at once; default 1"),
        OPTION_AS_NUMBER("threads", "N", &a->threads, 1, THREADS_MAX,
                         "threads of a task; default 1: two workers of one thread get "
                         "more done than one of two"),
        OPTION_AS_TEXT("name", "NAME", &a->name, "for people; default HOST-PID"),
        OPTION_AS_TEXT("device", "NAME", &a->device,
                       "the kind of machine this is: measures latencies for studies "
                       "that name it"),
        OPTION_AS_FLAG("measure-only", &a->measure_only,
                       "with --device: takes no other tasks"),
        OPTION_AS_TEXT("backend", "NAME", &a->backend,
                       "blas (the default) or ref, the slow oracle"),
        OPTION_AS_TEXT("memory", "SIZE", &a->memory,
                       "that each task may allocate, as 4GiB; default the machine's "
                       "(or its control group's), shared among the slots"),
        OPTION_AS_NUMBER("task-timeout", "SECONDS", &a->task_timeout_s, 1,
                         TASK_TIMEOUT_MAX,
                         "without progress, then a runner is taken to hang and killed; "
                         "default 600. How long a task may run, its study says"),
        OPTION_AS_FLAG("with-parent", &a->with_parent,
                       "leave when the process that started this one is gone"),
        OPTION_AS_TEXT("log-level", "LEVEL", &a->log_level,
                       "debug, info, warn or error; default info"),
        OPTION_AS_FLAG("health", &a->health,
                       "did the worker of DIR hear from its coordinator lately: "
                       "status 0 or 1"),
    };
    const struct options o = {
        .command = PROGRAM,
        .operands = "",
        .summary =
            "Takes tasks from a coordinator and computes them, each in a process "
            "of its own. Also: voxarch-worker data, metrics, measure.",
        .examples =
            "  voxarch-worker --connect tcp://10.0.0.1:20500 --dir /var/cache/voxarch\n"
            "  voxarch-worker --health --dir /var/cache/voxarch\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    return options_parse(&o, argc, argv, &operands, status);
}

static int fail(enum err e, struct errinfo *why)
{
    why->code = e;
    return options_fail(PROGRAM, why);
}

static void default_name(char *out, size_t cap)
{
    char host[40] = "worker";
    if (gethostname(host, sizeof(host) - 1) != 0) {
        memcpy(host, "worker", sizeof("worker"));
    }
    host[sizeof(host) - 1] = '\0';
    snprintf(out, cap, "%s-%ld", host, (long)getpid());
}

// As a study file may write it.
static bool is_device_name(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                            "0123456789-_.");
    return n > 0 && n < LIMIT_DEVICE_NAME && name[n] == '\0' && name[0] != '.';
}

static enum err fill_device(const struct arguments *a, struct session_conf *out,
                            struct errinfo *why)
{
    if (!a->device) {
        return a->measure_only ? err_set(why, ERR_INPUT,
                                         "--measure-only without --device: for which "
                                         "device")
                               : ERR_OK;
    }
    if (!is_device_name(a->device)) {
        return err_set(
            why, ERR_INPUT,
            "--device %s is no name; allowed: letters, digits, - _ and ., up "
            "to %d of them",
            a->device, LIMIT_DEVICE_NAME - 1);
    }
    snprintf(out->device, sizeof(out->device), "%s", a->device);
    out->capabilities = 1u << TASK_MEASURE | (a->measure_only ? 0 : out->capabilities);
    return ERR_OK;
}

static enum err fill_memory(const struct arguments *a, struct session_conf *out,
                            struct errinfo *why)
{
    if (!a->memory) {
        out->memory_bytes = memory_here() / (uint64_t)a->slots;
        return ERR_OK;
    }
    if (bytesize_parse(a->memory, &out->memory_bytes) != ERR_OK ||
        out->memory_bytes < MEMORY_MIN) {
        return err_set(why, ERR_INPUT,
                       "--memory %s is no size; allowed: at least 64MiB, as in 512MiB, "
                       "4GiB or 2000000000",
                       a->memory);
    }
    return ERR_OK;
}

static enum err fill_session(const struct arguments *a, struct session_conf *out,
                             struct errinfo *why)
{
    out->n_slots = (uint32_t)a->slots;
    out->n_threads = (uint32_t)a->threads;
    out->capabilities = 1u << TASK_TRAIN | 1u << TASK_EVALUATE | 1u << TASK_FINETUNE;
    enum err e = fill_memory(a, out, why);
    if (e != ERR_OK) {
        return e;
    }
    if (!a->name) {
        default_name(out->name, sizeof(out->name));
    } else if (strlen(a->name) >= sizeof(out->name)) {
        return err_set(why, ERR_INPUT, "--name is longer than %zu characters",
                       sizeof(out->name) - 1);
    } else {
        snprintf(out->name, sizeof(out->name), "%s", a->name);
    }
    return fill_device(a, out, why);
}

static enum err load_keys(const struct arguments *a, struct agent_conf *conf,
                          struct errinfo *why)
{
    enum err e = keyfile_link(a->key, a->coordinator_key, &conf->link, why);
    bool is_safe = conf->link.mine || a->any_address;
    if (e == ERR_OK && !is_safe && !endpoint_is_loopback(&conf->coordinator)) {
        return err_set(why, ERR_INPUT,
                       "%s is not on this machine, and without keys connections are "
                       "neither encrypted nor authenticated: give --key and "
                       "--coordinator-key (voxarch keygen makes keys)",
                       a->connect);
    }
    return e;
}

static enum err check_arguments(const struct arguments *a, struct agent_conf *conf,
                                struct errinfo *why)
{
    if (!a->connect) {
        return err_set(why, ERR_INPUT,
                       "--connect is missing: tcp://HOST:PORT of the "
                       "coordinator");
    }
    if (!a->dir) {
        return err_set(why, ERR_INPUT, "--dir is missing: a folder for artifacts");
    }
    enum err e = endpoint_parse(a->connect, &conf->coordinator, why);
    if (e == ERR_OK && !backend_find(a->backend)) {
        e = err_set(why, ERR_INPUT, "--backend %s is unknown; allowed: blas, ref",
                    a->backend);
    }
    if (e == ERR_OK && log_level_parse(a->log_level, &conf->log_level) != ERR_OK) {
        e = err_set(why, ERR_INPUT,
                    "--log-level %s is unknown; allowed: debug, info, warn, error",
                    a->log_level);
    }
    if (e == ERR_OK) {
        e = fill_session(a, &conf->session, why);
    }
    return e == ERR_OK ? load_keys(a, conf, why) : e;
}

static int run_agent(const struct arguments *a)
{
    struct errinfo why = {0};
    struct agent_conf conf = {
        .dir = a->dir,
        .artifacts = a->artifacts,
        .backend = a->backend,
        .silence_ms = a->task_timeout_s * 1000,
        .with_parent = a->with_parent,
    };
    enum err e = check_arguments(a, &conf, &why);
    char self[FILE_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (e == ERR_OK && n < 0) {
        e = err_set(&why, ERR_IO, "cannot find this program in /proc/self/exe");
    }
    if (e != ERR_OK) {
        curve_key_destroy(conf.link.mine);
        return fail(e, &why);
    }
    self[n] = '\0';
    conf.program = self;
    log_init(PROGRAM, conf.log_level);
    e = agent_run(&conf, &why);
    curve_key_destroy(conf.link.mine);
    return e == ERR_OK ? 0 : fail(e, &why);
}

static int show_health(const char *dir)
{
    struct errinfo why = {0};
    if (!dir) {
        return fail(err_set(&why, ERR_INPUT, "--dir is missing: of which worker"),
                    &why);
    }
    return agent_health(dir);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"data", cmd_data}, {"metrics", cmd_metrics}, {"measure", cmd_measure}};

int main(int argc, char **argv)
{
    log_init(PROGRAM, LOG_INFO);
    if (sodium_init() < 0) {
        fprintf(stderr, PROGRAM ": no source of random numbers\n");
        return 1;
    }
    if (argc == 2 && strcmp(argv[1], "--runner") == 0) {
        return runner_main();
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && argc > 1; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    struct arguments a = {.backend = "blas",
                          .log_level = "info",
                          .slots = 1,
                          .threads = 1,
                          .task_timeout_s = 600};
    int status = 0;
    if (!parse_arguments(argc, argv, &a, &status)) {
        return status;
    }
    if (a.health) {
        return show_health(a.dir);
    }
    return run_agent(&a);
}
