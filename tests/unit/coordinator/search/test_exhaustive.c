// SPDX-License-Identifier: Apache-2.0
// test_exhaustive.c - the exact optimum and fronts against looking at every network one
// by one, on any number of threads.
#include "common/space/named.h"
#include "coordinator/pareto/front.h"
#include "coordinator/search/exhaustive.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <string.h>

#define N_LABELS 60

static struct space space; // 10,080 networks: three chunks

static struct problem problem(void)
{
    const struct value_list depths = {3, {1, 2, 3}};
    const struct value_list widths = {2, {8, 24}};
    const struct value_list kernels = {2, {1, 5}};
    struct value_list cats = {0};
    for (int i = 0; i < 30; i++) {
        cats.values[cats.n++] = 8 * (i + 1);
    }
    ck_assert_int_eq(space_build(&space, &depths, &widths, &kernels, &cats, NULL),
                     ERR_OK);
    return (struct problem){.space = &space, .dims = DIMS_PAPER, .n_frames = 300};
}

static void aim(struct problem *p, const char *text)
{
    ck_assert_int_eq(objective_parse(text, &p->objectives[p->n_objectives++], NULL),
                     ERR_OK);
}

static void limit(struct problem *p, const char *text)
{
    ck_assert_int_eq(constraint_parse(text, &p->constraints[p->n_constraints++], NULL),
                     ERR_OK);
}

static struct predictor *predictor(const char *kind)
{
    struct arch archs[N_LABELS];
    double values[N_LABELS];
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int i = 0; i < N_LABELS; i++) {
        archs[i] = space_draw(&space, &r);
        values[i] = 3 - .02 * archs[i].width[0] - .001 * archs[i].cat + rng_unit(&r);
    }
    const struct labels l = {N_LABELS, archs, values};
    struct predictor *p = NULL;
    ck_assert_int_eq(predictor_fit(kind, &space, &l, 1, &p, NULL), ERR_OK);
    return p;
}

static struct exhaustive_found find(const struct problem *p,
                                    const struct predictor *predictor, int n_threads)
{
    struct exhaustive_found found;
    struct errinfo why = {0};
    const struct exhaustive_how how = {.n_threads = n_threads};
    ck_assert_int_eq(problem_check(p, NULL), ERR_OK);
    ck_assert_msg(exhaustive_search(p, predictor, &how, &found, &why) == ERR_OK, "%s",
                  why.text);
    return found;
}

// Every admitted network with its objectives, one by one.
static size_t look(const struct problem *p, const struct predictor *predictor,
                   struct front_point **out)
{
    uint64_t n = 0;
    size_t n_points = 0;
    ck_assert_int_eq(space_count(p->space, &n), ERR_OK);
    struct front_point *points = calloc(n, sizeof(*points));
    ck_assert_ptr_nonnull(points);
    for (uint64_t i = 0; i < n; i++) {
        struct arch a = space_at(p->space, i);
        double eer = 0;
        bool is_within = problem_admits(p, &a);
        predictor_predict(predictor, &a, 1, &eer, NULL);
        for (int c = 0; c < p->n_constraints; c++) {
            is_within = is_within && (objective_is_cost(&p->constraints[c].objective) ||
                                      constraint_holds(&p->constraints[c], eer));
        }
        if (!is_within) {
            continue;
        }
        struct front_point *point = &points[n_points++];
        point->id = i;
        point->n_objectives = p->n_objectives;
        for (int o = 0; o < p->n_objectives; o++) {
            point->objective[o] = objective_is_cost(&p->objectives[o])
                                      ? problem_cost(p, &p->objectives[o], &a)
                                      : eer;
        }
    }
    *out = points;
    return n_points;
}

START_TEST(the_best_network_is_the_best_of_all_one_by_one)
{
    struct problem p = problem();
    struct predictor *pr = predictor("ridge");
    aim(&p, "eer");
    limit(&p, "macs <= 3M");
    limit(&p, "params < 60K");
    struct front_point *points = NULL;
    size_t n = look(&p, pr, &points);
    struct exhaustive_found found = find(&p, pr, 2);
    size_t best = front_best(points, n, NULL, NULL);
    struct arch wanted = space_at(p.space, points[best].id);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, found.n_networks);
    ck_assert_uint_eq(found.n_networks, 10080);
    ck_assert_uint_eq(found.n_admitted, n);
    ck_assert_uint_eq(found.n_points, 1);
    ck_assert(arch_equal(&found.points[0].arch, &wanted));
    ck_assert(found.points[0].objective[0] == points[best].objective[0]);
    free(found.points);
    free(points);
    predictor_destroy(pr);
}
END_TEST

static void check_front(const struct problem *p, const struct predictor *pr)
{
    struct front_point *points = NULL;
    size_t n = look(p, pr, &points);
    size_t *front = calloc(n + 1, sizeof(*front));
    ck_assert_ptr_nonnull(front);
    size_t n_front = front_find(points, n, front);
    const int threads[] = {1, 2, 3, 7};
    for (size_t t = 0; t < sizeof(threads) / sizeof(threads[0]); t++) {
        struct exhaustive_found found = find(p, pr, threads[t]);
        ck_assert_uint_eq(found.n_points, n_front);
        for (size_t i = 0; i < n_front; i++) {
            struct arch wanted = space_at(p->space, points[front[i]].id);
            ck_assert(arch_equal(&found.points[i].arch, &wanted));
            for (int o = 0; o < p->n_objectives; o++) {
                ck_assert(found.points[i].objective[o] ==
                          points[front[i]].objective[o]);
            }
        }
        free(found.points);
    }
    free(points);
    free(front);
}

START_TEST(the_front_is_the_front_of_all_whatever_the_threads)
{
    struct problem p = problem();
    struct predictor *pr = predictor("ridge");
    aim(&p, "eer");
    aim(&p, "macs");
    check_front(&p, pr);
    aim(&p, "params");
    limit(&p, "eer <= 2.5%");
    limit(&p, "macs <= 5M");
    check_front(&p, pr);
    predictor_destroy(pr);
}
END_TEST

START_TEST(the_mlp_gives_the_same_on_any_number_of_threads)
{
    struct problem p = problem();
    struct predictor *pr = predictor("mlp");
    aim(&p, "eer");
    aim(&p, "bytes");
    struct exhaustive_found one = find(&p, pr, 1);
    struct exhaustive_found more = find(&p, pr, 3);
    ck_assert_uint_gt(one.n_points, 1);
    ck_assert_uint_eq(one.n_points, more.n_points);
    ck_assert_mem_eq(one.points, more.points, one.n_points * sizeof(one.points[0]));
    free(one.points);
    free(more.points);
    predictor_destroy(pr);
}
END_TEST

START_TEST(costs_alone_need_no_predictor)
{
    struct problem p = problem();
    struct arch smallest = space_smallest(&space);
    aim(&p, "params");
    struct exhaustive_found found = find(&p, NULL, 2);
    ck_assert_uint_eq(found.n_admitted, found.n_networks);
    ck_assert_uint_eq(found.n_points, 1);
    ck_assert(arch_equal(&found.points[0].arch, &smallest));
    free(found.points);
}
END_TEST

START_TEST(limits_that_nothing_keeps_leave_nothing)
{
    struct problem p = problem();
    struct predictor *pr = predictor("ridge");
    aim(&p, "eer");
    limit(&p, "params < 1");
    struct exhaustive_found found = find(&p, pr, 2);
    ck_assert_uint_eq(found.n_admitted, 0);
    ck_assert_uint_eq(found.n_points, 0);
    free(found.points);
    p.n_constraints = 0;
    limit(&p, "eer < 0");
    found = find(&p, pr, 2);
    ck_assert_uint_eq(found.n_admitted, found.n_networks);
    ck_assert_uint_eq(found.n_points, 0);
    free(found.points);
    predictor_destroy(pr);
}
END_TEST

static void refused(const struct problem *p, const struct predictor *pr, enum err code,
                    const char *sentence)
{
    const struct exhaustive_how how = {.n_threads = 1};
    struct exhaustive_found found;
    struct errinfo why = {0};
    ck_assert_int_eq(exhaustive_search(p, pr, &how, &found, &why), code);
    ck_assert_str_eq(why.text, sentence);
    ck_assert_ptr_null(found.points);
}

START_TEST(what_cannot_be_answered_is_refused)
{
    struct space fine;
    struct problem p = problem();
    struct predictor *pr = predictor("ridge");
    aim(&p, "eer");
    refused(&p, NULL, ERR_INPUT, "eer needs a predictor, and there is none");
    limit(&p, "mindcf < .1");
    refused(&p, pr, ERR_INPUT,
            "nothing predicts mindcf; allowed: eer, params, macs, bytes, latency");
    p.n_constraints = 0;
    ck_assert(named_space("fine", &fine));
    p.space = &fine;
    refused(&p, pr, ERR_INPUT,
            "the predictor knows no network whose depth is 4: it was made for another "
            "space");
    p.n_objectives = 0;
    aim(&p, "params");
    refused(&p, NULL, ERR_LIMIT,
            "the space has 10021183582095 networks; at most 300000000 can be looked at "
            "one by one");
    predictor_destroy(pr);
}
END_TEST

struct watch {
    int n_calls;
    uint64_t last;
};

static bool stop_at_once(void *arg, uint64_t n_done, uint64_t n_networks)
{
    struct watch *w = arg;
    w->n_calls++;
    ck_assert_uint_ge(n_done, w->last);
    ck_assert_uint_le(n_done, n_networks);
    w->last = n_done;
    return false;
}

START_TEST(whoever_watches_can_stop_it)
{
    struct space coarse;
    struct problem p = problem();
    struct watch w = {0};
    struct exhaustive_found found;
    const struct exhaustive_how how = {
        .n_threads = 1, .progress = stop_at_once, .arg = &w};
    ck_assert(named_space("coarse", &coarse));
    p.space = &coarse;
    aim(&p, "params");
    ck_assert_int_eq(exhaustive_search(&p, NULL, &how, &found, NULL), ERR_CANCELLED);
    ck_assert_int_ge(w.n_calls, 1);
    ck_assert_ptr_null(found.points);
}
END_TEST

TEST_SUITE(exhaustive, the_best_network_is_the_best_of_all_one_by_one,
           the_front_is_the_front_of_all_whatever_the_threads,
           the_mlp_gives_the_same_on_any_number_of_threads,
           costs_alone_need_no_predictor, limits_that_nothing_keeps_leave_nothing,
           what_cannot_be_answered_is_refused, whoever_watches_can_stop_it)
