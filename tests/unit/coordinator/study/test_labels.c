// SPDX-License-Identifier: Apache-2.0
// test_labels.c - labels lie evenly over the cost, each once, and are drawn again
// alike.
#include "coordinator/study/labels.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

static struct study_conf conf;

static void parse(const char *space)
{
    char yaml[512];
    struct errinfo why = {0};
    int n = snprintf(yaml, sizeof(yaml),
                     "name: l\nseed: 3\nspace: %s\n"
                     "data: {train: {manifest: m.tsv}, trials: t.txt}\n"
                     "search: {predictor: {labels: 100}}\n",
                     space);
    ck_assert_msg(study_parse(yaml, (size_t)n, "s.yaml", "/", &conf, &why) == ERR_OK,
                  "%s", why.text);
}

static double macs_of(const struct arch *a)
{
    return (double)complexity_of(a, &conf.supernet, conf.evaluate.frames).macs;
}

START_TEST(labels_fill_all_strata_of_the_cost_alike)
{
    parse("{depth: [2, 3, 4], width: [128, 176, 256, 384, 512], kernel: [1, 3, 5],"
          " cat: [384, 768, 1536]}");
    struct label_strata s = labels_cut(&conf);
    struct seen *seen = seen_create();
    int n_of[LABELS_STRATA] = {0};
    for (uint32_t i = 0; i < 200; i++) {
        struct arch a;
        ck_assert(labels_draw(&conf, &s, i, seen, &a));
        ck_assert(seen_add(seen, &a));
        n_of[labels_stratum_of(&s, macs_of(&a))]++;
    }
    for (int i = 0; i < LABELS_STRATA; i++) {
        ck_assert_int_ge(n_of[i], 19);
        ck_assert_int_le(n_of[i], 21);
    }
    seen_destroy(seen);
}
END_TEST

START_TEST(a_label_depends_on_its_number_and_on_which_are_there)
{
    parse("{depth: [2, 3], width: [128, 256, 512], kernel: [1, 3, 5], cat: [384]}");
    struct label_strata s = labels_cut(&conf);
    struct seen *seen = seen_create();
    for (uint32_t i = 0; i < 20; i++) {
        struct arch a;
        struct arch again;
        struct label_strata anew = labels_cut(&conf);
        ck_assert(labels_draw(&conf, &s, i, seen, &a));
        ck_assert(labels_draw(&conf, &anew, i, seen, &again));
        ck_assert(arch_equal(&a, &again));
        seen_add(seen, &a);
    }
    seen_destroy(seen);
}
END_TEST

START_TEST(a_small_space_is_labelled_to_its_last_network)
{
    parse("{depth: [1], width: [8, 16], kernel: [1, 3], cat: [8]}");
    uint64_t n_all = 0;
    ck_assert_int_eq(space_count(&conf.space, &n_all), ERR_OK);
    struct label_strata s = labels_cut(&conf);
    struct seen *seen = seen_create();
    struct arch a;
    uint32_t n = 0;
    while (labels_draw(&conf, &s, n, seen, &a)) {
        ck_assert(seen_add(seen, &a));
        n++;
    }
    ck_assert_uint_eq(n, n_all);
    seen_destroy(seen);
}
END_TEST

TEST_SUITE(labels, labels_fill_all_strata_of_the_cost_alike,
           a_label_depends_on_its_number_and_on_which_are_there,
           a_small_space_is_labelled_to_its_last_network)
