// SPDX-License-Identifier: Apache-2.0
// test_plan.c - each state of a study and what it asks for next.
#include "coordinator/study/plan.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

#define SHARDS_MAX 4

// A study of 100 utterances in batches of 10, 5 epochs: 50 batches, 20 candidates.
struct scene {
    struct study_conf *conf;
    struct study_row study;
    struct task_row shards[SHARDS_MAX];
    struct plan_view view;
};

static void scene_open(struct scene *s, enum study_state state)
{
    memset(s, 0, sizeof(*s));
    s->conf = calloc(1, sizeof(*s->conf));
    ck_assert_ptr_nonnull(s->conf);
    s->conf->train.n_stages = 2;
    s->conf->train.batch = 10;
    s->conf->train.round_steps = 8;
    s->conf->train.max_shards = SHARDS_MAX;
    s->conf->train.stages[0].epochs = 5;
    s->conf->train.stages[1].epochs = 5;
    s->conf->search.candidates = 20;
    s->study.state = state;
    s->study.n_train_utts = 100;
    s->view.conf = s->conf;
    s->view.study = &s->study;
    s->view.shards = s->shards;
    s->view.n_workers = 2;
}

static void scene_close(struct scene *s)
{
    free(s->conf);
}

static void add_shards(struct scene *s, uint32_t n, enum task_state state)
{
    struct train_round r = train_round_cut(s->conf, s->study.stage, s->study.round,
                                           s->study.position, 50, n);
    ck_assert_uint_eq(r.n_shards, n);
    for (uint32_t i = 0; i < n; i++) {
        s->shards[i].id = 100 + i;
        s->shards[i].state = state;
        s->shards[i].spec.train = train_round_task(&r, i);
        s->shards[i].result.train.checkpoint[0] = (char)('a' + i);
    }
    s->view.n_shards = n;
}

static enum plan_kind next_kind(const struct scene *s)
{
    return plan_next(&s->view).kind;
}

START_TEST(a_new_study_is_packed_then_started)
{
    struct scene s;
    scene_open(&s, STUDY_PACKING);
    ck_assert_int_eq(next_kind(&s), PLAN_PACK);
    s.view.job.state = PLAN_JOB_RUNNING;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.job.state = PLAN_JOB_DONE;
    ck_assert_int_eq(next_kind(&s), PLAN_START);
    scene_close(&s);
}
END_TEST

START_TEST(a_pack_that_cannot_be_made_fails_the_study_with_its_error)
{
    struct scene s;
    scene_open(&s, STUDY_PACKING);
    s.view.job =
        (struct plan_job){.state = PLAN_JOB_FAILED, .error = "x.wav is no recording"};
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_FAIL);
    ck_assert_str_eq(d.error, "x.wav is no recording");
    scene_close(&s);
}
END_TEST

START_TEST(a_stage_without_a_round_gets_one)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    s.study.position = 16;
    s.study.round = 1;
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_ADD_ROUND);
    ck_assert_uint_eq(d.round.round, 1);
    ck_assert_uint_eq(d.round.position, 16);
    ck_assert_uint_eq(d.round.n_batches, 50);
    ck_assert_uint_eq(d.round.n_shards, 2);
    scene_close(&s);
}
END_TEST

START_TEST(a_round_waits_for_its_last_shard)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    add_shards(&s, 3, TASK_DONE);
    s.shards[1].state = TASK_LEASED;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.shards[1].state = TASK_READY;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.shards[1].state = TASK_DONE;
    ck_assert_int_eq(next_kind(&s), PLAN_MERGE);
    scene_close(&s);
}
END_TEST

START_TEST(one_shard_is_adopted_without_a_merge)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    add_shards(&s, 1, TASK_DONE);
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_ADOPT);
    ck_assert_str_eq(d.checkpoint, "a");
    ck_assert_uint_eq(d.position, 8);
    scene_close(&s);
}
END_TEST

START_TEST(a_finished_merge_is_adopted)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    add_shards(&s, 3, TASK_DONE);
    s.view.job.state = PLAN_JOB_RUNNING;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.job = (struct plan_job){.state = PLAN_JOB_DONE, .checkpoint = "merged"};
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_ADOPT);
    ck_assert_str_eq(d.checkpoint, "merged");
    ck_assert_uint_eq(d.position, 24);
    scene_close(&s);
}
END_TEST

START_TEST(a_buried_shard_fails_the_study)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    add_shards(&s, 2, TASK_LEASED);
    s.shards[1].state = TASK_BURIED;
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_FAIL);
    ck_assert_uint_eq(d.task_id, 101);
    scene_close(&s);
}
END_TEST

START_TEST(a_stage_ends_when_all_its_batches_are_consumed)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    s.study.position = 50;
    ck_assert_int_eq(next_kind(&s), PLAN_END_STAGE);
    scene_close(&s);
}
END_TEST

START_TEST(the_search_keeps_a_bounded_number_in_flight)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_PROPOSE);
    ck_assert_uint_eq(d.n_proposals, 8); // two workers: 2 x 2 + 4
    s.view.trials.n_proposed = 8;
    s.view.trials.n_open_candidates = 8;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.trials.n_open_candidates = 5;
    ck_assert_uint_eq(plan_next(&s.view).n_proposals, 3);
    s.view.trials.n_proposed = 19;
    ck_assert_uint_eq(plan_next(&s.view).n_proposals, 1);
    scene_close(&s);
}
END_TEST

START_TEST(a_strategy_thinks_beside_the_loop)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.view.job.state = PLAN_JOB_RUNNING;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.job.state = PLAN_JOB_DONE;
    ck_assert_int_eq(next_kind(&s), PLAN_ADOPT_PROPOSALS);
    s.view.job = (struct plan_job){.state = PLAN_JOB_FAILED, .error = "no table"};
    ck_assert_int_eq(next_kind(&s), PLAN_FAIL);
    ck_assert_str_eq(plan_next(&s.view).error, "no table");
    scene_close(&s);
}
END_TEST

START_TEST(however_many_workers_ask_a_bounded_number_is_added_at_once)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.view.n_workers = 5000;
    s.conf->search.candidates = s.conf->search.predictor.labels = 20000;
    s.study.state = STUDY_LABELLING;
    ck_assert_uint_eq(plan_next(&s.view).n_proposals, PLAN_ADDED_MAX);
    s.study.state = STUDY_SEARCHING;
    s.conf->search.predictor.labels = 0;
    ck_assert_uint_eq(plan_next(&s.view).n_proposals, PLAN_ADDED_MAX);
    scene_close(&s);
}
END_TEST

START_TEST(the_search_ends_when_every_candidate_is_settled)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.view.trials.n_proposed = 20;
    s.view.trials.n_open_candidates = 1;
    s.view.trials.n_measured_candidates = 18;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.trials.n_open_candidates = 0;
    ck_assert_int_eq(next_kind(&s), PLAN_END_SEARCH);
    scene_close(&s);
}
END_TEST

START_TEST(a_small_space_ends_the_search_early)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.view.trials.n_proposed = 6;
    s.view.trials.n_measured_candidates = 6;
    s.view.is_exhausted = true;
    ck_assert_int_eq(next_kind(&s), PLAN_END_SEARCH);
    scene_close(&s);
}
END_TEST

START_TEST(a_search_that_measured_nothing_fails)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.view.trials.n_proposed = 20;
    ck_assert_int_eq(next_kind(&s), PLAN_FAIL);
    scene_close(&s);
}
END_TEST

START_TEST(labels_are_added_as_workers_take_them_and_then_learnt_from)
{
    struct scene s;
    scene_open(&s, STUDY_LABELLING);
    s.conf->search.predictor.labels = 30;
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_LABEL);
    ck_assert_uint_eq(d.n_proposals, 8); // two workers: 2 x 2 + 4
    s.view.trials.n_labels = 28;
    s.view.trials.n_open_labels = 1;
    ck_assert_uint_eq(plan_next(&s.view).n_proposals, 2);
    s.view.trials.n_labels = 30;
    s.view.trials.n_measured_labels = 29;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.trials.n_open_labels = 0; // one was buried: the others will do
    ck_assert_int_eq(next_kind(&s), PLAN_END_LABELS);
    scene_close(&s);
}
END_TEST

START_TEST(a_space_smaller_than_the_labels_is_labelled_as_a_whole)
{
    struct scene s;
    scene_open(&s, STUDY_LABELLING);
    s.conf->search.predictor.labels = 30;
    s.view.trials.n_labels = s.view.trials.n_measured_labels = 16;
    s.view.is_exhausted = true;
    ck_assert_int_eq(next_kind(&s), PLAN_END_LABELS);
    scene_close(&s);
}
END_TEST

START_TEST(too_few_labels_fail_the_study)
{
    struct scene s;
    scene_open(&s, STUDY_LABELLING);
    s.conf->search.predictor.labels = 30;
    s.view.trials.n_labels = 30;
    s.view.trials.n_measured_labels = 9;
    ck_assert_int_eq(next_kind(&s), PLAN_FAIL);
    scene_close(&s);
}
END_TEST

START_TEST(predictors_are_fitted_once_every_latency_table_is_there)
{
    struct scene s;
    scene_open(&s, STUDY_FITTING);
    s.view.n_tables_missing = 1;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.n_tables_missing = 0;
    ck_assert_int_eq(next_kind(&s), PLAN_FIT);
    s.view.job.state = PLAN_JOB_RUNNING;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.job.state = PLAN_JOB_DONE;
    ck_assert_int_eq(next_kind(&s), PLAN_ADOPT_FIT);
    s.view.job =
        (struct plan_job){.state = PLAN_JOB_FAILED, .error = "no kind can be fitted"};
    ck_assert_str_eq(plan_next(&s.view).error, "no kind can be fitted");
    scene_close(&s);
}
END_TEST

START_TEST(what_a_fit_picked_is_all_that_is_evaluated)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.conf->search.predictor.labels = 30;
    s.view.trials.n_proposed = 12; // of 20 wanted: no more were found
    s.view.trials.n_open_candidates = 3;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.trials.n_open_candidates = 0;
    s.view.trials.n_measured_candidates = 12;
    ck_assert_int_eq(next_kind(&s), PLAN_END_SEARCH);
    scene_close(&s);
}
END_TEST

START_TEST(a_search_waits_for_the_latencies_that_its_limits_speak_of)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.view.n_tables_missing = 1;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.n_tables_missing = 0;
    ck_assert_int_eq(next_kind(&s), PLAN_PROPOSE);
    scene_close(&s);
}
END_TEST

START_TEST(guesses_are_made_beside_the_loop_a_bounded_number_at_a_time)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.conf->search.candidates = 1000;
    snprintf(s.conf->evaluate.surrogate.predictor, FILE_PATH_MAX, "/p.safetensors");
    s.view.n_workers = 0; // none is needed
    struct plan_decision d = plan_next(&s.view);
    ck_assert_int_eq(d.kind, PLAN_PROPOSE);
    ck_assert_uint_eq(d.n_proposals, 400);
    s.view.job.state = PLAN_JOB_RUNNING;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.job.state = PLAN_JOB_DONE;
    ck_assert_int_eq(next_kind(&s), PLAN_ADOPT_PROPOSALS);
    s.view.job.state = PLAN_JOB_NONE;
    s.view.trials.n_proposed = s.view.trials.n_measured_candidates = 900;
    ck_assert_uint_eq(plan_next(&s.view).n_proposals, 100);
    s.view.is_exhausted = true;
    ck_assert_int_eq(next_kind(&s), PLAN_END_SEARCH);
    scene_close(&s);
}
END_TEST

START_TEST(the_best_are_fine_tuned_once_it_is_known_which_they_are)
{
    struct scene s;
    scene_open(&s, STUDY_TUNING);
    s.view.n_tunings_missing = 2;
    s.view.n_tables_missing = 1;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.n_tables_missing = 0;
    ck_assert_int_eq(next_kind(&s), PLAN_TUNE);
    s.view.n_tunings_missing = 0;
    s.view.trials.n_open = s.view.trials.n_open_tunings = 2;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.trials.n_open_tunings = 0; // whatever else is open, failed or not
    ck_assert_int_eq(next_kind(&s), PLAN_END_TUNING);
    scene_close(&s);
}
END_TEST

START_TEST(winners_are_exported_before_results_are_written)
{
    struct scene s;
    scene_open(&s, STUDY_EXPORTING);
    s.view.n_exports_missing = 1;
    ck_assert_int_eq(next_kind(&s), PLAN_EXPORT);
    s.view.n_exports_missing = 0;
    s.view.trials.n_open = 1;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.trials.n_open = 0;
    ck_assert_int_eq(next_kind(&s), PLAN_WRITE);
    s.view.job.state = PLAN_JOB_RUNNING;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.view.job.state = PLAN_JOB_DONE;
    ck_assert_int_eq(next_kind(&s), PLAN_FINISH);
    scene_close(&s);
}
END_TEST

START_TEST(a_study_that_is_over_asks_for_nothing)
{
    struct scene s;
    scene_open(&s, STUDY_DONE);
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    s.study.state = STUDY_FAILED;
    ck_assert_int_eq(next_kind(&s), PLAN_WAIT);
    scene_close(&s);
}
END_TEST

TEST_SUITE(plan, a_new_study_is_packed_then_started,
           a_pack_that_cannot_be_made_fails_the_study_with_its_error,
           a_stage_without_a_round_gets_one, a_round_waits_for_its_last_shard,
           one_shard_is_adopted_without_a_merge, a_finished_merge_is_adopted,
           a_buried_shard_fails_the_study,
           a_stage_ends_when_all_its_batches_are_consumed,
           the_search_keeps_a_bounded_number_in_flight,
           a_strategy_thinks_beside_the_loop,
           however_many_workers_ask_a_bounded_number_is_added_at_once,
           the_search_ends_when_every_candidate_is_settled,
           a_small_space_ends_the_search_early, a_search_that_measured_nothing_fails,
           labels_are_added_as_workers_take_them_and_then_learnt_from,
           a_space_smaller_than_the_labels_is_labelled_as_a_whole,
           too_few_labels_fail_the_study,
           predictors_are_fitted_once_every_latency_table_is_there,
           what_a_fit_picked_is_all_that_is_evaluated,
           a_search_waits_for_the_latencies_that_its_limits_speak_of,
           guesses_are_made_beside_the_loop_a_bounded_number_at_a_time,
           the_best_are_fine_tuned_once_it_is_known_which_they_are,
           winners_are_exported_before_results_are_written,
           a_study_that_is_over_asks_for_nothing)
