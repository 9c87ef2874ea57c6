// SPDX-License-Identifier: Apache-2.0
// test_metrics.c - error rates by hand, by a slow twin, and against the fixture.
#include "common/base/file.h"
#include "common/base/rng.h"
#include "tests/lib/check_main.h"
#include "worker/score/metrics.h"
#include "worker/score/scorefile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TARGETS(...)                 \
    ((const double[]){__VA_ARGS__}), \
        sizeof((const double[]){__VA_ARGS__}) / sizeof(double)

static struct metrics measure(const double *targets, size_t n_targets,
                              const double *others, size_t n_others)
{
    double scores[32];
    bool is_target[32];
    for (size_t i = 0; i < n_targets + n_others; i++) {
        is_target[i] = i < n_targets;
        scores[i] = is_target[i] ? targets[i] : others[i - n_targets];
    }
    struct metrics m;
    struct errinfo why = {0};
    ck_assert_msg(metrics_compute(scores, is_target, n_targets + n_others, &m, &why) ==
                      ERR_OK,
                  "%s", why.text);
    ck_assert_uint_eq(m.n_targets, n_targets);
    ck_assert_uint_eq(m.n_nontargets, n_others);
    return m;
}

START_TEST(scores_that_separate_have_no_errors)
{
    struct metrics m = measure(TARGETS(2, 3, 4), TARGETS(-1, 0, 1));
    ck_assert_double_eq_tol(m.eer_percent, 0, 1e-12);
    ck_assert_double_eq_tol(m.mindcf_p01, 0, 1e-12);
}
END_TEST

START_TEST(scores_the_wrong_way_round_are_always_wrong)
{
    struct metrics m = measure(TARGETS(-2, -3), TARGETS(2, 3));
    ck_assert_double_eq_tol(m.eer_percent, 100, 1e-12);
    ck_assert_double_eq_tol(m.mindcf_p01, 1, 1e-12); // reject everything
}
END_TEST

START_TEST(equal_scores_tell_nothing)
{
    struct metrics m = measure(TARGETS(1, 1, 1), TARGETS(1, 1));
    ck_assert_double_eq_tol(m.eer_percent, 50, 1e-12);
    ck_assert_double_eq_tol(m.mindcf_p05, 1, 1e-12);
}
END_TEST

// Accepting from the top: (0, 2/3) (0, 1/3) (1/2, 1/3): rejection 1/3 is crossed on the
// level stretch from 0 to 1/2, at 1/3.
START_TEST(the_crossing_lies_between_two_points)
{
    struct metrics m = measure(TARGETS(5, 4, 2), TARGETS(3, 1));
    ck_assert_double_eq_tol(m.eer_percent, 100.0 / 3, 1e-9);
    ck_assert_double_eq_tol(m.mindcf_p01, 1.0 / 3, 1e-12);
}
END_TEST

// One tie of a target and a non-target: the step is diagonal, (0, 1/2) to (1/2, 0).
START_TEST(a_tie_is_one_diagonal_step)
{
    struct metrics m = measure(TARGETS(5, 3), TARGETS(3, 1));
    ck_assert_double_eq_tol(m.eer_percent, 25, 1e-9);
}
END_TEST

START_TEST(error_rates_need_both_kinds_and_numbers)
{
    double scores[] = {1, 2};
    bool targets[] = {true, true};
    bool both[] = {true, false};
    struct metrics m;
    struct errinfo why = {0};
    ck_assert_int_eq(metrics_compute(scores, targets, 2, &m, &why), ERR_INPUT);
    ck_assert_int_eq(metrics_compute(scores, targets, 0, &m, &why), ERR_INPUT);
    scores[1] = NAN;
    ck_assert_int_eq(metrics_compute(scores, both, 2, &m, &why), ERR_NUMERIC);
}
END_TEST

// The share of trials on the wrong side of a threshold, counted one by one.
static double slow_mindcf(const double *s, const bool *is_target, size_t n, double p)
{
    double best = 1;
    for (size_t k = 0; k < n; k++) {
        double counts[2] = {0, 0};
        double wrong[2] = {0, 0};
        for (size_t i = 0; i < n; i++) {
            counts[is_target[i]]++;
            wrong[is_target[i]] += (s[i] >= s[k]) != is_target[i];
        }
        double cost = p * wrong[1] / counts[1] + (1 - p) * wrong[0] / counts[0];
        best = fmin(best, cost / p);
    }
    return best;
}

START_TEST(mindcf_equals_its_slow_twin_on_random_scores)
{
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    for (int again = 0; again < 50; again++) {
        double s[60];
        bool is_target[60];
        for (size_t i = 0; i < 60; i++) {
            is_target[i] = i % 3 == 0;
            s[i] = round(4 * rng_normal(&r)) + 4 * is_target[i]; // many ties
        }
        struct metrics m;
        ck_assert_int_eq(metrics_compute(s, is_target, 60, &m, NULL), ERR_OK);
        ck_assert_double_eq_tol(m.mindcf_p01, slow_mindcf(s, is_target, 60, .01), 1e-9);
        ck_assert_double_eq_tol(m.mindcf_p05, slow_mindcf(s, is_target, 60, .05), 1e-9);
    }
}
END_TEST

START_TEST(a_wrong_score_file_is_refused_with_its_line)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "holds no scores"},
        {"# nothing\n", "holds no scores"},
        {"a b 1 target\na b 1\n", ":2: expected"},
        {"a b 1 target x\n", ":1: expected"},
        {"a b x target\n", "is no finite number"},
        {"a b 1x target\n", "is no finite number"},
        {"a b nan target\n", "is no finite number"},
        {"a b 1e999 target\n", "is no finite number"},
        {"a b 1 maybe\n", "neither target nor nontarget"},
    };
    char path[] = "/tmp/voxarch_scores_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct scorefile s;
        struct errinfo why = {0};
        ck_assert_int_eq(file_write(path, wrong[i].text, strlen(wrong[i].text), &why),
                         ERR_OK);
        ck_assert_int_eq(scorefile_load(&s, path, &why), ERR_INPUT);
        ck_assert_msg(strstr(why.text, wrong[i].says) != NULL, "%s", why.text);
    }
    remove(path);
}
END_TEST

static void compare_with_first_line(const char *path)
{
    struct errinfo why = {0};
    struct buf b = BUF_INIT;
    ck_assert_int_eq(file_read(path, SCOREFILE_MAX_BYTES, &b, &why), ERR_OK);
    double want[3];
    int n = sscanf(b.data, // NOLINT(cert-err34-c): a fixture, and the count is checked
                   "# eer_percent=%lf mindcf_p0.01=%lf mindcf_p0.05=%lf", &want[0],
                   &want[1], &want[2]);
    ck_assert_int_eq(n, 3);
    buf_fini(&b);
    struct scorefile s;
    struct metrics m;
    ck_assert_msg(scorefile_load(&s, path, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(metrics_compute(s.scores, s.is_target, s.n, &m, &why), ERR_OK);
    ck_assert_double_eq_tol(m.eer_percent, want[0], 1e-4);
    ck_assert_double_eq_tol(m.mindcf_p01, want[1], 1e-4);
    ck_assert_double_eq_tol(m.mindcf_p05, want[2], 1e-4);
    scorefile_fini(&s);
}

START_TEST(the_three_figures_equal_those_of_the_authors_program)
{
    const char *dir = getenv("VOXARCH_FIXTURES"); // NOLINT(concurrency-mt-unsafe)
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof(path), "%s/trials.scores", dir ? dir : "");
    if (!dir || !dir[0] || !file_exists(path)) {
        printf("skipped: no trials.scores in VOXARCH_FIXTURES\n");
        return;
    }
    compare_with_first_line(path);
}
END_TEST

TEST_SUITE(metrics, scores_that_separate_have_no_errors,
           scores_the_wrong_way_round_are_always_wrong, equal_scores_tell_nothing,
           the_crossing_lies_between_two_points, a_tie_is_one_diagonal_step,
           error_rates_need_both_kinds_and_numbers,
           mindcf_equals_its_slow_twin_on_random_scores,
           a_wrong_score_file_is_refused_with_its_line,
           the_three_figures_equal_those_of_the_authors_program)
