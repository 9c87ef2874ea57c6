// SPDX-License-Identifier: Apache-2.0
// cmd_study.c - `voxarch study`: ls and show tell what is in the databases of run
// directories; the other verbs are in cmd_study_order.c.
//
// These read only, so they work beside a running coordinator and without one.
#include "coordinator/cli/cmd_study.h"

#include "common/base/options.h"
#include "coordinator/cli/cmd.h"
#include "coordinator/cli/report_json.h"
#include "coordinator/cli/report_text.h"
#include "coordinator/cli/verbs.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRS_MAX 256

struct dirs { // run directories to look into
    size_t n;
    char paths[DIRS_MAX][FILE_PATH_MAX];
};

static bool is_run_dir(const char *dir)
{
    char path[FILE_PATH_MAX];
    return !file_path(path, sizeof(path), NULL, "%s/state.db", dir) &&
           file_exists(path);
}

static void add_dir(struct dirs *d, const char *parent, const char *name)
{
    char *path = d->paths[d->n];
    if (d->n < DIRS_MAX &&
        !file_path(path, FILE_PATH_MAX, NULL, "%s/%s", parent, name) &&
        is_run_dir(path)) {
        d->n++;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

// A run directory stands for itself, any other folder for the run directories in it.
static void add_dirs(struct dirs *d, const char *dir)
{
    if (is_run_dir(dir)) {
        add_dir(d, dir, ".");
        snprintf(d->paths[0], FILE_PATH_MAX, "%s", dir);
        return;
    }
    DIR *folder = opendir(dir);
    if (!folder) {
        return;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): each DIR has its own buffer
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        if (e->d_name[0] != '.') {
            add_dir(d, dir, e->d_name);
        }
    }
    closedir(folder);
    qsort(d->paths, d->n, sizeof(d->paths[0]), by_name);
}

// Without --dir: this folder when it is a run directory, else what `voxarch run` made.
static const char *default_dir(void)
{
    return is_run_dir(".") ? "." : "runs";
}

// ---- ls

struct names {
    size_t n;
    char list[LIMIT_STATUS_STUDIES][STUDY_NAME_MAX];
};

static bool take_name(void *arg, const struct study_row *row)
{
    struct names *names = arg;
    snprintf(names->list[names->n++], STUDY_NAME_MAX, "%s", row->name);
    return names->n < LIMIT_STATUS_STUDIES;
}

static enum err list_names(const char *dir, struct names *names, struct errinfo *why)
{
    struct store *s = NULL;
    names->n = 0;
    enum err e = store_open_readonly(dir, &s, why);
    if (!e) {
        e = study_row_each(s, take_name, names, why);
    }
    store_close(s);
    return e;
}

static void print_row(const struct report *r)
{
    char eer[16] = "-";
    if (report_best_eer(r) >= 0) {
        snprintf(eer, sizeof(eer), "%.2f", report_best_eer(r));
    }
    printf("%4" PRIu64 "  %-20s %-10s %-8s %7zu %8s  %s\n", r->study.id, r->study.name,
           study_state_name(r->study.state), report_stage_name(r, r->study.stage),
           r->history.n_trials, eer, r->dir);
}

static enum err list_dir(const char *dir, json_t *rows, struct errinfo *why)
{
    struct names *names = calloc(1, sizeof(*names));
    BUG_ON(!names);
    enum err e = list_names(dir, names, why);
    for (size_t i = 0; !e && i < names->n; i++) {
        struct report *r = NULL;
        e = report_load(dir, names->list[i], &r, why);
        if (!e && rows) {
            json_array_append_new(rows, report_json_brief(r));
        } else if (!e) {
            print_row(r);
        }
        report_destroy(r);
    }
    free(names);
    return e;
}

static enum err list_all(const char *dir, json_t *rows, struct errinfo *why)
{
    struct dirs *dirs = calloc(1, sizeof(*dirs));
    BUG_ON(!dirs);
    enum err e = ERR_OK;
    add_dirs(dirs, dir);
    if (dirs->n == 0) {
        e = err_set(why, ERR_NOTFOUND,
                    "no run directory at %s (a folder with state.db, or one with such "
                    "folders in it); give one with --dir",
                    dir);
    } else if (!rows) {
        printf("%4s  %-20s %-10s %-8s %7s %8s  %s\n", "id", "name", "state", "stage",
               "trials", "EER %", "directory");
    }
    for (size_t i = 0; !e && i < dirs->n; i++) {
        e = list_dir(dirs->paths[i], rows, why);
    }
    free(dirs);
    return e;
}

static void print_json(json_t *j)
{
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(j);
}

// ---- the two commands

struct study_options {
    const char *dir;
    bool as_json;
    struct operands operands;
};

// Fills in what ls and show share.
static bool read_options(const struct options *command, int argc, char **argv,
                         struct study_options *o, int *status)
{
    const struct option table[] = {
        OPTION_AS_TEXT("dir", "DIR", &o->dir,
                       "run directory (this folder, or those in runs/)"),
        OPTION_AS_FLAG("json", &o->as_json, "print JSON"),
    };
    struct options options = *command;
    options.table = table;
    options.n_options = sizeof(table) / sizeof(table[0]);
    options.max_operands = 1;
    return options_parse(&options, argc, argv, &o->operands, status);
}

static int study_ls(int argc, char **argv)
{
    struct study_options o = {.dir = NULL};
    const struct options options = {
        .command = "voxarch study ls",
        .operands = "[DIR]",
        .summary =
            "Lists studies: id, name, state, stage, trials, best EER. DIR is a run"
            " directory or a\nfolder of run directories.",
        .examples = "  voxarch study ls\n  voxarch study ls /data/runs --json\n",
    };
    int status = 0;
    if (!read_options(&options, argc, argv, &o, &status)) {
        return status;
    }
    const char *dir = o.operands.n ? o.operands.items[0] : o.dir;
    struct errinfo why = {0};
    json_t *rows = o.as_json ? json_array() : NULL;
    enum err e = list_all(dir ? dir : default_dir(), rows, &why);
    if (e) {
        json_decref(rows);
        why.code = e;
        return options_fail("voxarch study ls", &why);
    }
    if (rows) {
        print_json(rows);
    }
    return 0;
}

// The operand is a run directory or a study's name; runs/NAME is tried for a name.
static enum err locate(const struct study_options *o, char dir[static FILE_PATH_MAX],
                       const char **name, struct errinfo *why)
{
    const char *word = o->operands.n ? o->operands.items[0] : NULL;
    *name = word;
    if (word && !o->dir && is_run_dir(word)) {
        *name = NULL;
        return file_path(dir, FILE_PATH_MAX, why, "%s", word);
    }
    if (o->dir || is_run_dir(".")) {
        return file_path(dir, FILE_PATH_MAX, why, "%s", o->dir ? o->dir : ".");
    }
    if (word) {
        return file_path(dir, FILE_PATH_MAX, why, "runs/%s", word);
    }
    struct dirs *dirs = calloc(1, sizeof(*dirs));
    BUG_ON(!dirs);
    add_dirs(dirs, "runs");
    enum err e =
        dirs->n == 1
            ? file_path(dir, FILE_PATH_MAX, why, "%s", dirs->paths[0])
            : err_set(why, ERR_INPUT,
                      "which study? give a name or a run directory; voxarch study ls "
                      "lists them");
    free(dirs);
    return e;
}

static int study_show(int argc, char **argv)
{
    struct study_options o = {.dir = NULL};
    const struct options options = {
        .command = "voxarch study show",
        .operands = "[NAME|DIR]",
        .summary =
            "Shows one study: data, space, stages with losses and EERs, tasks, all"
            " trials sorted by\nEER, the Pareto front, the best network of each"
            " target. While it runs, too.",
        .examples = "  voxarch study show demo\n"
                    "  voxarch study show runs/demo --json\n"
                    "  voxarch study show demo --dir /var/lib/voxarch\n",
    };
    int status = 0;
    if (!read_options(&options, argc, argv, &o, &status)) {
        return status;
    }
    char dir[FILE_PATH_MAX];
    const char *name = NULL;
    struct errinfo why = {0};
    struct report *r = NULL;
    enum err e = locate(&o, dir, &name, &why);
    if (!e) {
        e = report_load(dir, name, &r, &why);
    }
    if (e) {
        why.code = e;
        return options_fail("voxarch study show", &why);
    }
    if (o.as_json) {
        print_json(report_json_all(r));
    } else {
        report_text_all(r, stdout);
    }
    report_destroy(r);
    return 0;
}

int cmd_study(int argc, char **argv)
{
    static const struct verb verbs[] = {{"ls", study_ls, "[DIR]"},
                                        {"show", study_show, "[NAME|DIR]"},
                                        {"submit", cmd_study_submit, "STUDY.yaml"},
                                        {"pause", cmd_study_pause, "NAME"},
                                        {"resume", cmd_study_resume, "NAME"},
                                        {"cancel", cmd_study_cancel, "NAME"}};
    return verbs_run("voxarch study", verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
                     argv);
}
