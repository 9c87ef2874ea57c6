// SPDX-License-Identifier: Apache-2.0
// search_fixture.h - problems for strategies that need no files: an error that falls
// with size and has its own optimum in every gene.
#ifndef TESTS_UNIT_COORDINATOR_SEARCH_SEARCH_FIXTURE_H
#define TESTS_UNIT_COORDINATOR_SEARCH_SEARCH_FIXTURE_H

#include "coordinator/search/strategy.h"
#include "tests/lib/check_main.h"

#include <math.h>

static const struct net_dims fixture_dims = DIMS_PAPER;

// 4,066,875 architectures.
static inline void fixture_coarse(struct space *s)
{
    const struct value_list depths = {3, {2, 3, 4}};
    const struct value_list widths = {5, {128, 176, 256, 384, 512}};
    const struct value_list kernels = {3, {1, 3, 5}};
    const struct value_list cats = {5, {384, 536, 768, 1152, 1536}};
    ck_assert_int_eq(space_build(s, &depths, &widths, &kernels, &cats, NULL), ERR_OK);
}

// (4 + 8) x 2 = 24 architectures.
static inline void fixture_small(struct space *s)
{
    const struct value_list depths = {2, {1, 2}};
    const struct value_list widths = {2, {64, 128}};
    const struct value_list kernels = {1, {1}};
    const struct value_list cats = {2, {96, 128}};
    ck_assert_int_eq(space_build(s, &depths, &widths, &kernels, &cats, NULL), ERR_OK);
}

static inline struct problem fixture_problem(const struct space *s, double max_params)
{
    struct problem p = {.space = s,
                        .dims = fixture_dims,
                        .n_frames = 300,
                        .n_objectives = 1,
                        .objectives = {{.kind = OBJECTIVE_EER}}};
    if (max_params > 0) {
        p.n_constraints = 1;
        p.constraints[0] = (struct constraint){.objective = {.kind = OBJECTIVE_PARAMS},
                                               .limit = max_params};
    }
    return p;
}

static inline double fixture_eer(const struct arch *a)
{
    double eer = 6 - .5 * a->depth - .3 * log(a->cat);
    for (int i = 0; i <= a->depth; i++) {
        eer -= .08 * log(a->width[i]) + .03 * cos(a->kernel[i] + i);
    }
    return eer + .02 * sin((double)(arch_hash(a) % 1000));
}

#endif
