// SPDX-License-Identifier: Apache-2.0
// test_problem.c - limits and costs of networks, and problems that make no sense.
#include "common/space/named.h"
#include "coordinator/search/problem.h"
#include "tests/lib/check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct space coarse;

static struct latency_table *table(double pool_ms)
{
    char csv[512];
    struct latency_table *t = NULL;
    snprintf(csv, sizeof(csv),
             "section,k1,k2,k3,ms\nlayer1,80,1,128,1\nblocks,128,1,128,2\n"
             "catconv,256,384,0,3\npool,384,0,0,%g\nembed,768,192,0,5\n",
             pool_ms);
    ck_assert_int_eq(latency_table_parse(csv, strlen(csv), "t.csv", &t, NULL), ERR_OK);
    return t;
}

static struct problem problem(void)
{
    ck_assert(named_space("coarse", &coarse));
    return (struct problem){.space = &coarse, .dims = DIMS_PAPER, .n_frames = 300};
}

static void add_device(struct problem *p, const char *name,
                       const struct latency_table *t)
{
    struct problem_device *d = &p->devices[p->n_devices++];
    snprintf(d->name, sizeof(d->name), "%s", name);
    d->table = t;
}

static void limit(struct problem *p, const char *text)
{
    ck_assert_int_eq(constraint_parse(text, &p->constraints[p->n_constraints++], NULL),
                     ERR_OK);
}

static double cost(const struct problem *p, const char *objective, const char *arch)
{
    struct objective o;
    struct arch a;
    ck_assert_int_eq(objective_parse(objective, &o, NULL), ERR_OK);
    ck_assert_int_eq(arch_parse(arch, &a, NULL), ERR_OK);
    return problem_cost(p, &o, &a);
}

START_TEST(costs_are_those_of_the_network)
{
    struct problem p = problem();
    struct latency_table *t = table(4);
    const char *smallest = "2-128-128-128-1-1-1-384";
    add_device(&p, "board", t);
    ck_assert(cost(&p, "params", smallest) == 443968);
    ck_assert(cost(&p, "bytes", smallest) == 4 * 443968);
    ck_assert_double_eq_tol(cost(&p, "macs", smallest) / 1e6, 83.47, .005);
    ck_assert(cost(&p, "latency", smallest) == 1 + 2 * 2 + 3 + 4 + 5);
    ck_assert(cost(&p, "latency@board", smallest) == 17);
    ck_assert(isinf(cost(&p, "latency", "2-128-128-128-1-1-3-384")));
    latency_table_destroy(t);
}
END_TEST

START_TEST(each_device_has_its_own_table)
{
    struct problem p = problem();
    struct latency_table *slow = table(40);
    struct latency_table *fast = table(4);
    const char *smallest = "2-128-128-128-1-1-1-384";
    add_device(&p, "slow", slow);
    add_device(&p, "fast", fast);
    ck_assert(cost(&p, "latency@slow", smallest) == 53);
    ck_assert(cost(&p, "latency@fast", smallest) == 17);
    latency_table_destroy(slow);
    latency_table_destroy(fast);
}
END_TEST

START_TEST(what_exceeds_a_limit_does_so_by_its_part_of_the_limit)
{
    struct problem p = problem();
    struct arch a;
    ck_assert_int_eq(arch_parse("2-128-128-128-1-1-1-384", &a, NULL), ERR_OK);
    ck_assert(problem_excess(&p, &a) == 0);
    ck_assert(problem_admits(&p, &a));
    limit(&p, "params <= 443968");
    limit(&p, "eer <= 0"); // no cost: not looked at
    ck_assert(problem_excess(&p, &a) == 0);
    ck_assert(problem_admits(&p, &a));
    limit(&p, "params < 443968");
    ck_assert(problem_excess(&p, &a) > 0);
    ck_assert(problem_excess(&p, &a) < 1e-300);
    ck_assert(!problem_admits(&p, &a));
    limit(&p, "bytes <= 443968");
    ck_assert_double_eq_tol(problem_excess(&p, &a), 3, 1e-12);
    limit(&p, "params <= 0");
    ck_assert_double_eq_tol(problem_excess(&p, &a), 3 + 443968, 1e-6);
}
END_TEST

START_TEST(a_network_the_table_does_not_cover_is_not_admitted)
{
    struct problem p = problem();
    struct latency_table *t = table(4);
    struct arch a;
    add_device(&p, "board", t);
    limit(&p, "latency <= 1000s");
    ck_assert_int_eq(arch_parse("2-128-128-128-1-1-1-384", &a, NULL), ERR_OK);
    ck_assert(problem_admits(&p, &a));
    ck_assert_int_eq(arch_parse("3-128-128-128-128-1-1-1-1-384", &a, NULL), ERR_OK);
    ck_assert(!problem_admits(&p, &a));
    ck_assert(isinf(problem_excess(&p, &a)));
    latency_table_destroy(t);
}
END_TEST

static void refused(const struct problem *p, const char *sentence)
{
    struct errinfo why = {0};
    ck_assert_int_eq(problem_check(p, &why), ERR_INPUT);
    ck_assert_str_eq(why.text, sentence);
}

START_TEST(latencies_need_a_table_of_their_device)
{
    struct problem p = problem();
    struct latency_table *t = table(4);
    limit(&p, "latency < 15ms");
    refused(&p, "latency needs a latency table, and there is none");
    add_device(&p, "board", t);
    ck_assert_int_eq(problem_check(&p, NULL), ERR_OK);
    add_device(&p, "phone", t);
    refused(&p, "latency of which device? allowed: latency@DEVICE with one of board, "
                "phone");
    p.n_constraints = 0;
    limit(&p, "latency@phome < 1");
    refused(&p,
            "there is no latency table for device \"phome\"; allowed: board, phone");
    p.n_constraints = 0;
    p.n_objectives = 1;
    p.objectives[0] = (struct objective){OBJECTIVE_LATENCY, "phone"};
    ck_assert_int_eq(problem_check(&p, NULL), ERR_OK);
    latency_table_destroy(t);
}
END_TEST

START_TEST(a_space_must_fit_the_supernet)
{
    struct problem p = problem();
    p.dims.max_width = 256;
    refused(&p, "width 0 is 512; the supernet has at most 256");
    p = problem();
    p.n_frames = 0;
    refused(&p, "MACs at 0 frames; allowed: from 1");
}
END_TEST

TEST_SUITE(problem, costs_are_those_of_the_network, each_device_has_its_own_table,
           what_exceeds_a_limit_does_so_by_its_part_of_the_limit,
           a_network_the_table_does_not_cover_is_not_admitted,
           latencies_need_a_table_of_their_device, a_space_must_fit_the_supernet)
