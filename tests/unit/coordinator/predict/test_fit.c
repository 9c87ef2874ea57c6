// SPDX-License-Identifier: Apache-2.0
// test_fit.c - every kind of predictor learns from labels, the same each time.
#include "common/base/agreement.h"
#include "common/space/named.h"
#include "coordinator/predict/crossval.h"
#include "coordinator/predict/predictor_type.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <stdio.h>

#define N_LABELS 120
#define N_TESTS  200

static struct space coarse(void)
{
    struct space s;
    ck_assert(named_space("coarse", &s));
    return s;
}

// Larger networks err less, first layers matter most, and two genes depend on each
// other.
static double truth(const struct arch *a)
{
    double error = 6 - .6 * log(a->width[0] * (double)a->cat) / log(2) / 4;
    for (int i = 0; i <= a->depth; i++) {
        error -= .08 * a->kernel[i] + .0006 * a->width[i];
    }
    return error + .0004 * (a->depth - 3) * (a->width[0] - 300);
}

struct set {
    struct arch archs[N_TESTS];
    double values[N_TESTS];
};

static struct labels draw(struct set *set, const struct space *s, size_t n,
                          uint64_t stream, double noise)
{
    struct rng r = rng_stream(3, RNG_TEST, stream, 0);
    for (size_t i = 0; i < n; i++) {
        set->archs[i] = space_draw(s, &r);
        set->values[i] = truth(&set->archs[i]) + noise * rng_normal(&r);
    }
    return (struct labels){n, set->archs, set->values};
}

static struct predictor *fit(const char *kind, const struct space *s,
                             const struct labels *l, uint64_t seed)
{
    struct predictor *p = NULL;
    struct errinfo why = {0};
    ck_assert_msg(predictor_fit(kind, s, l, seed, &p, &why) == ERR_OK, "%s", why.text);
    return p;
}

START_TEST(every_kind_orders_networks_it_has_not_seen)
{
    struct space s = coarse();
    struct set seen;
    struct set unseen;
    const struct labels l = draw(&seen, &s, N_LABELS, 1, .02);
    draw(&unseen, &s, N_TESTS, 2, 0);
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        struct predictor *p = fit(predictor_type_at(k)->name, &s, &l, 1);
        double values[N_TESTS];
        predictor_predict(p, unseen.archs, N_TESTS, values, NULL);
        double tau = agreement_kendall(values, unseen.values, N_TESTS);
        double rmse = agreement_rmse(values, unseen.values, N_TESTS);
        printf("%-6s tau %.3f rmse %.3f\n", predictor_kind(p), tau, rmse);
        ck_assert_double_gt(tau, .75);
        ck_assert_double_lt(rmse, .15);
        predictor_destroy(p);
    }
}
END_TEST

START_TEST(the_same_labels_and_seed_give_the_same_predictor)
{
    struct space s = coarse();
    struct set set;
    const struct labels l = draw(&set, &s, 30, 4, .1);
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        struct predictor *p = fit(predictor_type_at(k)->name, &s, &l, 9);
        struct predictor *again = fit(predictor_type_at(k)->name, &s, &l, 9);
        double one[30];
        double two[30];
        predictor_predict(p, set.archs, 30, one, NULL);
        predictor_predict(again, set.archs, 30, two, NULL);
        ck_assert_mem_eq(one, two, sizeof(one));
        predictor_destroy(p);
        predictor_destroy(again);
    }
}
END_TEST

START_TEST(a_gaussian_process_is_less_sure_far_from_its_labels)
{
    struct space s = coarse();
    struct set set;
    const struct labels all = draw(&set, &s, N_TESTS, 5, .01);
    struct set near; // depth 2 alone
    struct labels l = {0, near.archs, near.values};
    for (size_t i = 0; i < all.n; i++) {
        if (set.archs[i].depth == 2) {
            near.archs[l.n] = set.archs[i];
            near.values[l.n++] = set.values[i];
        }
    }
    struct predictor *p = fit("gp", &s, &l, 1);
    double values[N_TESTS];
    double spreads[N_TESTS];
    double at_labels = 0;
    double elsewhere = 0;
    predictor_predict(p, near.archs, l.n, values, spreads);
    for (size_t i = 0; i < l.n; i++) {
        ck_assert(spreads[i] >= 0);
        at_labels += spreads[i] / (double)l.n;
    }
    predictor_predict(p, all.archs, all.n, values, spreads);
    for (size_t i = 0; i < all.n; i++) {
        elsewhere += spreads[i] / (double)all.n;
    }
    ck_assert_double_gt(elsewhere, 1.5 * at_labels);
    predictor_destroy(p);
}
END_TEST

START_TEST(labels_of_one_value_are_predicted_as_it)
{
    struct space s = coarse();
    struct set set;
    const struct labels l = draw(&set, &s, 20, 6, 0);
    for (size_t i = 0; i < l.n; i++) {
        set.values[i] = 2.5;
    }
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        struct predictor *p = NULL;
        struct errinfo why = {0};
        const char *kind = predictor_type_at(k)->name;
        if (predictor_fit(kind, &s, &l, 1, &p, &why) != ERR_OK) {
            ck_assert_int_eq(why.code, ERR_NUMERIC);
            continue;
        }
        double value;
        struct arch a = space_largest(&s);
        predictor_predict(p, &a, 1, &value, NULL);
        ck_assert_double_eq_tol(value, 2.5, .02);
        predictor_destroy(p);
    }
}
END_TEST

START_TEST(labels_that_cannot_be_learnt_from_are_refused)
{
    struct space s = coarse();
    struct set set;
    struct labels l = draw(&set, &s, 20, 7, 0);
    struct predictor *p = NULL;
    struct errinfo why = {0};
    ck_assert_int_eq(predictor_fit("forest", &s, &l, 1, &p, &why), ERR_INPUT);
    ck_assert_str_eq(why.text,
                     "there is no predictor \"forest\"; allowed: mlp, ridge, gp");
    l.n = 2;
    ck_assert_int_eq(predictor_fit("mlp", &s, &l, 1, &p, &why), ERR_INPUT);
    ck_assert_str_eq(why.text, "2 labels are too few for mlp; at least 10");
    l.n = 20;
    ck_assert_int_eq(arch_parse("2-128-128-128-1-1-1-384", &set.archs[11], NULL),
                     ERR_OK);
    set.values[11] = NAN;
    for (size_t k = 0; k < PREDICTOR_KINDS; k++) {
        const char *kind = predictor_type_at(k)->name;
        ck_assert_int_eq(predictor_fit(kind, &s, &l, 1, &p, &why), ERR_NUMERIC);
        ck_assert_str_eq(why.text, "the label of 2-128-128-128-1-1-1-384 is not a "
                                   "finite number");
    }
}
END_TEST

START_TEST(what_a_predictor_does_not_know_is_told)
{
    struct space s = coarse();
    struct space fine;
    struct set set;
    struct errinfo why = {0};
    const struct labels l = draw(&set, &s, 20, 8, .1);
    struct predictor *p = fit("ridge", &s, &l, 1);
    ck_assert(named_space("fine", &fine));
    ck_assert_int_eq(predictor_covers(p, &s, NULL), ERR_OK);
    ck_assert_int_eq(predictor_covers(p, &fine, &why), ERR_INPUT);
    ck_assert_str_eq(why.text, "the predictor knows no network whose width0 is 136: it "
                               "was made for another space");
    predictor_destroy(p);
}
END_TEST

START_TEST(cross_validation_predicts_each_label_without_it)
{
    struct space s = coarse();
    struct set set;
    struct crossval c = {0};
    struct crossval again = {0};
    double held_out[N_LABELS];
    const struct labels l = draw(&set, &s, N_LABELS, 9, .02);
    for (size_t i = 0; i < N_LABELS; i++) {
        held_out[i] = NAN;
    }
    c.held_out = held_out;
    ck_assert_int_eq(crossval_run("ridge", &s, &l, 5, 3, &c, NULL), ERR_OK);
    ck_assert_double_gt(c.kendall_tau, .7);
    ck_assert_double_gt(c.spearman, c.kendall_tau);
    ck_assert_double_eq_tol(c.rmse, agreement_rmse(held_out, set.values, N_LABELS),
                            1e-12);
    ck_assert_int_eq(crossval_run("ridge", &s, &l, 5, 3, &again, NULL), ERR_OK);
    ck_assert(c.kendall_tau == again.kendall_tau && c.spearman == again.spearman &&
              c.rmse == again.rmse);
    // Pure noise cannot be predicted by a kind that does not see it.
    struct rng r = rng_stream(10, RNG_TEST, 0, 0);
    for (size_t i = 0; i < N_LABELS; i++) {
        set.values[i] = rng_normal(&r);
    }
    ck_assert_int_eq(crossval_run("gp", &s, &l, 5, 3, &c, NULL), ERR_OK);
    ck_assert_double_lt(fabs(c.kendall_tau), .2);
}
END_TEST

START_TEST(folds_need_labels)
{
    struct space s = coarse();
    struct set set;
    struct crossval c = {0};
    struct errinfo why = {0};
    const struct labels l = draw(&set, &s, 9, 11, .1);
    ck_assert_int_eq(crossval_run("ridge", &s, &l, 5, 1, &c, &why), ERR_INPUT);
    ck_assert_str_eq(why.text, "9 labels in 5 folds; allowed: from 2 folds, with at "
                               "least 2 labels each");
    ck_assert_int_eq(crossval_run("ridge", &s, &l, 1, 1, &c, &why), ERR_INPUT);
    ck_assert_int_eq(crossval_run("mlp", &s, &l, 4, 1, &c, &why), ERR_INPUT);
    ck_assert_str_eq(why.text, "7 labels are too few for mlp; at least 10");
}
END_TEST

TEST_SUITE(fit, every_kind_orders_networks_it_has_not_seen,
           the_same_labels_and_seed_give_the_same_predictor,
           a_gaussian_process_is_less_sure_far_from_its_labels,
           labels_of_one_value_are_predicted_as_it,
           labels_that_cannot_be_learnt_from_are_refused,
           what_a_predictor_does_not_know_is_told,
           cross_validation_predicts_each_label_without_it, folds_need_labels)
