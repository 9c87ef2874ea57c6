// SPDX-License-Identifier: Apache-2.0
// cmd_search_enumerate.c - `voxarch search enumerate`: the exact answer to a problem.
#include "common/base/clock.h"
#include "common/base/options.h"
#include "coordinator/cli/cmd_search.h"
#include "coordinator/cli/cost.h"
#include "coordinator/cli/search_setup.h"
#include "coordinator/search/exhaustive.h"

#include <stdlib.h>
#include <unistd.h>

static const char command[] = "voxarch search enumerate";

static const char summary[] =
    "Looks at every network of a space and prints the best one within the limits, or, for\n"
    "several objectives, the whole Pareto front: exactly, not by search. The EER is a\n"
    "predictor's guess, latencies are sums over a table's units. The paper's coarse space\n"
    "of 4,066,875 networks takes seconds to a minute.";

static const char examples[] =
    "  voxarch search enumerate --predictor eer.safetensors --constraint 'macs <= 571M'\n"
    "  voxarch search enumerate --space coarse --predictor eer.safetensors \\\n"
    "      --latency-table v100.csv --constraint 'latency < 15ms' --json\n"
    "  voxarch search enumerate --predictor eer.safetensors --latency-table v100.csv \\\n"
    "      --objective eer --objective latency\n";

struct enumeration {
    const struct problem *problem;
    struct exhaustive_found found;
    int n_threads;
    double seconds;
};

// ---------------------------------------------------------------- progress

static bool show_progress(void *arg, uint64_t n_done, uint64_t n_networks)
{
    const int64_t *started_ms = arg;
    char done[COST_GROUPED_MAX];
    char all[COST_GROUPED_MAX];
    double seconds = (double)(clock_mono_ms() - *started_ms) / 1e3;
    double left = n_done ? seconds * (double)(n_networks - n_done) / (double)n_done : 0;
    fprintf(stderr, "\r\033[K%s of %s networks, %.0f s left",
            cost_grouped(n_done, done), cost_grouped(n_networks, all), left);
    return true;
}

static enum err look(const struct search_setup *setup, struct enumeration *e,
                     struct errinfo *why)
{
    int64_t started_ms = clock_mono_ms();
    bool is_watched = isatty(STDERR_FILENO) == 1;
    const struct exhaustive_how how = {.n_threads = e->n_threads,
                                       .progress = is_watched ? show_progress : NULL,
                                       .arg = &started_ms};
    enum err err =
        exhaustive_search(&setup->problem, setup->predictor, &how, &e->found, why);
    e->seconds = (double)(clock_mono_ms() - started_ms) / 1e3;
    if (is_watched) {
        fprintf(stderr, "\r\033[K");
    }
    return err;
}

// ---------------------------------------------------------------- text

static void print_value(const struct objective *o, double value)
{
    char name[OBJECTIVE_TEXT_MAX];
    char number[COST_GROUPED_MAX];
    objective_print(o, name);
    switch (o->kind) {
    case OBJECTIVE_EER: printf("  %-13s %.4f %%\n", name, value); break;
    case OBJECTIVE_LATENCY: printf("  %-13s %.4f ms\n", name, value); break;
    default: printf("  %-13s %s\n", name, cost_grouped((uint64_t)value, number));
    }
}

static void print_best(const struct enumeration *e)
{
    const struct problem *p = e->problem;
    const struct exhaustive_point *best = &e->found.points[0];
    printf("best\n");
    for (int i = 0; i < p->n_objectives; i++) {
        print_value(&p->objectives[i], best->objective[i]);
    }
    for (int i = 0; i < p->n_devices; i++) {
        struct objective o = {.kind = OBJECTIVE_LATENCY};
        snprintf(o.device, sizeof(o.device), "%s", p->devices[i].name);
        print_value(&o, problem_cost(p, &o, &best->arch));
    }
    cost_print(&best->arch, &p->dims, p->n_frames, "  ", stdout);
}

static void print_front(const struct enumeration *e)
{
    const struct problem *p = e->problem;
    char text[ARCH_STRING_MAX];
    printf("front of %zu\n", e->found.n_points);
    for (int i = 0; i < p->n_objectives; i++) {
        printf("  %14s", objective_print(&p->objectives[i], text));
    }
    printf("  architecture\n");
    for (size_t i = 0; i < e->found.n_points; i++) {
        const struct exhaustive_point *point = &e->found.points[i];
        for (int j = 0; j < p->n_objectives; j++) {
            bool is_count = p->objectives[j].kind != OBJECTIVE_EER &&
                            p->objectives[j].kind != OBJECTIVE_LATENCY;
            printf("  %14.*f", is_count ? 0 : 4, point->objective[j]);
        }
        printf("  %s\n", arch_print(&point->arch, text));
    }
}

static int print_text(const struct enumeration *e)
{
    char number[COST_GROUPED_MAX];
    char text[OBJECTIVE_TEXT_MAX];
    printf("networks        %s\n", cost_grouped(e->found.n_networks, number));
    for (int i = 0; i < e->problem->n_constraints; i++) {
        printf("limit           %s\n",
               constraint_print(&e->problem->constraints[i], text));
    }
    printf("within limits   %s\n", cost_grouped(e->found.n_admitted, number));
    printf("seconds         %.1f on %d threads\n", e->seconds, e->n_threads);
    if (e->found.n_points == 0) {
        printf("no network keeps all limits\n");
    } else if (e->problem->n_objectives == 1) {
        print_best(e);
    } else {
        print_front(e);
    }
    return 0;
}

// ---------------------------------------------------------------- JSON

static json_t *point_json(const struct problem *p, const struct exhaustive_point *point)
{
    char text[OBJECTIVE_TEXT_MAX];
    json_t *root = cost_json(&point->arch, &p->dims, p->n_frames);
    for (int i = 0; i < p->n_devices; i++) {
        struct objective o = {.kind = OBJECTIVE_LATENCY};
        snprintf(o.device, sizeof(o.device), "%s", p->devices[i].name);
        json_object_set_new(root, objective_print(&o, text),
                            json_real(problem_cost(p, &o, &point->arch)));
    }
    for (int i = 0; i < p->n_objectives; i++) {
        const struct objective *o = &p->objectives[i];
        bool is_there = o->kind != OBJECTIVE_EER && o->kind != OBJECTIVE_LATENCY;
        if (!is_there) {
            json_object_set_new(root, objective_print(o, text),
                                json_real(point->objective[i]));
        }
    }
    return root;
}

static int print_json(const struct enumeration *e)
{
    const struct problem *p = e->problem;
    char text[OBJECTIVE_TEXT_MAX];
    json_t *constraints = json_array();
    json_t *objectives = json_array();
    json_t *points = json_array();
    for (int i = 0; i < p->n_constraints; i++) {
        json_array_append_new(constraints,
                              json_string(constraint_print(&p->constraints[i], text)));
    }
    for (int i = 0; i < p->n_objectives; i++) {
        json_array_append_new(objectives,
                              json_string(objective_print(&p->objectives[i], text)));
    }
    for (size_t i = 0; i < e->found.n_points; i++) {
        json_array_append_new(points, point_json(p, &e->found.points[i]));
    }
    return cost_dump(json_pack(
        "{s:I, s:I, s:o, s:o, s:f, s:i, s:o}", "networks",
        (json_int_t)e->found.n_networks, "admitted", (json_int_t)e->found.n_admitted,
        "objectives", objectives, "constraints", constraints, "seconds", e->seconds,
        "threads", e->n_threads, p->n_objectives == 1 ? "best" : "front", points));
}

// ---------------------------------------------------------------- the command

static int enumerate(const struct search_options *o, int n_threads, bool as_json)
{
    struct errinfo why = {0};
    struct search_setup *setup = malloc(sizeof(*setup));
    BUG_ON(!setup);
    if (search_setup_open(setup, o, &why) != ERR_OK) {
        free(setup);
        return options_fail(command, &why);
    }
    struct enumeration e = {.problem = &setup->problem, .n_threads = n_threads};
    int status = 0;
    if (look(setup, &e, &why) == ERR_OK) {
        status = as_json ? print_json(&e) : print_text(&e);
        free(e.found.points);
    } else {
        status = options_fail(command, &why);
    }
    search_setup_close(setup);
    free(setup);
    return status;
}

static long n_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > EXHAUSTIVE_THREADS_MAX ? EXHAUSTIVE_THREADS_MAX : n;
}

int cmd_search_enumerate(int argc, char **argv)
{
    bool as_json = false;
    long n_threads = n_cores();
    struct search_options o = SEARCH_OPTIONS_INIT;
    const struct option table[] = {
        SEARCH_OPTIONS(&o),
        OPTION_AS_NUMBER("threads", "N", &n_threads, 1, EXHAUSTIVE_THREADS_MAX,
                         "threads to use (default: all cores)"),
        OPTION_AS_FLAG("json", &as_json,
                       "print JSON: networks, admitted, best or front, seconds"),
    };
    const struct options options = {
        .command = command,
        .operands = "",
        .summary = summary,
        .examples = examples,
        .table = table,
        .n_options = sizeof(table) / sizeof(table[0]),
    };
    struct operands operands;
    int status = 0;
    if (!options_parse(&options, argc, argv, &operands, &status)) {
        return status;
    }
    return enumerate(&o, (int)n_threads, as_json);
}
