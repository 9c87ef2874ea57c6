// SPDX-License-Identifier: Apache-2.0
// test_search_run.c - strategies find what is there to find, faster than chance; on the
// paper's predictor and latency table, the exact optimum.
#include "coordinator/pareto/hypervolume.h"
#include "coordinator/predict/predictor.h"
#include "coordinator/search/search_run.h"
#include "tests/lib/fixture.h"
#include "tests/unit/coordinator/search/search_fixture.h"

static struct space space;

static void evaluate_fixture(void *arg, const struct arch *archs, size_t n,
                             search_run_values *values)
{
    size_t *n_evaluated = arg;
    *n_evaluated += n;
    for (size_t i = 0; i < n; i++) {
        values[i][0] = fixture_eer(&archs[i]);
    }
}

static double best_of(const char *strategy, const struct problem *p, uint64_t seed,
                      size_t n)
{
    size_t n_evaluated = 0;
    struct search_run *r = NULL;
    const struct search_run_setup setup = {.strategy = strategy,
                                           .problem = p,
                                           .seed = seed,
                                           .n_evaluations = n,
                                           .batch = 20,
                                           .evaluate = evaluate_fixture,
                                           .arg = &n_evaluated};
    ck_assert_int_eq(search_run(&setup, &r, NULL), ERR_OK);
    ck_assert_uint_eq(n_evaluated, n);
    ck_assert_uint_eq(archive_count(search_run_archive(r)), n);
    double best = search_run_best(r, n)->values[0];
    ck_assert_double_ge(search_run_best(r, n / 2)->values[0], best);
    ck_assert(problem_admits(p, &search_run_best(r, n)->arch));
    search_run_destroy(r);
    return best;
}

START_TEST(those_that_learn_beat_random_search)
{
    static const char *const learning[] = {"evolution", "mpea", "bayes"};
    static const size_t budgets[] = {600, 600, 80};
    fixture_coarse(&space);
    struct problem p = fixture_problem(&space, 2e6);
    for (int i = 0; i < 3; i++) {
        for (uint64_t seed = 0; seed < 2; seed++) {
            ck_assert_double_lt(best_of(learning[i], &p, seed, budgets[i]),
                                best_of("random", &p, seed, budgets[i]));
        }
    }
}
END_TEST

START_TEST(a_small_space_ends_a_run_early)
{
    fixture_small(&space);
    struct problem p = fixture_problem(&space, 0);
    size_t n_evaluated = 0;
    struct search_run *r = NULL;
    const struct search_run_setup setup = {.strategy = "mpea",
                                           .problem = &p,
                                           .n_evaluations = 1000,
                                           .evaluate = evaluate_fixture,
                                           .arg = &n_evaluated};
    ck_assert_int_eq(search_run(&setup, &r, NULL), ERR_OK);
    ck_assert_uint_eq(n_evaluated, 24);
    search_run_destroy(r);
}
END_TEST

// ---- the paper's predictor and table

struct paper {
    struct predictor *predictor;
    struct latency_table *table;
    struct problem problem;
};

static bool paper_open(struct paper *f)
{
    char path[FILE_PATH_MAX];
    if (!fixture_path("surrogate_eer_predictor.safetensors", path)) {
        return false;
    }
    ck_assert_int_eq(predictor_load(path, &f->predictor, NULL), ERR_OK);
    ck_assert(fixture_path("latency_table_v100_b64.csv", path));
    ck_assert_int_eq(latency_table_load(path, &f->table, NULL), ERR_OK);
    fixture_coarse(&space);
    f->problem = fixture_problem(&space, 0);
    f->problem.n_devices = 1;
    f->problem.devices[0] = (struct problem_device){"v100", f->table};
    return true;
}

static void paper_close(struct paper *f)
{
    predictor_destroy(f->predictor);
    latency_table_destroy(f->table);
}

static void evaluate_paper(void *arg, const struct arch *archs, size_t n,
                           search_run_values *values)
{
    const struct paper *f = arg;
    double eers[64];
    ck_assert_uint_le(n, 64);
    predictor_predict(f->predictor, archs, n, eers, NULL);
    for (size_t i = 0; i < n; i++) {
        values[i][0] = eers[i];
    }
}

static struct search_run *run_paper(struct paper *f, const char *strategy,
                                    uint64_t seed, size_t n, size_t batch)
{
    struct search_run *r = NULL;
    const struct search_run_setup setup = {.strategy = strategy,
                                           .problem = &f->problem,
                                           .seed = seed,
                                           .n_evaluations = n,
                                           .batch = batch,
                                           .evaluate = evaluate_paper,
                                           .arg = f};
    ck_assert_int_eq(search_run(&setup, &r, NULL), ERR_OK);
    return r;
}

static void limit_latency(struct paper *f, double ms)
{
    f->problem.n_constraints = 1;
    f->problem.constraints[0] =
        (struct constraint){{OBJECTIVE_LATENCY, ""}, .is_strict = true, .limit = ms};
}

START_TEST(mpea_ends_at_the_exact_optimum)
{
    static const double limits[][2] = {{8, 2.1760}, {15, 1.5080}, {24, 1.3964}};
    struct paper f = {0};
    if (!paper_open(&f)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        limit_latency(&f, limits[i][0]);
        struct search_run *r = run_paper(&f, "mpea", 1, 5100, 50);
        ck_assert_double_eq_tol(search_run_best(r, 5100)->values[0], limits[i][1],
                                5.1e-5);
        search_run_destroy(r);
    }
    paper_close(&f);
}
END_TEST

START_TEST(bayes_is_near_the_optimum_after_100_evaluations)
{
    struct paper f = {0};
    if (!paper_open(&f)) {
        return;
    }
    limit_latency(&f, 15);
    struct search_run *r = run_paper(&f, "bayes", 1, 100, 4);
    ck_assert_double_lt(search_run_best(r, 100)->values[0], 1.5080 + .02);
    search_run_destroy(r);
    paper_close(&f);
}
END_TEST

START_TEST(nsga2_covers_the_exact_front)
{
    static const double reference[2] = {5.1, 28};
    static struct front_point points[3000];
    struct paper f = {0};
    if (!paper_open(&f)) {
        return;
    }
    f.problem.n_objectives = 2;
    f.problem.objectives[1] = (struct objective){OBJECTIVE_LATENCY, ""};
    struct search_run *r = run_paper(&f, "nsga2", 1, 3000, 50);
    const struct archive *a = search_run_archive(r);
    for (size_t i = 0; i < 3000; i++) {
        const double *v = archive_at(a, i)->values;
        points[i] = (struct front_point){i, 2, {v[0], v[1]}};
    }
    ck_assert_double_gt(hypervolume(points, 3000, reference), .995 * 72.936104);
    search_run_destroy(r);
    paper_close(&f);
}
END_TEST

TEST_SUITE(search_run, those_that_learn_beat_random_search,
           a_small_space_ends_a_run_early, mpea_ends_at_the_exact_optimum,
           bayes_is_near_the_optimum_after_100_evaluations,
           nsga2_covers_the_exact_front)
