// SPDX-License-Identifier: Apache-2.0
// test_vary.c - whatever is made of networks of a space is a network of the space.
#include "coordinator/search/vary.h"
#include "tests/unit/coordinator/search/search_fixture.h"

static struct space space;

static int n_differences(const struct arch *a, const struct arch *b)
{
    int n = a->cat != b->cat;
    for (int i = 0; i <= a->depth; i++) {
        n += (a->width[i] != b->width[i]) + (a->kernel[i] != b->kernel[i]);
    }
    return n;
}

START_TEST(children_of_any_depth_are_canonical_and_in_the_space)
{
    fixture_coarse(&space);
    for (uint64_t i = 0; i < 5000; i++) {
        struct rng r = rng_stream(1, RNG_TEST, i, 0);
        struct arch a = space_draw(&space, &r);
        struct arch b = space_draw(&space, &r);
        struct arch child = vary_cross(&space, &a, &b, &r);
        ck_assert(space_contains(&space, &child));
        ck_assert(child.depth == a.depth || child.depth == b.depth);
        for (int j = 0; j <= child.depth; j++) {
            bool is_inherited = (j <= a.depth && child.width[j] == a.width[j]) ||
                                (j <= b.depth && child.width[j] == b.width[j]);
            ck_assert(is_inherited);
        }
        vary_mutate(&space, &child, .2, &r);
        ck_assert(space_contains(&space, &child));
    }
}
END_TEST

START_TEST(a_step_changes_exactly_one_gene)
{
    fixture_coarse(&space);
    for (uint64_t i = 0; i < 5000; i++) {
        struct rng r = rng_stream(2, RNG_TEST, i, 0);
        struct arch a = space_draw(&space, &r);
        struct arch b = a;
        ck_assert(vary_step(&space, &b, &r));
        ck_assert(space_contains(&space, &b));
        ck_assert(a.depth != b.depth || n_differences(&a, &b) == 1);
    }
}
END_TEST

START_TEST(a_mutation_always_changes_something)
{
    fixture_coarse(&space);
    struct rng r = rng_stream(3, RNG_TEST, 0, 0);
    for (int i = 0; i < 1000; i++) {
        struct arch a = space_draw(&space, &r);
        struct arch b = a;
        vary_mutate(&space, &b, 1e-9, &r);
        ck_assert(!arch_equal(&a, &b));
    }
}
END_TEST

START_TEST(where_nothing_can_change_nothing_does)
{
    const struct value_list one = {1, {2}};
    const struct value_list widths = {1, {64}};
    const struct value_list kernels = {1, {3}};
    ck_assert_int_eq(space_build(&space, &one, &widths, &kernels, &widths, NULL),
                     ERR_OK);
    struct rng r = rng_stream(4, RNG_TEST, 0, 0);
    struct arch a = space_smallest(&space);
    struct arch b = a;
    ck_assert(!vary_step(&space, &b, &r));
    vary_mutate(&space, &b, 1, &r);
    ck_assert(arch_equal(&a, &b));
}
END_TEST

struct tally {
    struct arch of;
    int n;
};

static bool count_neighbour(void *arg, const struct arch *neighbour)
{
    struct tally *t = arg;
    ck_assert(space_contains(&space, neighbour));
    ck_assert(!arch_equal(&t->of, neighbour));
    t->n++;
    return true;
}

START_TEST(all_neighbours_are_visited)
{
    fixture_coarse(&space);
    struct tally t = {.of = space_smallest(&space)};
    vary_neighbours(&space, &t.of, count_neighbour, &t);
    ck_assert_int_eq(t.n, 2 + 3 * (4 + 2) + 4); // depth, three layers, cat
}
END_TEST

START_TEST(a_repaired_network_keeps_the_limits)
{
    fixture_coarse(&space);
    for (uint64_t i = 0; i < 500; i++) {
        struct rng r = rng_stream(5, RNG_TEST, i, 0);
        struct problem p = fixture_problem(&space, 443968. + (double)i * 10000);
        struct arch a = space_draw(&space, &r);
        ck_assert(vary_repair(&p, &a, &r));
        ck_assert(space_contains(&space, &a));
        ck_assert(problem_admits(&p, &a));
    }
    struct rng r = rng_stream(6, RNG_TEST, 0, 0);
    struct problem p = fixture_problem(&space, 443967);
    struct arch a = space_draw(&space, &r);
    ck_assert(!vary_repair(&p, &a, &r));
}
END_TEST

static const struct gene *changed_gene(const struct arch *a, const struct arch *b)
{
    for (int i = 0; i < space.n_genes; i++) {
        const struct gene *g = &space.genes[i];
        if (g->layer <= a->depth &&
            arch_value(a, g->kind, g->layer) != arch_value(b, g->kind, g->layer)) {
            return g;
        }
    }
    return NULL;
}

// Whether any larger value of the gene keeps the limits.
static bool could_be_larger(const struct problem *p, struct arch a,
                            const struct gene *g)
{
    int at = arch_value(&a, g->kind, g->layer);
    for (int i = 0; i < g->n_values; i++) {
        *arch_field(&a, g->kind, g->layer) = g->values[i];
        if (g->values[i] > at && problem_admits(p, &a)) {
            return true;
        }
    }
    return false;
}

START_TEST(one_gene_set_to_the_limit_leaves_no_room_for_it)
{
    int n_raised = 0;
    int n_lowered = 0;
    fixture_coarse(&space);
    for (uint64_t i = 0; i < 3000; i++) {
        struct rng r = rng_stream(7, RNG_TEST, i, 0);
        struct problem p = fixture_problem(&space, 500000. + (double)(i % 500) * 10000);
        struct arch a = space_draw(&space, &r);
        struct arch b = a;
        bool is_within = problem_admits(&p, &a);
        bool is_set = vary_to_limit(&p, &b, &r);
        const struct gene *g = changed_gene(&a, &b);
        ck_assert(space_contains(&space, &b));
        ck_assert(is_set == problem_admits(&p, &b));
        ck_assert(is_set || (!is_within && !g));
        if (g) {
            ck_assert(g->kind != GENE_DEPTH && n_differences(&a, &b) == 1);
            ck_assert(!could_be_larger(&p, b, g));
            n_raised += is_within;
            n_lowered += !is_within;
        }
    }
    ck_assert_int_gt(n_raised, 100);
    ck_assert_int_gt(n_lowered, 100);
}
END_TEST

TEST_SUITE(vary, children_of_any_depth_are_canonical_and_in_the_space,
           a_step_changes_exactly_one_gene, a_mutation_always_changes_something,
           where_nothing_can_change_nothing_does, all_neighbours_are_visited,
           a_repaired_network_keeps_the_limits,
           one_gene_set_to_the_limit_leaves_no_room_for_it)
