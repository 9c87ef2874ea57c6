// SPDX-License-Identifier: Apache-2.0
// search_bench.c - see search_bench.h.
#include "coordinator/cli/search_bench.h"

#include "common/base/clock.h"
#include "coordinator/pareto/hypervolume.h"
#include "coordinator/search/search_run.h"

#include <math.h>
#include <stdlib.h>

struct guesser {
    const struct problem *problem;
    const struct predictor *predictor;
    double *guesses; // [batch]
};

static bool is_guessed(const struct objective *o)
{
    return o->kind == OBJECTIVE_EER;
}

static void guess(void *arg, const struct arch *archs, size_t n,
                  search_run_values *values)
{
    const struct guesser *g = arg;
    if (g->predictor) {
        predictor_predict(g->predictor, archs, n, g->guesses, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        for (int j = 0; j < g->problem->n_objectives; j++) {
            if (is_guessed(&g->problem->objectives[j])) {
                values[i][j] = g->guesses[i];
            }
        }
    }
}

static enum err check_kind(const struct search_bench_setup *s,
                           const struct objective *o, struct errinfo *why)
{
    char text[OBJECTIVE_TEXT_MAX];
    if (objective_is_cost(o)) {
        return ERR_OK;
    }
    if (!is_guessed(o)) {
        return err_set(
            why, ERR_INPUT,
            "nothing predicts %s; allowed: eer, params, macs, bytes, latency",
            objective_print(o, text));
    }
    if (!s->predictor) {
        return err_set(why, ERR_INPUT, "eer needs a predictor, and there is none");
    }
    return predictor_covers(s->predictor, s->problem->space, why);
}

static enum err check(const struct search_bench_setup *s, struct errinfo *why)
{
    const struct problem *p = s->problem;
    enum err e = ERR_OK;
    for (int i = 0; e == ERR_OK && i < p->n_objectives; i++) {
        e = check_kind(s, &p->objectives[i], why);
    }
    for (int i = 0; e == ERR_OK && i < p->n_constraints; i++) {
        e = check_kind(s, &p->constraints[i].objective, why);
    }
    return e;
}

// 100, 200, 500, 1000 ... and the end.
static void set_marks(struct search_bench *b, size_t n_evaluations)
{
    static const size_t steps[3] = {1, 2, 5};
    size_t power = 100;
    for (int i = 0; b->n_marks < SEARCH_BENCH_MARKS_MAX - 1; i++) {
        size_t mark = steps[i % 3] * power;
        if (mark >= n_evaluations) {
            break;
        }
        b->marks[b->n_marks++] = mark;
        power *= i % 3 == 2 ? 10 : 1;
    }
    b->marks[b->n_marks++] = n_evaluations;
}

double search_bench_volume(const struct problem *p, const struct archive *a, size_t n,
                           const double *reference)
{
    n = n < archive_count(a) ? n : archive_count(a);
    struct front_point *points = malloc((n + 1) * sizeof(*points));
    BUG_ON(!points);
    size_t n_points = 0;
    for (size_t i = 0; i < n; i++) {
        const struct archive_row *row = archive_at(a, i);
        if (row->state != ARCHIVE_MEASURED || row->violation > 0) {
            continue;
        }
        struct front_point *point = &points[n_points++];
        *point = (struct front_point){.id = i, .n_objectives = p->n_objectives};
        for (int j = 0; j < p->n_objectives; j++) {
            point->objective[j] = row->values[j];
        }
    }
    double volume = hypervolume(points, n_points, reference);
    free(points);
    return volume;
}

static double quality_at(const struct search_bench_setup *s, const struct search_run *r,
                         size_t n)
{
    if (s->problem->n_objectives > 1) {
        return search_bench_volume(s->problem, search_run_archive(r), n, s->reference);
    }
    const struct archive_row *best = search_run_best(r, n);
    return best ? best->values[0] : INFINITY;
}

static void measure(const struct search_bench_setup *s, const struct search_run *r,
                    struct search_bench *b, struct search_bench_run *out)
{
    const struct archive *a = search_run_archive(r);
    const struct archive_row *best = search_run_best(r, archive_count(a));
    out->n_evaluations = archive_count(a);
    for (size_t i = 0; i < b->n_marks; i++) {
        out->marks[i] = quality_at(s, r, b->marks[i]);
    }
    out->quality = out->marks[b->n_marks - 1];
    if (best) {
        out->best = best->arch;
        while (out->n_to_best < archive_count(a) &&
               archive_at(a, out->n_to_best) != best) {
            out->n_to_best++;
        }
        out->n_to_best++;
    }
}

static enum err run_seed(const struct search_bench_setup *s, struct search_bench *b,
                         struct search_bench_run *out, struct errinfo *why)
{
    struct guesser g = {s->problem, s->predictor, malloc(s->batch * sizeof(double))};
    BUG_ON(!g.guesses);
    const struct search_run_setup setup = {.strategy = s->strategy,
                                           .problem = s->problem,
                                           .seed = out->seed,
                                           .settings = s->settings,
                                           .n_evaluations = s->n_evaluations,
                                           .batch = s->batch,
                                           .evaluate = guess,
                                           .arg = &g};
    struct search_run *r = NULL;
    int64_t started_ns = clock_mono_ns();
    int64_t started_cpu_ns = clock_thread_ns();
    enum err e = search_run(&setup, &r, why);
    out->seconds = (double)(clock_mono_ns() - started_ns) / 1e9;
    out->cpu_seconds = (double)(clock_thread_ns() - started_cpu_ns) / 1e9;
    if (e == ERR_OK) {
        measure(s, r, b, out);
    }
    search_run_destroy(r);
    free(g.guesses);
    return e;
}

enum err search_bench_run(const struct search_bench_setup *setup,
                          struct search_bench *out, struct errinfo *why)
{
    *out = (struct search_bench){.strategy = setup->strategy,
                                 .is_front = setup->problem->n_objectives > 1};
    enum err e = check(setup, why);
    if (e != ERR_OK) {
        return e;
    }
    set_marks(out, setup->n_evaluations);
    out->runs = calloc(setup->n_seeds, sizeof(*out->runs));
    BUG_ON(!out->runs);
    for (size_t i = 0; e == ERR_OK && i < setup->n_seeds; i++) {
        out->runs[i].seed = setup->first_seed + i;
        e = run_seed(setup, out, &out->runs[i], why);
        out->n_runs += e == ERR_OK;
    }
    if (e != ERR_OK) {
        search_bench_fini(out);
    }
    return e;
}

void search_bench_fini(struct search_bench *b)
{
    free(b->runs);
    b->runs = NULL;
    b->n_runs = 0;
}

double search_bench_regret(const struct search_bench *b, double quality, double optimum)
{
    return b->is_front ? 1 - quality / optimum : quality - optimum;
}

double search_bench_mean_regret(const struct search_bench *b, size_t mark,
                                double optimum)
{
    double sum = 0;
    for (size_t i = 0; i < b->n_runs; i++) {
        sum += search_bench_regret(b, b->runs[i].marks[mark], optimum);
    }
    return sum / (double)b->n_runs;
}

double search_bench_best(const struct search_bench *b)
{
    double best = b->runs[0].quality;
    for (size_t i = 1; i < b->n_runs; i++) {
        double q = b->runs[i].quality;
        best = (b->is_front ? q > best : q < best) ? q : best;
    }
    return best;
}

size_t search_bench_hits(const struct search_bench *b, double optimum, double tolerance)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_runs; i++) {
        n += search_bench_regret(b, b->runs[i].quality, optimum) <= tolerance;
    }
    return n;
}
