// SPDX-License-Identifier: Apache-2.0
// main.c - voxarch-coordinator: the command line, then daemon.c.
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/net/keyfile.h"
#include "coordinator/daemon.h"
#include "coordinator/health.h"
#include "coordinator/keep/reserve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "voxarch-coordinator"

struct arguments {
    const char *dir;
    const char *listen, *bulk, *admin;
    const char *key, *allow;
    const char *worker_program;
    const char *log_level;
    struct option_list studies;
    long reserve_mib, keep_rounds;
    bool any_address, with_parent, exit_when_done, health;
};

static bool parse_arguments(int argc, char **argv, struct arguments *a, int *status)
{
    const struct option table[] = {
        OPTION_AS_TEXT("dir", "DIR", &a->dir, "where its state lives (needed)"),
        OPTION_AS_TEXT("listen", "ENDPOINT", &a->listen,
                       "for workers; default tcp://127.0.0.1 on a free port, kept "
                       "from run to run"),
        OPTION_AS_TEXT("bulk", "ENDPOINT", &a->bulk, "for artifacts; default as above"),
        OPTION_AS_TEXT("admin", "ENDPOINT", &a->admin, "for tools; default as above"),
        OPTION_AS_TEXT("key", "FILE", &a->key,
                       "its key pair: connections are encrypted and authenticated"),
        OPTION_AS_TEXT(
            "allow", "FILE", &a->allow,
            "who may connect: lines ROLE PUBLICKEY NAME, of worker, operator "
            "and viewer; read again when it changes"),
        OPTION_AS_FLAG("insecure-any-address", &a->any_address,
                       "without keys, listen on more than this machine all the same"),
        OPTION_AS_LIST("study", "FILE", &a->studies,
                       "add this study, or go on with it; many times"),
        OPTION_AS_TEXT("worker-program", "PATH", &a->worker_program,
                       "voxarch-worker, for packing; default beside this program"),
        OPTION_AS_NUMBER("reserve", "MIB", &a->reserve_mib, 0, 1 << 20,
                         "kept back in DIR for the results of leased tasks when the "
                         "disk is full; default 16, 0: none"),
        OPTION_AS_NUMBER("keep-rounds", "N", &a->keep_rounds, 1, 1000000,
                         "rounds before the current one whose weights stay; default 1"),
        OPTION_AS_FLAG("with-parent", &a->with_parent,
                       "leave when the process that started this one is gone"),
        OPTION_AS_FLAG("exit-when-done", &a->exit_when_done,
                       "leave when every study is done (status 1 if one failed)"),
        OPTION_AS_TEXT("log-level", "LEVEL", &a->log_level,
                       "debug, info, warn or error; default info"),
        OPTION_AS_FLAG("health", &a->health,
                       "ask the coordinator of DIR how it is: status 0 or 1"),
    };
    const struct options o = {
        .command = PROGRAM,
        .operands = "",
        .summary = "Owns the state of searches and hands tasks to workers.",
        .examples =
            "  voxarch-coordinator --dir /var/lib/voxarch --study study.yaml\n"
            "  voxarch-coordinator --dir /var/lib/voxarch --key key --allow allow "
            "--listen tcp://10.0.0.1:20500\n"
            "  voxarch-coordinator --dir /var/lib/voxarch --health\n",
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    return options_parse(&o, argc, argv, &operands, status);
}

// NULL text: this machine, port 0 (remembered or free).
static enum err read_endpoint(const struct arguments *a, const char *text,
                              struct endpoint *out, struct errinfo *why)
{
    if (!text) {
        *out = (struct endpoint){.host = "127.0.0.1"};
        return ERR_OK;
    }
    enum err e = endpoint_parse(text, out, why);
    bool is_safe = a->key || a->any_address;
    if (e == ERR_OK && !is_safe && !endpoint_is_loopback(out)) {
        return err_set(
            why, ERR_INPUT,
            "%s can be reached from other machines, and without keys "
            "connections are neither encrypted nor authenticated: give --key "
            "and --allow (voxarch keygen makes keys), or listen on 127.0.0.1",
            text);
    }
    return e;
}

static enum err read_endpoints(const struct arguments *a, struct daemon_conf *conf,
                               struct errinfo *why)
{
    enum err e = read_endpoint(a, a->listen, &conf->worker, why);
    if (e == ERR_OK) {
        e = read_endpoint(a, a->bulk, &conf->bulk, why);
    }
    return e == ERR_OK ? read_endpoint(a, a->admin, &conf->admin, why) : e;
}

// The worker's program beside ours, wherever they were installed.
static enum err find_worker(const char *given, char out[static FILE_PATH_MAX],
                            struct errinfo *why)
{
    if (given) {
        return file_path(out, FILE_PATH_MAX, why, "%s", given);
    }
    char self[FILE_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0) {
        return err_set(why, ERR_IO, "cannot find voxarch-worker: say --worker-program");
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0'; // it is absolute
    return file_path(out, FILE_PATH_MAX, why, "%s/voxarch-worker", self);
}

struct loaded {
    struct study_conf *studies[OPTIONS_LIST_MAX];
    size_t n;
};

static enum err load_studies(const struct option_list *files, struct loaded *out,
                             struct errinfo *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < files->n && e == ERR_OK; i++) {
        out->studies[i] = calloc(1, sizeof(*out->studies[i]));
        BUG_ON(!out->studies[i]);
        out->n++;
        e = study_load(files->items[i], NULL, 0, out->studies[i], why);
    }
    return e;
}

static void free_studies(struct loaded *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->studies[i]);
    }
}

static enum err load_key(const struct arguments *a, struct curve_key **key,
                         struct errinfo *why)
{
    if (!a->key != !a->allow) {
        return err_set(why, ERR_INPUT,
                       "--key FILE and --allow FILE go together: %s is "
                       "missing",
                       a->key ? "--allow" : "--key");
    }
    if (!a->key) {
        if (a->any_address) {
            log_warn("coordinator.insecure",
                     "why=\"connections are neither encrypted nor "
                     "authenticated: whoever reaches the ports "
                     "can do everything\"");
        }
        return ERR_OK;
    }
    return keyfile_load(a->key, key, why);
}

static enum err serve(const struct arguments *a, bool *has_failed, struct errinfo *why)
{
    struct curve_key *key = NULL;
    char worker[FILE_PATH_MAX];
    struct loaded loaded = {.n = 0};
    struct daemon_conf conf = {.dir = a->dir,
                               .worker_program = worker,
                               .reserve_bytes = (uint64_t)a->reserve_mib << 20,
                               .keep_rounds = (uint32_t)a->keep_rounds,
                               .exit_when_done = a->exit_when_done,
                               .with_parent = a->with_parent};
    enum err e = read_endpoints(a, &conf, why);
    if (e == ERR_OK) {
        e = find_worker(a->worker_program, worker, why);
    }
    if (e == ERR_OK) {
        e = load_key(a, &key, why);
        conf.key = key;
        conf.allow_path = a->allow;
    }
    if (e == ERR_OK) {
        e = load_studies(&a->studies, &loaded, why);
    }
    if (e == ERR_OK) {
        conf.studies = (const struct study_conf *const *)loaded.studies;
        conf.n_studies = loaded.n;
        e = daemon_run(&conf, has_failed, why);
    }
    free_studies(&loaded);
    curve_key_destroy(key);
    return e;
}

static enum err run(const struct arguments *a, bool *has_failed, struct errinfo *why)
{
    enum log_level level = LOG_INFO;
    if (a->log_level && log_level_parse(a->log_level, &level) != ERR_OK) {
        return err_set(why, ERR_INPUT,
                       "--log-level %s: debug, info, warn and error are allowed",
                       a->log_level);
    }
    log_init("coordinator", level);
    if (!a->dir) {
        return err_set(why, ERR_INPUT, "--dir DIR is needed: where its state lives");
    }
    return a->health ? health_check(a->dir, a->key, why) : serve(a, has_failed, why);
}

int main(int argc, char **argv)
{
    struct arguments a = {.reserve_mib = RESERVE_DEFAULT_MIB, .keep_rounds = 1};
    int status = 0;
    if (!parse_arguments(argc, argv, &a, &status)) {
        return status;
    }
    signal(SIGPIPE, SIG_IGN);
    bool has_failed = false;
    struct errinfo why = {0};
    if (run(&a, &has_failed, &why) != ERR_OK) {
        return a.health ? (options_fail(PROGRAM, &why), 1)
                        : options_fail(PROGRAM, &why);
    }
    return a.exit_when_done && has_failed;
}
