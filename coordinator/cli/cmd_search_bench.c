// SPDX-License-Identifier: Apache-2.0
// cmd_search_bench.c - `voxarch search bench`: how good a strategy is, over many seeds.
#include "common/base/options.h"
#include "coordinator/cli/cmd_search.h"
#include "coordinator/cli/cost.h"
#include "coordinator/cli/search_bench.h"
#include "coordinator/cli/search_setup.h"
#include "coordinator/pareto/hypervolume.h"
#include "coordinator/search/exhaustive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "voxarch search bench";

static const char summary[] =
    "Runs a search strategy with several seeds on a predictor's guesses and says what each\n"
    "run found, how many evaluations it took and how long, with random search at the same\n"
    "budget beside it. An evaluation is one network predicted; none is predicted twice.\n"
    "\n"
    "Regret is the distance from the optimum: how much EER is left to gain or, for several\n"
    "objectives, the missing part of the exact front's hypervolume below --reference. The\n"
    "optimum is what --exact finds by looking at every network, what --optimum says, or\n"
    "else the best that any of the runs came upon.\n"
    "\n"
    "Strategies: random (uniformly drawn paths), evolution (regularised evolution), mpea\n"
    "(the paper's model-predictive evolution), nsga2 (whole fronts), bayes (Bayesian\n"
    "optimisation, for some hundred evaluations; others are for thousands).";

static const char examples[] =
    "  voxarch search bench --predictor eer.safetensors --latency-table v100.csv \\\n"
    "      --constraint 'latency < 15ms' --strategy mpea --evaluations 5100 --exact\n"
    "  voxarch search bench --predictor eer.safetensors --latency-table v100.csv \\\n"
    "      --constraint 'latency < 15ms' --strategy bayes --evaluations 200 --batch 1 \\\n"
    "      --optimum 1.5080\n"
    "  voxarch search bench --predictor eer.safetensors --latency-table v100.csv \\\n"
    "      --objective eer --objective latency --reference 5.1,28 \\\n"
    "      --strategy nsga2 --evaluations 10000 --exact --json\n";

// The optimum was found when nothing is missing but rounding: of a 32-bit prediction,
// or of a number that a person wrote with four decimals, as they are printed.
#define HIT       1e-6
#define HIT_GIVEN 5.1e-5

struct bench_options {
    struct search_options problem;
    const char *strategy;
    const char *optimum;
    const char *reference;
    const char *mutation;
    long n_seeds, first_seed, n_evaluations, batch, population, tournament;
    bool is_exact, as_json;
};

struct report {
    const struct problem *problem;
    const struct bench_options *options;
    struct search_bench strategy, random; // random: no runs where it is the strategy
    double optimum;
    double hit;             // regret up to which it was found
    const char *optimum_is; // "exact", "given", "best seen"
};

// ---- what was asked for

static enum err read_numbers(const char *option, const char *text, double *out, int n,
                             struct errinfo *why)
{
    const char *at = text;
    for (int i = 0; i < n; i++) {
        char *end = NULL;
        out[i] = strtod(at, &end);
        bool is_last = i == n - 1;
        if (end == at || !isfinite(out[i]) || *end != (is_last ? '\0' : ',')) {
            return err_set(why, ERR_INPUT, "--%s %.60s: %d number%s due%s", option,
                           text, n, n == 1 ? " is" : "s are",
                           n == 1 ? ""
                                  : ", one for each objective, with commas between");
        }
        at = end + 1;
    }
    return ERR_OK;
}

static enum err read_reference(const struct problem *p, const char *text,
                               struct search_bench_setup *s, struct errinfo *why)
{
    if (p->n_objectives == 1) {
        return ERR_OK;
    }
    if (!text) {
        return err_set(why, ERR_INPUT,
                       "several objectives are measured by a hypervolume: --reference "
                       "says below which point, such as --reference 5.1,28");
    }
    return read_numbers("reference", text, s->reference, p->n_objectives, why);
}

static enum err fill(const struct bench_options *o, const struct search_setup *setup,
                     struct search_bench_setup *s, struct errinfo *why)
{
    *s = (struct search_bench_setup){
        .problem = &setup->problem,
        .predictor = setup->predictor,
        .strategy = o->strategy,
        .settings = {.population = (int)o->population,
                     .tournament = (int)o->tournament},
        .n_seeds = (size_t)o->n_seeds,
        .first_seed = (uint64_t)o->first_seed,
        .n_evaluations = (size_t)o->n_evaluations,
        .batch = (size_t)o->batch,
    };
    enum err e = read_reference(&setup->problem, o->reference, s, why);
    if (e == ERR_OK && o->mutation) {
        e = read_numbers("mutation", o->mutation, &s->settings.mutation, 1, why);
    }
    return e;
}

// ---- the optimum

static double exact_quality(const struct problem *p, const struct exhaustive_found *f,
                            const double *reference)
{
    if (p->n_objectives == 1) {
        return f->n_points > 0 ? f->points[0].objective[0] : INFINITY;
    }
    struct front_point *points = malloc((f->n_points + 1) * sizeof(*points));
    BUG_ON(!points);
    for (size_t i = 0; i < f->n_points; i++) {
        points[i] = (struct front_point){.id = i, .n_objectives = p->n_objectives};
        memcpy(points[i].objective, f->points[i].objective,
               (size_t)p->n_objectives * sizeof(double));
    }
    double volume = hypervolume(points, f->n_points, reference);
    free(points);
    return volume;
}

static enum err find_exact(const struct search_bench_setup *s, double *optimum,
                           struct errinfo *why)
{
    long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool is_known = n_cores >= 1 && n_cores <= EXHAUSTIVE_THREADS_MAX;
    const struct exhaustive_how how = {.n_threads = is_known ? (int)n_cores : 1};
    struct exhaustive_found found = {0};
    enum err e = exhaustive_search(s->problem, s->predictor, &how, &found, why);
    if (e == ERR_OK) {
        *optimum = exact_quality(s->problem, &found, s->reference);
        free(found.points);
    }
    return e;
}

static double best_seen(const struct report *r)
{
    double best = search_bench_best(&r->strategy);
    if (r->random.n_runs == 0) {
        return best;
    }
    double other = search_bench_best(&r->random);
    return r->strategy.is_front ? fmax(best, other) : fmin(best, other);
}

static enum err find_optimum(const struct search_bench_setup *s, struct report *r,
                             struct errinfo *why)
{
    r->hit = HIT;
    if (r->options->optimum) {
        r->hit = HIT_GIVEN;
        r->optimum_is = "given";
        return read_numbers("optimum", r->options->optimum, &r->optimum, 1, why);
    }
    if (r->options->is_exact) {
        r->optimum_is = "exact";
        return find_exact(s, &r->optimum, why);
    }
    r->optimum_is = "best seen";
    r->optimum = best_seen(r);
    return ERR_OK;
}

// ---- text

static void print_head(const struct report *r)
{
    const struct problem *p = r->problem;
    char text[OBJECTIVE_TEXT_MAX];
    printf("strategy     %s\nobjective   ", r->strategy.strategy);
    for (int i = 0; i < p->n_objectives; i++) {
        printf(" %s", objective_print(&p->objectives[i], text));
    }
    printf("\n");
    for (int i = 0; i < p->n_constraints; i++) {
        printf("limit        %s\n", constraint_print(&p->constraints[i], text));
    }
    printf("optimum      %.4f (%s)%s\n", r->optimum, r->optimum_is,
           r->strategy.is_front ? ", hypervolume" : "");
}

static void print_runs(const struct report *r)
{
    const struct search_bench *b = &r->strategy;
    char text[ARCH_STRING_MAX];
    printf("\n%6s  %10s  %9s  %11s  %8s  %7s  %7s  %s\n", "seed",
           b->is_front ? "volume" : "best", "regret", "evaluations", "to best",
           "seconds", "cpu", b->is_front ? "first of the front" : "architecture");
    for (size_t i = 0; i < b->n_runs; i++) {
        const struct search_bench_run *run = &b->runs[i];
        printf("%6llu  %10.4f  %9.5f  %11zu  %8zu  %7.3f  %7.3f  %s\n",
               (unsigned long long)run->seed, run->quality,
               search_bench_regret(b, run->quality, r->optimum), run->n_evaluations,
               run->n_to_best, run->seconds, run->cpu_seconds,
               run->best.depth ? arch_print(&run->best, text) : "-");
    }
}

static void print_curve(const struct search_bench *b, double optimum, double hit)
{
    double seconds = 0;
    double cpu_seconds = 0;
    printf("  %-10s", b->strategy);
    for (size_t i = 0; i < b->n_marks; i++) {
        printf("  %8.5f", search_bench_mean_regret(b, i, optimum));
    }
    for (size_t i = 0; i < b->n_runs; i++) {
        seconds += b->runs[i].seconds / (double)b->n_runs;
        cpu_seconds += b->runs[i].cpu_seconds / (double)b->n_runs;
    }
    printf("  %3zu of %zu  %7.3f  %7.3f\n", search_bench_hits(b, optimum, hit),
           b->n_runs, seconds, cpu_seconds);
}

static int print_text(const struct report *r)
{
    const struct search_bench *b = &r->strategy;
    print_head(r);
    print_runs(r);
    printf("\nmean regret after evaluations\n  %-10s", "");
    for (size_t i = 0; i < b->n_marks; i++) {
        printf("  %8zu", b->marks[i]);
    }
    printf("  optimum  seconds      cpu\n");
    print_curve(b, r->optimum, r->hit);
    if (r->random.n_runs > 0) {
        print_curve(&r->random, r->optimum, r->hit);
    }
    return 0;
}

// ---- JSON

static json_t *run_json(const struct search_bench *b,
                        const struct search_bench_run *run, double optimum)
{
    char text[ARCH_STRING_MAX];
    json_t *best =
        run->best.depth ? json_string(arch_print(&run->best, text)) : json_null();
    return json_pack(
        "{s:I, s:o, s:o, s:I, s:I, s:f, s:f, s:o}", "seed", (json_int_t)run->seed,
        b->is_front ? "hypervolume" : "best", json_real(run->quality), "regret",
        json_real(search_bench_regret(b, run->quality, optimum)), "evaluations",
        (json_int_t)run->n_evaluations, "to_best", (json_int_t)run->n_to_best,
        "seconds", run->seconds, "cpu_seconds", run->cpu_seconds, "architecture", best);
}

static json_t *bench_json(const struct search_bench *b, double optimum, double hit)
{
    json_t *runs = json_array();
    json_t *curve = json_array();
    for (size_t i = 0; i < b->n_runs; i++) {
        json_array_append_new(runs, run_json(b, &b->runs[i], optimum));
    }
    for (size_t i = 0; i < b->n_marks; i++) {
        json_array_append_new(
            curve, json_pack("{s:I, s:o}", "evaluations", (json_int_t)b->marks[i],
                             "mean_regret",
                             json_real(search_bench_mean_regret(b, i, optimum))));
    }
    return json_pack("{s:s, s:I, s:o, s:o}", "strategy", b->strategy, "hits",
                     (json_int_t)search_bench_hits(b, optimum, hit), "curve", curve,
                     "runs", runs);
}

static int print_json(const struct report *r)
{
    json_t *benches = json_array();
    json_array_append_new(benches, bench_json(&r->strategy, r->optimum, r->hit));
    if (r->random.n_runs > 0) {
        json_array_append_new(benches, bench_json(&r->random, r->optimum, r->hit));
    }
    return cost_dump(json_pack("{s:o, s:s, s:o}", "optimum", json_real(r->optimum),
                               "optimum_is", r->optimum_is, "strategies", benches));
}

// ---- the command

static enum err run_random(const struct search_bench_setup *s, struct report *r,
                           struct errinfo *why)
{
    struct search_bench_setup random = *s;
    if (strcmp(s->strategy, "random") == 0) {
        return ERR_OK;
    }
    random.strategy = "random";
    random.settings = (struct strategy_settings){0};
    return search_bench_run(&random, &r->random, why);
}

static int bench(const struct bench_options *o, const struct search_setup *setup,
                 struct errinfo *why)
{
    struct search_bench_setup s;
    struct report r = {.problem = &setup->problem, .options = o};
    enum err e = fill(o, setup, &s, why);
    if (e == ERR_OK) {
        e = search_bench_run(&s, &r.strategy, why);
    }
    if (e == ERR_OK) {
        e = run_random(&s, &r, why);
    }
    if (e == ERR_OK) {
        e = find_optimum(&s, &r, why);
    }
    int status = 0;
    if (e == ERR_OK) {
        status = o->as_json ? print_json(&r) : print_text(&r);
    } else {
        status = options_fail(command, why);
    }
    search_bench_fini(&r.strategy);
    search_bench_fini(&r.random);
    return status;
}

static int open_and_bench(const struct bench_options *o)
{
    struct errinfo why = {0};
    struct search_setup *setup = malloc(sizeof(*setup));
    BUG_ON(!setup);
    int status;
    if (search_setup_open(setup, &o->problem, &why) == ERR_OK) {
        status = bench(o, setup, &why);
        search_setup_close(setup);
    } else {
        status = options_fail(command, &why);
    }
    free(setup);
    return status;
}

int cmd_search_bench(int argc, char **argv)
{
    struct bench_options o = {.problem = SEARCH_OPTIONS_INIT,
                              .strategy = "mpea",
                              .n_seeds = 10,
                              .first_seed = 1,
                              .n_evaluations = 5100,
                              .batch = 50};
    const struct option table[] = {
        SEARCH_OPTIONS(&o.problem),
        OPTION_AS_TEXT("strategy", "NAME", &o.strategy,
                       "mpea (default), evolution, nsga2, bayes or random"),
        OPTION_AS_NUMBER("seeds", "N", &o.n_seeds, 1, 100000, "runs (default 10)"),
        OPTION_AS_NUMBER("first-seed", "N", &o.first_seed, 0, 1000000000,
                         "seed of the first run (default 1), then one more each"),
        OPTION_AS_NUMBER("evaluations", "N", &o.n_evaluations, 1, 10000000,
                         "networks predicted in a run (default 5100)"),
        OPTION_AS_NUMBER("batch", "N", &o.batch, 1, 100000,
                         "networks proposed at once (default 50)"),
        OPTION_AS_NUMBER("population", "N", &o.population, 1, 100000,
                         "parents are chosen from so many (default: the strategy's)"),
        OPTION_AS_NUMBER("tournament", "N", &o.tournament, 1, 1000,
                         "the best of so many becomes a parent"),
        OPTION_AS_TEXT("mutation", "P", &o.mutation,
                       "probability that a gene changes (default .1)"),
        OPTION_AS_TEXT("reference", "A,B", &o.reference,
                       "reference point of the hypervolume, one number an objective"),
        OPTION_AS_TEXT("optimum", "VALUE", &o.optimum,
                       "the optimum, where it is known"),
        OPTION_AS_FLAG("exact", &o.is_exact, "look at every network for the optimum"),
        OPTION_AS_FLAG("json", &o.as_json,
                       "print JSON: optimum, and of each strategy hits, curve, runs"),
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
    return open_and_bench(&o);
}
