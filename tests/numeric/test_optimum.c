// SPDX-License-Identifier: Apache-2.0
// test_optimum.c - exact optima of the paper's coarse space under the published
// predictor and latency table, among all 4,066,875 networks.
//
// Takes some 5 s on two cores, the parts with a sanitizer left out. The long ones are
// in tests/bench/enumerate.sh.
#include "coordinator/search/exhaustive.h"
#include "tests/lib/check_main.h"
#include "tests/lib/fixture.h"

#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#    define IS_SLOW 1
#else
#    define IS_SLOW 0
#endif

static void expect(const char *limit, const char *arch, const char *eer)
{
    char predictor_path[FILE_PATH_MAX];
    char table_path[FILE_PATH_MAX];
    if (!fixture_path("surrogate_eer_predictor.safetensors", predictor_path) ||
        !fixture_path("latency_table_v100_b64.csv", table_path)) {
        return;
    }
    struct predictor *predictor = NULL;
    struct latency_table *table = NULL;
    ck_assert_int_eq(predictor_load(predictor_path, &predictor, NULL), ERR_OK);
    ck_assert_int_eq(latency_table_load(table_path, &table, NULL), ERR_OK);
    struct problem p = {.space = predictor_space(predictor),
                        .dims = DIMS_PAPER,
                        .n_frames = 300,
                        .n_objectives = 1,
                        .objectives = {{.kind = OBJECTIVE_EER}},
                        .n_constraints = 1,
                        .n_devices = 1,
                        .devices = {{"v100", table}}};
    ck_assert_int_eq(constraint_parse(limit, &p.constraints[0], NULL), ERR_OK);
    ck_assert_int_eq(problem_check(&p, NULL), ERR_OK);
    const long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct exhaustive_how how = {.n_threads = n_cores > 1 ? 2 : 1};
    struct exhaustive_found found;
    ck_assert_int_eq(exhaustive_search(&p, predictor, &how, &found, NULL), ERR_OK);
    ck_assert_uint_eq(found.n_networks, 4066875);
    ck_assert_uint_eq(found.n_points, 1);
    char text[ARCH_STRING_MAX];
    ck_assert_str_eq(arch_print(&found.points[0].arch, text), arch);
    snprintf(text, sizeof(text), "%.4f", found.points[0].objective[0]);
    ck_assert_str_eq(text, eer);
    free(found.points);
    predictor_destroy(predictor);
    latency_table_destroy(table);
}

START_TEST(below_8_ms)
{
    expect("latency < 8ms", "2-256-512-384-1-5-5-384", "2.1760");
}
END_TEST

START_TEST(below_10_ms)
{
    if (IS_SLOW) {
        printf("SKIPPED: too slow with a sanitizer\n");
        return;
    }
    expect("latency < 10ms", "2-384-512-512-1-3-5-768", "1.7861");
}
END_TEST

START_TEST(below_15_ms)
{
    if (IS_SLOW) {
        printf("SKIPPED: too slow with a sanitizer\n");
        return;
    }
    expect("latency < 15ms", "3-384-512-512-512-5-3-5-5-768", "1.5080");
}
END_TEST

TEST_SUITE(optimum, below_8_ms, below_10_ms, below_15_ms)
