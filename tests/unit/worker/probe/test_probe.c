// SPDX-License-Identifier: Apache-2.0
// test_probe.c - what many times come to; units that add up to their network.
#include "tests/lib/check_main.h"
#include "worker/kernels/backend.h"
#include "worker/probe/latency.h"
#include "worker/probe/samples.h"

#include <math.h>
#include <string.h>

START_TEST(times_are_summed_up_by_their_order)
{
    struct samples *s = samples_create(2, 9);
    const double times[] = {5, 1, 9, 3, 7, 2, 8, 4, 100};
    for (size_t i = 0; i < 9; i++) {
        double *row = samples_next(s);
        row[0] = times[i];
        row[1] = 1;
        samples_keep(s);
    }
    ck_assert_ptr_null(samples_next(s));
    struct timing t = samples_timing(s, 0);
    ck_assert_double_eq(t.median_ms, 5);
    ck_assert_double_eq(t.spread_ms, 8 - 3);
    ck_assert_double_eq_tol(t.p90_ms, 9 + 0.2 * 91, 1e-9);
    ck_assert_uint_eq(t.n, 9);
    ck_assert_double_eq(samples_spread(&t), 1);
    t = samples_timing(s, 1);
    ck_assert_double_eq(samples_error(&t), 0);
    samples_clear(s);
    ck_assert_uint_eq(samples_count(s), 0);
    samples_destroy(s);
}
END_TEST

static struct latency_setup setup_for(const char *arch, struct cpus *cpus)
{
    struct latency_setup s = {.kernels = backend_find("blas"),
                              .cpus = cpus,
                              .dims = DIMS_PAPER,
                              .batch = 2,
                              .frames = 60,
                              .budget_ms = 300};
    struct errinfo why = {0};
    ck_assert_int_eq(arch_parse(arch, &s.arch, &why), ERR_OK);
    ck_assert_msg(latency_open(1, cpus, &why) == ERR_OK, "%s", why.text);
    return s;
}

START_TEST(the_units_of_a_network_add_up_to_it)
{
    struct cpus cpus;
    struct latency_setup s = setup_for("2-128-64-128-3-1-5-384", &cpus);
    struct measure_result r;
    struct errinfo why = {0};
    ck_assert_msg(latency_measure(&s, &r, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(r.n_units, 6);
    double sum_ms = 0;
    for (uint32_t i = 0; i < r.n_units; i++) {
        ck_assert_double_gt(r.units[i].median_ms, 0);
        ck_assert_double_le(r.units[i].median_ms, r.units[i].p90_ms);
        ck_assert_uint_eq(r.units[i].n, r.whole.n);
        sum_ms += r.units[i].median_ms;
    }
    ck_assert_uint_ge(r.whole.n, 5);
    // Medians of parts do not quite add up, and less so on a machine that is busy.
    ck_assert_double_gt(sum_ms, 0.5 * r.whole.median_ms);
    ck_assert_double_lt(sum_ms, 1.1 * r.whole.median_ms);
    ck_assert_double_gt(r.seconds, 0);
}
END_TEST

START_TEST(a_measurement_says_on_what_it_was_made)
{
    struct cpus cpus;
    struct latency_setup s = setup_for("1-64-64-1-1-96", &cpus);
    struct measure_result r;
    ck_assert_int_eq(latency_measure(&s, &r, NULL), ERR_OK);
    static const char *const keys[] = {
        "processor: ", "pinned to processors: ", "compute: blas\n",
        "library: ", "used by others: "};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        ck_assert_msg(strstr(r.provenance, keys[i]) != NULL, "%s in\n%s", keys[i],
                      r.provenance);
    }
}
END_TEST

static bool refuse(void *arg, double fraction)
{
    ck_assert(fraction >= 0 && fraction <= 1);
    ++*(int *)arg;
    return false;
}

START_TEST(a_measurement_that_nobody_wants_any_more_stops)
{
    struct cpus cpus;
    struct latency_setup s = setup_for("1-64-64-1-1-96", &cpus);
    int n_asked = 0;
    s.progress = refuse;
    s.arg = &n_asked;
    struct measure_result r;
    ck_assert_int_eq(latency_measure(&s, &r, NULL), ERR_CANCELLED);
    ck_assert_int_eq(n_asked, 1);
}
END_TEST

START_TEST(more_threads_than_processors_cannot_be_timed)
{
    struct cpus cpus;
    struct errinfo why = {0};
    ck_assert_int_eq(latency_open(1, &cpus, &why), ERR_OK);
    ck_assert_int_eq(cpus.n, 1);
    // Pinned to one processor, this process may use no other.
    ck_assert_int_eq(latency_open(2, &cpus, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "may use 1 processor"));
}
END_TEST

START_TEST(what_others_used_is_a_share_of_the_time_between)
{
    const struct cpus_time a = {
        .is_known = true, .n_taken = 2, .n_rest = 4, .taken_s = 10};
    struct cpus_time b = a;
    b.wall_ns = 2000000000;
    b.own_ns = 3000000000;
    b.taken_s = 13.5;
    b.stolen_s = 0.4;
    b.others_s = 4;
    struct cpus_use u = cpus_use_between(&a, &b);
    ck_assert_double_eq_tol(u.foreign, 0.125, 1e-9);
    ck_assert_double_eq_tol(u.stolen, 0.1, 1e-9);
    ck_assert_double_eq_tol(u.elsewhere, 0.5, 1e-9);
    b.is_known = false;
    ck_assert_double_eq(cpus_use_between(&a, &b).foreign, 0);
}
END_TEST

TEST_SUITE(probe, times_are_summed_up_by_their_order,
           the_units_of_a_network_add_up_to_it, a_measurement_says_on_what_it_was_made,
           a_measurement_that_nobody_wants_any_more_stops,
           more_threads_than_processors_cannot_be_timed,
           what_others_used_is_a_share_of_the_time_between)
