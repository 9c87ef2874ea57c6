// SPDX-License-Identifier: Apache-2.0
// test_latency_quality.c - tables judged by networks measured whole.
#include "common/space/latency_quality.h"
#include "tests/lib/check_main.h"

#include <string.h>

#define N 5

static struct latency_table *table(void)
{
    const char *csv = "section,k1,k2,k3,ms\n"
                      "layer1,80,1,8,1\nlayer1,80,1,64,2\n"
                      "blocks,8,1,8,1\nblocks,8,1,64,2\n"
                      "blocks,64,1,8,2\nblocks,64,1,64,4\n"
                      "catconv,8,8,0,1\ncatconv,64,8,0,3\n"
                      "pool,8,0,0,1\nembed,16,192,0,1\n";
    struct latency_table *t = NULL;
    ck_assert_int_eq(latency_table_parse(csv, strlen(csv), "t.csv", &t, NULL), ERR_OK);
    return t;
}

// One block, w channels outside and inside.
static struct arch net(int w)
{
    return (struct arch){.depth = 1, .width = {w, w}, .kernel = {1, 1}, .cat = 8};
}

START_TEST(a_table_that_is_a_tenth_short_is_said_to_be)
{
    const struct net_dims paper = DIMS_PAPER;
    struct latency_table *t = table();
    struct arch archs[N];
    double ms[N];
    for (int i = 0; i < N; i++) {
        archs[i] = net(8 + 8 * i);
        ck_assert(latency_of(t, &archs[i], &paper, &ms[i]));
        ms[i] /= .9;
    }
    struct latency_quality q = latency_quality_of(t, &paper, archs, ms, N);
    ck_assert_uint_eq(q.n_compared, N);
    ck_assert_double_eq_tol(q.spearman, 1, 1e-12);
    ck_assert_double_eq_tol(q.median_error, .1, 1e-12);
    ck_assert_double_eq_tol(q.p95_error, .1, 1e-12);
    latency_table_destroy(t);
}
END_TEST

START_TEST(one_bad_network_in_five_is_seen_by_the_95th_percentile_alone)
{
    const struct net_dims paper = DIMS_PAPER;
    struct latency_table *t = table();
    struct arch archs[N];
    double ms[N];
    for (int i = 0; i < N; i++) {
        archs[i] = net(8 + 8 * i);
        ck_assert(latency_of(t, &archs[i], &paper, &ms[i]));
    }
    ms[4] *= 2;
    struct latency_quality q = latency_quality_of(t, &paper, archs, ms, N);
    ck_assert_double_eq_tol(q.median_error, 0, 1e-12);
    ck_assert_double_eq_tol(q.p95_error, .4, 1e-12); // .8 of the way to .5
    latency_table_destroy(t);
}
END_TEST

START_TEST(networks_that_are_not_covered_are_not_counted)
{
    const struct net_dims paper = DIMS_PAPER;
    struct latency_table *t = table();
    struct arch archs[] = {net(8), net(72), net(64)};
    const double ms[] = {1, 1, 1};
    ck_assert_uint_eq(latency_quality_of(t, &paper, archs, ms, 3).n_compared, 2);
    ck_assert_uint_eq(latency_quality_of(t, &paper, archs + 1, ms, 1).n_compared, 0);
    ck_assert(latency_quality_of(t, &paper, archs + 1, ms, 1).spearman == 0);
    latency_table_destroy(t);
}
END_TEST

TEST_SUITE(latency_quality, a_table_that_is_a_tenth_short_is_said_to_be,
           one_bad_network_in_five_is_seen_by_the_95th_percentile_alone,
           networks_that_are_not_covered_are_not_counted)
