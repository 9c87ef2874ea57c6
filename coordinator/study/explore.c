// SPDX-License-Identifier: Apache-2.0
// explore.c - see explore.h.
#include "coordinator/study/explore.h"

#include "coordinator/pareto/front.h"
#include "coordinator/search/search_run.h"

#include <stdlib.h>

// What one target or front would have, best first.
struct ranking {
    struct pick *picks;
    size_t n, next;
};

struct strategy_settings explore_settings(const struct study_conf *conf)
{
    return (struct strategy_settings){.population = conf->search.population,
                                      .mutation = conf->search.mutation};
}

bool explore_serves_fronts(const char *strategy)
{
    const struct strategy_type *type = strategy_type_find(strategy);
    return type && type->serves_fronts;
}

// ---- running a strategy on a predictor

static void predict(void *arg, const struct arch *archs, size_t n,
                    search_run_values *values)
{
    double *eers = calloc(n + 1, sizeof(*eers));
    BUG_ON(!eers);
    predictor_predict(arg, archs, n, eers, NULL);
    for (size_t i = 0; i < n; i++) {
        values[i][0] = eers[i];
    }
    free(eers);
}

static enum err run(const struct explore_setup *setup, const char *strategy,
                    const struct problem *problem, struct search_run **out,
                    struct errinfo *why)
{
    const struct search_run_setup s = {
        .strategy = strategy,
        .problem = problem,
        .seed = setup->conf->seed,
        .settings = explore_settings(setup->conf),
        .n_evaluations = (size_t)setup->conf->search.predictor.evaluations,
        .evaluate = predict,
        .arg = setup->predictor,
    };
    return search_run(&s, out, why);
}

// ---- rankings

static void add_pick(struct ranking *r, const struct archive_row *row, int group)
{
    r->picks[r->n++] =
        (struct pick){.arch = row->arch, .predicted = row->values[0], .group = group};
}

static void rank_target(const struct archive *a, int group, struct ranking *out)
{
    size_t n = archive_n_measured(a);
    size_t *best = calloc(n + 1, sizeof(*best));
    BUG_ON(!best);
    n = archive_best(a, n, best);
    for (size_t i = 0; i < n; i++) {
        const struct archive_row *row = archive_at(a, best[i]);
        if (row->violation == 0) {
            add_pick(out, row, group);
        }
    }
    free(best);
}

// Radical inverse in base 2 of i, in 32 bits: 0, 1/2, 1/4, 3/4, 1/8 ...
static uint32_t radical_inverse(uint32_t i)
{
    uint32_t inverse = 0;
    for (int bit = 0; bit < 32; bit++) {
        inverse = inverse << 1 | (i >> bit & 1);
    }
    return inverse;
}

// From the best end on, so that any first part of the ranking is spread over the front.
static void spread_front(const struct archive *a, const size_t *rows, size_t n,
                         int group, struct ranking *out)
{
    bool *is_taken = calloc(n + 1, sizeof(*is_taken));
    BUG_ON(!is_taken);
    for (uint32_t i = 0; out->n < n; i++) {
        size_t at = (size_t)((uint64_t)radical_inverse(i) * n >> 32);
        if (!is_taken[at]) {
            is_taken[at] = true;
            add_pick(out, archive_at(a, rows[at]), group);
        }
    }
    free(is_taken);
}

static void rank_front(const struct archive *a, int group, struct ranking *out)
{
    size_t n_rows = archive_count(a);
    struct front_point *points = calloc(n_rows + 1, sizeof(*points));
    size_t *front = calloc(n_rows + 1, sizeof(*front));
    BUG_ON(!points || !front);
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        const struct archive_row *row = archive_at(a, i);
        if (row->state == ARCHIVE_MEASURED && row->violation == 0) {
            points[n++] =
                (struct front_point){.id = i,
                                     .n_objectives = 2,
                                     .objective = {row->values[0], row->values[1]}};
        }
    }
    size_t n_front = front_find(points, n, front);
    for (size_t i = 0; i < n_front; i++) {
        front[i] = (size_t)points[front[i]].id;
    }
    spread_front(a, front, n_front, group, out);
    free(points);
    free(front);
}

typedef void order_fn(const struct archive *a, int group, struct ranking *out);

static enum err rank(const struct explore_setup *setup, const char *strategy,
                     const struct problem *problem, order_fn *order, int group,
                     struct ranking *out, struct errinfo *why)
{
    struct search_run *r = NULL;
    enum err e = run(setup, strategy, problem, &r, why);
    if (e == ERR_OK) {
        const struct archive *a = search_run_archive(r);
        out->picks = calloc(archive_count(a) + 1, sizeof(*out->picks));
        BUG_ON(!out->picks);
        order(a, group, out);
    }
    search_run_destroy(r);
    return e;
}

// ---- picking

static bool take_next(struct ranking *r, const struct seen *avoid, struct seen *picked,
                      struct pick *out)
{
    while (r->next < r->n) {
        *out = r->picks[r->next++];
        if (!seen_has(avoid, &out->arch) && seen_add(picked, &out->arch)) {
            return true;
        }
    }
    return false;
}

static size_t share(const struct explore_setup *setup, struct ranking *rankings,
                    int n_rankings, struct pick *picks)
{
    struct seen *picked = seen_create();
    size_t n = 0;
    for (bool is_left = true; is_left && n < setup->n;) {
        is_left = false;
        for (int i = 0; i < n_rankings && n < setup->n; i++) {
            if (take_next(&rankings[i], setup->avoid, picked, &picks[n])) {
                is_left = true;
                n++;
            }
        }
    }
    seen_destroy(picked);
    return n;
}

static void add_spreads(const struct predictor *p, struct pick *picks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        predictor_predict(p, &picks[i].arch, 1, &picks[i].predicted, &picks[i].spread);
    }
}

enum err explore(const struct explore_setup *setup, struct pick *picks, size_t *n_picks,
                 struct errinfo *why)
{
    struct aims *targets = calloc(2, sizeof(*targets)); // large for a stack
    BUG_ON(!targets);
    struct aims *fronts = targets + 1;
    struct ranking rankings[2 * STUDY_TARGETS_MAX] = {{.n = 0}};
    const char *name = setup->conf->search.strategy;
    aims_of_targets(setup->conf, setup->tables, explore_serves_fronts(name), targets);
    aims_of_fronts(setup->conf, setup->tables, fronts);
    int n = 0;
    enum err e = ERR_OK;
    for (int i = 0; i < targets->n && e == ERR_OK; i++, n++) {
        e = rank(setup, name, &targets->problems[i], rank_target, n, &rankings[n], why);
    }
    for (int i = 0; i < fronts->n && e == ERR_OK; i++, n++) {
        e = rank(setup, "nsga2", &fronts->problems[i], rank_front, n, &rankings[n],
                 why);
    }
    if (e == ERR_OK) {
        *n_picks = share(setup, rankings, n, picks);
        add_spreads(setup->predictor, picks, *n_picks);
    }
    for (int i = 0; i < n; i++) {
        free(rankings[i].picks);
    }
    free(targets);
    return e;
}
