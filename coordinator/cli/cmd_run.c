// SPDX-License-Identifier: Apache-2.0
// cmd_run.c - `voxarch run STUDY.yaml`: a search on this machine, from its first line
// to the table of what it found.
#include "common/base/options.h"
#include "common/conf/study.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/display.h"
#include "coordinator/cli/local.h"
#include "coordinator/cli/report_json.h"
#include "coordinator/cli/report_text.h"
#include "coordinator/cli/rundir.h"

#include <uv.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130 // as shells say: 128 + SIGINT

struct run {
    const char *dir;    // as given, or NULL
    const char *device; // what this machine is, or NULL
    long n_workers, n_threads;
    struct option_list sets;
    bool is_quiet, as_json;
    const char *study_file;
};

static const char examples[] =
    "  voxarch run study.yaml\n"
    "  voxarch run study.yaml --workers 4 --dir /data/runs/tonight\n"
    "  voxarch run study.yaml --set search.candidates=100 --set seed=7\n"
    "\n"
    "Ctrl-C lets the workers finish what they hold and stops; the same command goes on\n"
    "where it was. It does so after a crash as well. Exit status: 0 the study is done,\n"
    "1 it failed, 2 wrong input, 130 stopped by Ctrl-C.\n";

static bool read_options(int argc, char **argv, struct run *r, int *status)
{
    const struct option table[] = {
        OPTION_AS_TEXT("dir", "DIR", &r->dir, "run directory (runs/NAME)"),
        OPTION_AS_NUMBER("workers", "N", &r->n_workers, 1, LOCAL_WORKERS_MAX,
                         "workers to start (one for each processor)"),
        OPTION_AS_NUMBER("threads", "T", &r->n_threads, 1, 256,
                         "threads of each worker (1)"),
        OPTION_AS_TEXT("device", "NAME", &r->device,
                       "this machine is the study's device NAME: the first worker "
                       "measures its latencies"),
        OPTION_AS_LIST("set", "KEY=VALUE", &r->sets,
                       "override a key of the study; may be given many times"),
        OPTION_AS_FLAG("quiet", &r->is_quiet, "no progress, only the result"),
        OPTION_AS_FLAG("json", &r->as_json, "print the result as JSON"),
    };
    const struct options options = {
        .command = "voxarch run",
        .operands = "STUDY.yaml",
        .summary =
            "Searches on this machine: starts a coordinator and workers, shows how"
            " it goes, and\nleaves the Pareto front, the networks and all trials"
            " in the run directory.",
        .examples = examples,
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
        .min_operands = 1,
        .max_operands = 1,
    };
    struct operands operands;
    if (!options_parse(&options, argc, argv, &operands, status)) {
        return false;
    }
    r->study_file = operands.items[0];
    return true;
}

// The run directory, absolute: children and messages name it from anywhere.
static enum err resolve_dir(const struct run *r, const struct study_conf *conf,
                            char out[static FILE_PATH_MAX], struct errinfo *why)
{
    char here[FILE_PATH_MAX];
    if (r->dir && r->dir[0] == '/') {
        return file_path(out, FILE_PATH_MAX, why, "%s", r->dir);
    }
    if (!getcwd(here, sizeof(here))) {
        return err_set(why, ERR_IO, "cannot tell the current folder: %m");
    }
    if (r->dir) {
        return file_path(out, FILE_PATH_MAX, why, "%s/%s", here, r->dir);
    }
    return file_path(out, FILE_PATH_MAX, why, "%s/runs/%s", here, conf->name);
}

static enum err check_device(const struct run *r, const struct study_conf *conf,
                             struct errinfo *why)
{
    bool is_found = !r->device;
    for (int i = 0; i < conf->n_devices; i++) {
        const struct study_device *d = &conf->devices[i];
        bool is_this = r->device && strcmp(r->device, d->name) == 0;
        is_found |= is_this && study_device_is_measured(d);
        if (study_device_is_measured(d) && !is_this && !r->is_quiet) {
            fprintf(
                stderr,
                "voxarch run: device %s is measured by workers that are started with "
                "--device %s\n",
                d->name, d->name);
        }
    }
    return is_found ? ERR_OK
                    : err_set(why, ERR_INPUT,
                              "--device %s: the study measures no device of that name",
                              r->device);
}

// Checks everything there is to check, then takes the directory. Nothing runs yet.
static enum err prepare(const struct run *r, struct study_conf *conf,
                        struct local_conf *local, int *lock_fd, struct errinfo *why)
{
    enum err e = study_load(r->study_file, r->sets.items, r->sets.n, conf, why);
    if (!e) {
        e = check_device(r, conf, why);
    }
    if (!e) {
        e = resolve_dir(r, conf, local->dir, why);
    }
    if (!e) {
        e = rundir_lock(local->dir, lock_fd, why);
    }
    if (!e) {
        e = file_path(local->study, sizeof(local->study), why, "%s/study.yaml",
                      local->dir);
    }
    if (!e) {
        e = rundir_put_study(local->study, conf, why);
    }
    return e;
}

static int fail(enum err e, struct errinfo *why)
{
    why->code = e;
    return options_fail("voxarch run", why);
}

// What the study came to, as the database has it.
static int conclude(const struct run *r, const struct study_conf *conf, const char *dir)
{
    struct errinfo why = {0};
    struct report *report = NULL;
    enum err e = report_load(dir, conf->name, &report, &why);
    if (e) {
        return fail(e, &why);
    }
    int status = 0;
    const struct study_row *study = &report->study;
    if (r->as_json) {
        json_t *j = report_json_all(report);
        json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        putchar('\n');
        json_decref(j);
    } else if (study->state == STUDY_DONE) {
        report_text_result(report, stdout);
    }
    if (study->state == STUDY_FAILED) {
        struct buf error = BUF_INIT;
        display_words(study->error, &error);
        fprintf(stderr, "voxarch run: study %s failed: %s\n", conf->name, error.data);
        buf_fini(&error);
        // A study without a pack failed on its recordings or lists: wrong input.
        status = *study->pack ? 1 : 2;
    } else if (study->state == STUDY_CANCELLED) {
        fprintf(stderr,
                "voxarch run: study %s was cancelled; use another --dir to search "
                "again\n",
                conf->name);
        status = 1;
    } else if (study->state != STUDY_DONE) {
        fprintf(stderr,
                "voxarch run: stopped while %s; the same command goes on from there\n",
                study_state_name(study->state));
        status = 1;
    }
    report_destroy(report);
    return status;
}

static int stopped(const struct run *r, const char *dir, enum local_end end)
{
    fprintf(stderr, "%s; go on with: voxarch run %s --dir %s\n",
            end == LOCAL_KILLED ? "stopped at once" : "drained", r->study_file, dir);
    return EXIT_INTERRUPTED;
}

// A study that guesses needs nobody but the coordinator, unless a device is to be
// measured.
static bool needs_workers(const struct study_conf *conf)
{
    bool is_needed = !study_is_surrogate(conf);
    for (int i = 0; i < conf->n_devices; i++) {
        is_needed |= study_device_is_measured(&conf->devices[i]);
    }
    return is_needed;
}

static int search(const struct run *r, struct study_conf *conf)
{
    struct errinfo why = {0};
    int lock_fd = -1;
    struct local_conf local = {
        .name = conf->name,
        .n_workers = (unsigned)r->n_workers,
        .n_threads = (unsigned)r->n_threads,
        .device = r->device,
        .is_quiet = r->is_quiet,
    };
    enum err e = prepare(r, conf, &local, &lock_fd, &why);
    if (e) {
        return fail(e, &why);
    }
    if (!needs_workers(conf)) {
        local.n_workers = 0;
    }
    if (!r->is_quiet) {
        fprintf(stderr, "voxarch run: %s, %u worker%s, in %s\n", conf->name,
                local.n_workers, local.n_workers == 1 ? "" : "s", local.dir);
    }
    enum local_end end = LOCAL_ENDED;
    e = local_run(&local, &end, &why);
    int status = e                    ? fail(e, &why)
                 : end == LOCAL_ENDED ? conclude(r, conf, local.dir)
                                      : stopped(r, local.dir, end);
    close(lock_fd);
    return status;
}

int cmd_run(int argc, char **argv)
{
    unsigned n_cpus = uv_available_parallelism();
    struct run r = {
        .n_workers = n_cpus < LOCAL_WORKERS_MAX ? n_cpus : LOCAL_WORKERS_MAX,
        .n_threads = 1,
    };
    int status = 0;
    if (!read_options(argc, argv, &r, &status)) {
        return status;
    }
    struct study_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    status = search(&r, conf);
    free(conf);
    return status;
}
