// SPDX-License-Identifier: Apache-2.0
// test_rows.c - rows of studies, trials, losses and workers come back as they went in.
#include "coordinator/store/device_row.h"
#include "coordinator/store/loss.h"
#include "coordinator/store/trial.h"
#include "coordinator/store/worker_row.h"
#include "tests/lib/check_main.h"
#include "tests/unit/coordinator/store/store_fixture.h"

static void begin(void)
{
    fixture_open();
    OK(store_begin(fixture.store, &fixture.why));
}

static struct trial_row a_trial(void)
{
    struct trial_row row = {.study_id = fixture.study_id,
                            .origin = TRIAL_SEARCH,
                            .stage = 4,
                            .proposal = 17,
                            .protocol = 1,
                            .complexity = {5789760, 1445210000, 23159040}};
    OK(arch_parse("3-512-512-512-512-5-3-3-3-1536", &row.arch, &fixture.why));
    fixture_hash(row.checkpoint, 'd');
    return row;
}

START_TEST(a_study_comes_back_as_it_was_updated)
{
    begin();
    struct study_row row;
    OK(study_row_get(fixture.store, fixture.study_id, &row));
    row.state = STUDY_FAILED;
    row.position = 1ull << 40;
    snprintf(row.error, sizeof(row.error), "out of luck");
    OK(study_row_update(fixture.store, &row, &fixture.why));
    struct study_row again;
    OK(study_row_by_name(fixture.store, "a", &again));
    ck_assert_int_eq(again.state, STUDY_FAILED);
    ck_assert_uint_eq(again.position, 1ull << 40);
    ck_assert_str_eq(again.error, "out of luck");
    ck_assert_int_eq(study_row_by_name(fixture.store, "b", &again), ERR_NOTFOUND);
    row.id = 99;
    ck_assert_int_eq(study_row_update(fixture.store, &row, NULL), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

START_TEST(a_trial_is_there_once_per_key)
{
    begin();
    struct trial_row first = a_trial();
    OK(trial_insert(fixture.store, &first, &fixture.why));
    struct trial_row again = a_trial();
    ck_assert_int_eq(trial_insert(fixture.store, &again, NULL), ERR_BUSY);
    ck_assert_uint_eq(again.id, first.id);
    again.protocol = 0;
    OK(trial_insert(fixture.store, &again, &fixture.why));
    ck_assert_uint_ne(again.id, first.id);
    fixture_close();
}
END_TEST

START_TEST(a_measured_trial_has_its_numbers)
{
    begin();
    struct trial_row row = a_trial();
    OK(trial_insert(fixture.store, &row, &fixture.why));
    struct evaluate_result r = {.eer_percent = 2.25,
                                .mindcf_p01 = .3,
                                .mindcf_p05 = .2,
                                .n_trials = 37720,
                                .seconds = 8.5};
    OK(trial_measured(fixture.store, row.id, &r, &fixture.why));
    struct trial_row got;
    OK(trial_get(fixture.store, row.id, &got));
    ck_assert(got.is_measured && !got.has_failed);
    ck_assert(arch_equal(&got.arch, &row.arch));
    ck_assert_double_eq(got.result.eer_percent, 2.25);
    ck_assert_uint_eq(got.result.n_trials, 37720);
    ck_assert_uint_eq(got.complexity.macs, 1445210000);
    ck_assert_int_eq(trial_measured(fixture.store, 99, &r, NULL), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

START_TEST(a_fine_tuned_trial_has_its_numbers_and_losses)
{
    begin();
    struct trial_row row = a_trial();
    row.origin = TRIAL_FINETUNE;
    OK(trial_insert(fixture.store, &row, &fixture.why));
    const struct finetune_result r = {
        .evaluation = {.eer_percent = 4.5, .network = "n", .seconds = 9},
        .loss_first = 3.25,
        .loss_last = 1.125};
    OK(trial_finetuned(fixture.store, row.id, &r, &fixture.why));
    struct trial_row got;
    OK(trial_get(fixture.store, row.id, &got));
    ck_assert_int_eq(got.origin, TRIAL_FINETUNE);
    ck_assert(got.is_measured);
    ck_assert_double_eq(got.result.eer_percent, 4.5);
    ck_assert_str_eq(got.result.network, "n");
    ck_assert_double_eq(got.loss_first, 3.25);
    ck_assert_double_eq(got.loss_last, 1.125);
    ck_assert_int_eq(trial_finetuned(fixture.store, 99, &r, NULL), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

static bool count_trial(void *arg, const struct trial_row *row)
{
    (void)row;
    ++*(int *)arg;
    return true;
}

START_TEST(trials_are_visited_by_origin)
{
    begin();
    struct trial_row row = a_trial();
    OK(trial_insert(fixture.store, &row, &fixture.why));
    row.protocol = 0;
    row.origin = TRIAL_STAGE;
    OK(trial_insert(fixture.store, &row, &fixture.why));
    OK(trial_failed(fixture.store, row.id, &fixture.why));
    int n = 0;
    OK(trial_each(fixture.store, fixture.study_id, TRIAL_STAGE, count_trial, &n,
                  &fixture.why));
    ck_assert_int_eq(n, 1);
    OK(trial_each(fixture.store, fixture.study_id, 0, count_trial, &n, &fixture.why));
    ck_assert_int_eq(n, 3);
    fixture_close();
}
END_TEST

static bool add_loss(void *arg, const struct loss_row *row)
{
    *(double *)arg += row->loss;
    return true;
}

START_TEST(losses_come_back)
{
    begin();
    struct loss_row row = {
        .study_id = fixture.study_id, .stage = 1, .position = 5, .loss = 2.5};
    OK(loss_insert(fixture.store, &row, &fixture.why));
    row.loss = .5;
    OK(loss_insert(fixture.store, &row, &fixture.why));
    double sum = 0;
    OK(loss_each(fixture.store, fixture.study_id, add_loss, &sum, &fixture.why));
    ck_assert_double_eq(sum, 3.0);
    fixture_close();
}
END_TEST

START_TEST(a_worker_keeps_its_id_for_its_session)
{
    begin();
    struct worker_row a = {.session = UINT64_MAX, .name = "a", .slots = 1};
    struct worker_row b = {.session = 7, .name = "b", .slots = 1};
    OK(worker_row_put(fixture.store, &a, &fixture.why));
    OK(worker_row_put(fixture.store, &b, &fixture.why));
    struct worker_row again = {.session = UINT64_MAX, .name = "a2", .slots = 4};
    OK(worker_row_put(fixture.store, &again, &fixture.why));
    ck_assert_uint_eq(again.id, a.id);
    ck_assert_uint_ne(b.id, a.id);
    OK(worker_row_get(fixture.store, a.id, &again));
    ck_assert_str_eq(again.name, "a2");
    ck_assert_uint_eq(again.session, UINT64_MAX);
    ck_assert_int_eq(worker_row_get(fixture.store, 99, &again), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

static bool add_id(void *arg, const struct worker_row *row)
{
    uint64_t *digits = arg;
    *digits = 10 * *digits + row->id;
    return true;
}

START_TEST(a_worker_finds_the_earlier_ones_of_its_name)
{
    begin();
    static const char *const names[] = {"a", "b", "a", "a", "b"};
    struct worker_row rows[5] = {{0}};
    for (size_t i = 0; i < 5; i++) {
        rows[i].session = i + 1;
        snprintf(rows[i].name, sizeof(rows[i].name), "%s", names[i]);
        OK(worker_row_put(fixture.store, &rows[i], &fixture.why));
    }
    uint64_t ids = 0;
    OK(worker_row_each_before(fixture.store, &rows[3], add_id, &ids, &fixture.why));
    ck_assert_uint_eq(ids, 13);
    ids = 0;
    OK(worker_row_each_before(fixture.store, &rows[0], add_id, &ids, &fixture.why));
    ck_assert_uint_eq(ids, 0);
    fixture_close();
}
END_TEST

static bool add_device(void *arg, const struct device_row *row)
{
    struct device_row **at = arg;
    *(*at)++ = *row;
    return true;
}

START_TEST(devices_come_back_in_their_order)
{
    begin();
    struct device_row rows[2] = {
        {.study_id = fixture.study_id, .name = "phone", .state = DEVICE_MEASURING},
        {.study_id = fixture.study_id, .name = "board", .state = DEVICE_DONE}};
    OK(device_row_insert(fixture.store, &rows[0], &fixture.why));
    OK(device_row_insert(fixture.store, &rows[1], &fixture.why));
    ck_assert_int_ne(device_row_insert(fixture.store, &rows[1], NULL), ERR_OK);
    fixture_hash(rows[0].latencies, 'e');
    rows[0].state = DEVICE_CHECKING;
    rows[0].n_noisy = 3;
    rows[0].p95_error = 0.04;
    snprintf(rows[0].error, sizeof(rows[0].error), "none");
    OK(device_row_update(fixture.store, &rows[0], &fixture.why));
    struct device_row got[2];
    struct device_row *at = got;
    OK(device_row_each(fixture.store, fixture.study_id, add_device, &at, &fixture.why));
    ck_assert_ptr_eq(at, got + 2);
    ck_assert_str_eq(got[0].name, "phone");
    ck_assert_str_eq(got[0].latencies, rows[0].latencies);
    ck_assert_int_eq(got[0].state, DEVICE_CHECKING);
    ck_assert_uint_eq(got[0].n_noisy, 3);
    ck_assert_double_eq(got[0].p95_error, 0.04);
    ck_assert_str_eq(got[1].name, "board");
    snprintf(rows[0].name, sizeof(rows[0].name), "watch");
    ck_assert_int_eq(device_row_update(fixture.store, &rows[0], NULL), ERR_NOTFOUND);
    fixture_close();
}
END_TEST

TEST_SUITE(rows, devices_come_back_in_their_order, a_study_comes_back_as_it_was_updated,
           a_trial_is_there_once_per_key, a_measured_trial_has_its_numbers,
           a_fine_tuned_trial_has_its_numbers_and_losses, trials_are_visited_by_origin,
           losses_come_back, a_worker_keeps_its_id_for_its_session,
           a_worker_finds_the_earlier_ones_of_its_name)
