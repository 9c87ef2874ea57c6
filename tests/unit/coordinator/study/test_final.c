// SPDX-License-Identifier: Apache-2.0
// test_final.c - which candidate each target gets.
#include "coordinator/study/final.h"
#include "tests/lib/check_main.h"

#include <string.h>

#define TRIALS_MAX 8

struct scene {
    struct study_conf *conf;
    struct trial_row trials[TRIALS_MAX];
    struct final_scope scope;
};

static void scene_open(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    static struct study_conf conf; // too large for the stack
    memset(&conf, 0, sizeof(conf));
    s->conf = &conf;
    s->conf->n_targets = 2;
    s->conf->targets[0] = (struct study_target){.name = "small", .max_params = 100};
    s->conf->targets[1] = (struct study_target){.name = "large", .max_macs = 1000};
    s->scope = (struct final_scope){
        .conf = s->conf, .checkpoint = "final", .trials = s->trials};
}

static struct trial_row *add(struct scene *s, enum trial_origin origin, int width,
                             double eer, uint64_t params)
{
    struct trial_row *t = &s->trials[s->scope.n_trials++];
    t->id = s->scope.n_trials;
    t->origin = origin;
    t->arch = (struct arch){.depth = 1, .width = {width, width}, .kernel = {1, 1}};
    strcpy(t->checkpoint, "final");
    t->is_measured = true;
    t->result.eer_percent = eer;
    t->complexity = (struct complexity){.params = params, .macs = params * 5};
    return t;
}

static struct final_choice choice(const struct scene *s, int target)
{
    struct final_choice out[STUDY_TARGETS_MAX];
    ck_assert_uint_gt(final_choose(&s->scope, out), (size_t)target);
    return out[target];
}

START_TEST(the_lowest_eer_within_the_limits_wins)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 9, 50);
    add(&s, TRIAL_SEARCH, 16, 7, 90);
    add(&s, TRIAL_SEARCH, 24, 5, 150);
    add(&s, TRIAL_SEARCH, 32, 3, 900); // beyond 1000 MACs
    ck_assert_uint_eq(choice(&s, 0).winner->id, 2);
    ck_assert_uint_eq(choice(&s, 1).winner->id, 3);
}
END_TEST

START_TEST(ties_go_to_fewer_macs_then_to_the_earlier)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 7, 90);
    add(&s, TRIAL_SEARCH, 16, 7, 60);
    add(&s, TRIAL_SEARCH, 24, 7, 60);
    ck_assert_uint_eq(choice(&s, 0).winner->id, 2);
}
END_TEST

START_TEST(only_the_final_weights_and_measured_trials_count)
{
    struct scene s;
    scene_open(&s);
    strcpy(add(&s, TRIAL_STAGE, 8, 1, 50)->checkpoint, "earlier");
    add(&s, TRIAL_SEARCH, 16, 2, 50)->is_measured = false;
    add(&s, TRIAL_SEARCH, 24, 3, 50)->protocol = PROTOCOL_CHEAP;
    add(&s, TRIAL_STAGE, 32, 8, 50);
    ck_assert_uint_eq(choice(&s, 0).winner->id, 4);
}
END_TEST

START_TEST(a_target_that_nothing_satisfies_has_no_winner)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 7, 150);
    ck_assert_ptr_null(choice(&s, 0).winner);
}
END_TEST

START_TEST(a_study_without_targets_has_one_that_bears_everything)
{
    struct scene s;
    scene_open(&s);
    s.conf->n_targets = 0;
    add(&s, TRIAL_SEARCH, 8, 7, 1000000);
    ck_assert_str_eq(choice(&s, 0).target.name, "any");
    ck_assert_uint_eq(choice(&s, 0).winner->id, 1);
}
END_TEST

START_TEST(a_winner_of_two_targets_is_exported_once)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 7, 50);
    const struct trial_row *missing[STUDY_TARGETS_MAX];
    ck_assert_uint_eq(final_missing(&s.scope, missing), 1);
    ck_assert_uint_eq(missing[0]->id, 1);
    add(&s, TRIAL_FINAL, 8, 7, 50)->is_measured = false; // under way
    ck_assert_uint_eq(final_missing(&s.scope, missing), 0);
    ck_assert_uint_eq(choice(&s, 1).exported->id, 2);
}
END_TEST

START_TEST(a_winner_that_cannot_be_exported_gives_way)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 7, 50);
    add(&s, TRIAL_SEARCH, 16, 8, 50);
    struct trial_row *exported = add(&s, TRIAL_FINAL, 8, 0, 50);
    exported->is_measured = false;
    exported->has_failed = true;
    ck_assert_uint_eq(choice(&s, 0).winner->id, 2);
}
END_TEST

START_TEST(the_better_of_the_inherited_and_the_fine_tuned_network_is_deployed)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 7, 50);
    add(&s, TRIAL_SEARCH, 16, 8, 60);
    add(&s, TRIAL_FINETUNE, 8, 7.5, 50); // it got worse
    ck_assert_uint_eq(choice(&s, 0).winner->id, 1);
    ck_assert_uint_eq(choice(&s, 0).tuned->id, 3);
    ck_assert_ptr_null(choice(&s, 0).exported);
    add(&s, TRIAL_FINETUNE, 16, 5, 60); // past the other
    struct final_choice c = choice(&s, 0);
    ck_assert_uint_eq(c.winner->id, 4);
    ck_assert_uint_eq(c.inherited->id, 2);
    ck_assert_uint_eq(c.exported->id, 4); // it keeps its own network
    const struct trial_row *missing[STUDY_TARGETS_MAX];
    ck_assert_uint_eq(final_missing(&s.scope, missing), 0);
    s.trials[3].is_measured = false; // under way, or failed
    ck_assert_uint_eq(choice(&s, 0).winner->id, 1);
}
END_TEST

START_TEST(an_inherited_network_that_cannot_be_exported_gives_way_to_a_fine_tuned_one)
{
    struct scene s;
    scene_open(&s);
    add(&s, TRIAL_SEARCH, 8, 7, 50);
    add(&s, TRIAL_SEARCH, 16, 9, 60);
    add(&s, TRIAL_FINETUNE, 16, 8, 60);
    struct trial_row *exported = add(&s, TRIAL_FINAL, 8, 0, 50);
    exported->is_measured = false;
    exported->has_failed = true;
    ck_assert_uint_eq(choice(&s, 0).winner->id, 3);
}
END_TEST

static size_t untuned(const struct scene *s, uint64_t ids[static FINAL_TUNED_MAX])
{
    const struct trial_row *out[FINAL_TUNED_MAX];
    size_t n = final_untuned(&s->scope, out);
    for (size_t i = 0; i < n; i++) {
        ids[i] = out[i]->id;
    }
    return n;
}

START_TEST(the_best_of_each_target_are_fine_tuned_each_once)
{
    struct scene s;
    uint64_t ids[FINAL_TUNED_MAX];
    scene_open(&s);
    ck_assert_uint_eq(untuned(&s, ids), 0);
    add(&s, TRIAL_SEARCH, 8, 9, 50);
    add(&s, TRIAL_SEARCH, 16, 7, 90);
    add(&s, TRIAL_SEARCH, 24, 7, 90);  // as good, later
    add(&s, TRIAL_SEARCH, 32, 5, 150); // too large for the first target
    add(&s, TRIAL_SEARCH, 40, 4, 900); // for both
    ck_assert_uint_eq(untuned(&s, ids), 0);
    s.conf->finetune.networks = 1;
    ck_assert_uint_eq(untuned(&s, ids), 2);
    ck_assert_uint_eq(ids[0], 2);
    ck_assert_uint_eq(ids[1], 4);
    s.conf->finetune.networks = 2;
    ck_assert_uint_eq(untuned(&s, ids), 3);
    ck_assert_uint_eq(ids[1], 3);
    add(&s, TRIAL_FINETUNE, 16, 6, 90)->is_measured = false;
    s.trials[5].has_failed = true; // tried, that is enough
    ck_assert_uint_eq(untuned(&s, ids), 2);
    s.conf->finetune.networks = 8; // more than there are
    ck_assert_uint_eq(untuned(&s, ids), 3);
}
END_TEST

START_TEST(a_limit_on_the_eer_may_be_met_by_fine_tuning)
{
    struct scene s;
    uint64_t ids[FINAL_TUNED_MAX];
    scene_open(&s);
    s.conf->finetune.networks = 1;
    s.conf->n_targets = 1;
    s.conf->targets[0].n_constraints = 1;
    ck_assert_int_eq(
        constraint_parse("eer <= 6%", &s.conf->targets[0].constraints[0], NULL),
        ERR_OK);
    add(&s, TRIAL_SEARCH, 8, 7, 50);
    ck_assert_ptr_null(choice(&s, 0).winner);
    ck_assert_uint_eq(untuned(&s, ids), 1);
    add(&s, TRIAL_FINETUNE, 8, 5.5, 50);
    ck_assert_uint_eq(choice(&s, 0).winner->id, 2);
}
END_TEST

TEST_SUITE(final, the_lowest_eer_within_the_limits_wins,
           ties_go_to_fewer_macs_then_to_the_earlier,
           only_the_final_weights_and_measured_trials_count,
           a_target_that_nothing_satisfies_has_no_winner,
           a_study_without_targets_has_one_that_bears_everything,
           a_winner_of_two_targets_is_exported_once,
           a_winner_that_cannot_be_exported_gives_way,
           the_better_of_the_inherited_and_the_fine_tuned_network_is_deployed,
           an_inherited_network_that_cannot_be_exported_gives_way_to_a_fine_tuned_one,
           the_best_of_each_target_are_fine_tuned_each_once,
           a_limit_on_the_eer_may_be_met_by_fine_tuning)
