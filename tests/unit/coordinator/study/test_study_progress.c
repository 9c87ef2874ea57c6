// SPDX-License-Identifier: Apache-2.0
// test_study_progress.c - how far, how fast, how long.
#include "coordinator/study/progress.h"
#include "tests/lib/check_main.h"

#include <string.h>

// 100 utterances in batches of 10: 20 batches, then 30.
struct scene {
    struct study_conf *conf;
    struct study_row study;
    struct trial_row trials[4];
    struct loss_row losses[4];
    struct history history;
    struct progress_facts facts;
    struct status_study out;
};

static void scene_open(struct scene *s, enum study_state state)
{
    memset(s, 0, sizeof(*s));
    s->conf = calloc(1, sizeof(*s->conf));
    ck_assert_ptr_nonnull(s->conf);
    s->conf->train.batch = 10;
    s->conf->train.n_stages = 2;
    s->conf->train.stages[0] = (struct study_stage){.kind = STAGE_LARGEST, .epochs = 2};
    s->conf->train.stages[1] = (struct study_stage){.kind = STAGE_WIDTH2, .epochs = 3};
    s->conf->search.candidates = 6;
    s->study = (struct study_row){
        .name = "s", .state = state, .pack = "pack", .n_train_utts = 100};
    s->history.trials = s->trials;
    s->history.losses = s->losses;
    s->facts = (struct progress_facts){
        .conf = s->conf, .study = &s->study, .history = &s->history, .n_workers = 2};
}

static void add_loss(struct scene *s, uint32_t stage, uint32_t round, double loss,
                     double seconds)
{
    s->losses[s->history.n_losses++] = (struct loss_row){.stage = stage,
                                                         .round = round,
                                                         .loss = loss,
                                                         .n_utterances = 40,
                                                         .seconds = seconds};
}

START_TEST(a_study_that_is_not_packed_knows_nothing)
{
    struct scene s;
    scene_open(&s, STUDY_PACKING);
    s.study.pack[0] = '\0';
    progress_fill(&s.facts, &s.out);
    ck_assert_str_eq(s.out.state, "packing");
    ck_assert_uint_eq(s.out.batches_total, 0);
    ck_assert_double_lt(s.out.seconds_left, 0);
    free(s.conf);
}
END_TEST

START_TEST(batches_of_earlier_stages_and_finished_shards_count)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    s.study.stage = 1;
    s.study.position = 8;
    struct task_row shards[2] = {
        {.state = TASK_DONE, .spec.train.n_steps = 4},
        {.state = TASK_LEASED, .spec.train.n_steps = 4},
    };
    s.facts.shards = shards;
    s.facts.n_shards = 2;
    progress_fill(&s.facts, &s.out);
    ck_assert_uint_eq(s.out.batches_total, 50);
    ck_assert_uint_eq(s.out.batches_done, 20 + 8 + 4);
    ck_assert_str_eq(s.out.stage_name, "width2");
    free(s.conf);
}
END_TEST

START_TEST(shards_side_by_side_add_their_rates)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    add_loss(&s, 0, 0, 9, 1); // an earlier stage: not recent
    s.study.stage = 1;
    add_loss(&s, 1, 0, 5, 8);
    add_loss(&s, 1, 0, 3, 8);
    progress_fill(&s.facts, &s.out);
    ck_assert_double_eq(s.out.loss, 4);
    ck_assert_double_eq(s.out.utterances_per_s, 10); // two shards of 40 in 8 s
    free(s.conf);
}
END_TEST

START_TEST(time_left_adds_training_and_trials)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    s.study.stage = 1;
    s.study.position = 10;    // 20 batches of 10 left
    add_loss(&s, 1, 0, 5, 8); // 5 a second
    progress_fill(&s.facts, &s.out);
    ck_assert_double_lt(s.out.seconds_left, 0); // no trial was measured yet
    s.trials[0] = (struct trial_row){.origin = TRIAL_STAGE, .is_measured = true};
    s.trials[0].result.seconds = 4;
    s.trials[0].result.eer_percent = 12;
    s.history.n_trials = 1;
    progress_fill(&s.facts, &s.out);
    ck_assert_uint_eq(s.out.trials_total, 1 + 6);
    ck_assert_uint_eq(s.out.trials_done, 1);
    ck_assert_double_eq(s.out.last_eer_percent, 12);
    ck_assert_double_eq_tol(s.out.seconds_left, 200.0 / 5 + 6 * 4.0 / 2, 1e-9);
    free(s.conf);
}
END_TEST

START_TEST(an_exhausted_search_expects_no_more_trials)
{
    struct scene s;
    scene_open(&s, STUDY_SEARCHING);
    s.trials[0] = (struct trial_row){.origin = TRIAL_SEARCH, .has_failed = true};
    s.history.n_trials = 1;
    s.facts.is_exhausted = true;
    progress_fill(&s.facts, &s.out);
    ck_assert_uint_eq(s.out.trials_total, 1);
    ck_assert_uint_eq(s.out.trials_done, 1);
    free(s.conf);
}
END_TEST

// What one worker says must not make a status that cannot be sent.
START_TEST(numbers_beyond_reason_are_cut_to_what_a_status_may_say)
{
    struct scene s;
    scene_open(&s, STUDY_TRAINING);
    add_loss(&s, 0, 0, 3, 1e-300);
    progress_fill(&s.facts, &s.out);
    ck_assert_double_le(s.out.utterances_per_s, LIMIT_RATE);
    s.losses[0].seconds = LIMIT_SECONDS;
    s.losses[0].n_utterances = 1;
    s.trials[s.history.n_trials++] = (struct trial_row){
        .origin = TRIAL_SEARCH, .is_measured = true, .result.seconds = LIMIT_SECONDS};
    progress_fill(&s.facts, &s.out);
    ck_assert_double_eq(s.out.seconds_left, LIMIT_SECONDS);
    free(s.conf);
}
END_TEST

TEST_SUITE(study_progress, a_study_that_is_not_packed_knows_nothing,
           batches_of_earlier_stages_and_finished_shards_count,
           shards_side_by_side_add_their_rates, time_left_adds_training_and_trials,
           an_exhausted_search_expects_no_more_trials,
           numbers_beyond_reason_are_cut_to_what_a_status_may_say)
