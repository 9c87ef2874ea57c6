// SPDX-License-Identifier: Apache-2.0
// test_results.c - the tables and documents of a run directory.
#include "coordinator/study/results.h"
#include "tests/lib/check_main.h"

#include <jansson.h>
#include <string.h>

static struct results *small_results(void)
{
    struct study_conf *conf = calloc(1, sizeof(*conf));
    ck_assert_ptr_nonnull(conf);
    strcpy(conf->name, "small");
    conf->seed = 7;
    conf->train.n_stages = 2;
    conf->train.stages[0].kind = STAGE_LARGEST;
    conf->train.stages[1].kind = STAGE_WIDTH2;
    conf->evaluate.frames = 300;
    conf->n_targets = 2;
    conf->targets[0] = (struct study_target){.name = "phone", .max_params = 500};
    conf->targets[1] = (struct study_target){.name = "none", .max_params = 1};
    struct study_row study = {.state = STUDY_SEARCHING,
                              .checkpoint = "final",
                              .pack = "pack",
                              .conf = "conf",
                              .n_train_utts = 100,
                              .created_ms = 1000};
    struct results *r = results_create("/nowhere", conf, &study);
    free(conf);
    r->history.trials = calloc(8, sizeof(*r->history.trials));
    r->history.losses = calloc(1, sizeof(*r->history.losses));
    ck_assert(r->history.trials && r->history.losses);
    return r;
}

static struct trial_row *add(struct results *r, enum trial_origin origin, int width,
                             double eer, uint64_t macs)
{
    struct trial_row *t = &r->history.trials[r->history.n_trials++];
    t->id = r->history.n_trials;
    t->origin = origin;
    t->stage = 1;
    t->arch =
        (struct arch){.depth = 1, .width = {width, width}, .kernel = {1, 3}, .cat = 64};
    strcpy(t->checkpoint, "final");
    t->is_measured = true;
    t->result.eer_percent = eer;
    t->result.mindcf_p01 = 0.5;
    t->result.mindcf_p05 = 0.25;
    t->result.n_trials = 40;
    t->result.seconds = 1.5;
    t->complexity = (struct complexity){.params = macs / 10, .macs = macs, .bytes = 4};
    return t;
}

START_TEST(trials_csv_has_measured_and_failed_trials)
{
    struct results *r = small_results();
    add(r, TRIAL_STAGE, 64, 9.5, 900)->stage = 0;
    strcpy(r->history.trials[0].checkpoint, "early");
    add(r, TRIAL_SEARCH, 32, 7.25, 400);
    struct trial_row *failed = add(r, TRIAL_SEARCH, 40, 0, 500);
    failed->is_measured = false;
    failed->has_failed = true;
    add(r, TRIAL_SEARCH, 48, 0, 600)->is_measured = false; // pending: not yet there
    results_find_front(r);
    struct buf out = BUF_INIT;
    results_trials_csv(r, &out);
    ck_assert_str_eq(
        out.data,
        "id,origin,stage,architecture,params,macs,bytes,frames,eer_percent,mindcf_p01,"
        "mindcf_p05,n_trials,checkpoint,seconds,on_front\n"
        "1,stage,largest,1-64-64-1-3-64,90,900,4,300,9.5000,0.50000,0.25000,40,early,"
        "1.500,0\n"
        "2,search,width2,1-32-32-1-3-64,40,400,4,300,7.2500,0.50000,0.25000,40,final,"
        "1.500,1\n"
        "3,search,width2,1-40-40-1-3-64,50,500,4,300,,,,,final,,0\n");
    buf_fini(&out);
    results_destroy(r);
}
END_TEST

START_TEST(losses_csv_names_the_stage)
{
    struct results *r = small_results();
    r->history.n_losses = 1;
    r->history.losses[0] = (struct loss_row){.stage = 1,
                                             .round = 3,
                                             .shard = 2,
                                             .position = 24,
                                             .loss = 4.5,
                                             .accuracy = 0.125,
                                             .n_utterances = 320,
                                             .seconds = 12};
    struct buf out = BUF_INIT;
    results_losses_csv(r, &out);
    ck_assert_str_eq(out.data,
                     "stage,round,shard,position,loss,accuracy,utterances,seconds\n"
                     "width2,3,2,24,4.500000,0.12500,320,12.000\n");
    buf_fini(&out);
    results_destroy(r);
}
END_TEST

START_TEST(the_front_is_by_macs_and_without_the_dominated)
{
    struct results *r = small_results();
    add(r, TRIAL_SEARCH, 64, 3, 900);
    add(r, TRIAL_SEARCH, 32, 7, 400);
    add(r, TRIAL_SEARCH, 40, 8, 500); // beaten by the one before
    add(r, TRIAL_STAGE, 48, 5, 600);
    add(r, TRIAL_FINAL, 48, 5, 600); // an export is no candidate
    results_find_front(r);
    ck_assert_uint_eq(r->n_front, 3);
    ck_assert_uint_eq(r->front[0]->id, 2);
    ck_assert_uint_eq(r->front[1]->id, 4);
    ck_assert_uint_eq(r->front[2]->id, 1);
    struct buf out = BUF_INIT;
    results_front_csv(r, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\n1-32-32-1-3-64,40,400,4,7.0000,"));
    buf_fini(&out);
    results_destroy(r);
}
END_TEST

START_TEST(front_json_holds_the_front_and_each_target)
{
    struct results *r = small_results();
    add(r, TRIAL_SEARCH, 32, 7, 400);
    r->n_networks = 1;
    strcpy(r->networks[0].target, "phone");
    results_find_front(r);
    struct buf out = BUF_INIT;
    results_front_json(r, &out);
    json_t *root = json_loads(out.data, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "front")), 1);
    json_t *targets = json_object_get(root, "targets");
    ck_assert_uint_eq(json_array_size(targets), 2);
    json_t *phone = json_array_get(targets, 0);
    ck_assert_str_eq(json_string_value(json_object_get(phone, "architecture")),
                     "1-32-32-1-3-64");
    ck_assert_str_eq(json_string_value(json_object_get(phone, "file")),
                     "networks/phone.safetensors");
    ck_assert(
        json_is_null(json_object_get(json_array_get(targets, 1), "architecture")));
    json_decref(root);
    buf_fini(&out);
    results_destroy(r);
}
END_TEST

START_TEST(a_fine_tuned_network_is_told_beside_what_it_came_from)
{
    struct results *r = small_results();
    struct buf out = BUF_INIT;
    r->conf.finetune.networks = 1;
    add(r, TRIAL_SEARCH, 32, 7, 400);
    struct trial_row *tuned = add(r, TRIAL_FINETUNE, 32, 6.25, 400);
    tuned->loss_first = 2.5;
    tuned->loss_last = 1.5;
    memset(tuned->result.network, 'a', 3);
    results_find_front(r);
    ck_assert_uint_eq(r->n_front, 1); // fronts are over what was inherited
    ck_assert_uint_eq(r->front[0]->id, 1);
    results_finetune_csv(r, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "\n1-32-32-1-3-64,7.0000,6.2500,"));
    ck_assert_ptr_nonnull(strstr(out.data, ",2.500000,1.500000,"));
    ck_assert_ptr_nonnull(strstr(out.data, ",1,2,aaa\n"));
    buf_clear(&out);
    results_front_json(r, &out);
    json_t *root = json_loads(out.data, 0, NULL);
    json_t *phone = json_array_get(json_object_get(root, "targets"), 0);
    const struct {
        const char *key;
        double value;
    } wanted[] = {{"eer_percent", 6.25},
                  {"inherited_eer_percent", 7},
                  {"finetuned_eer_percent", 6.25}};
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq(json_real_value(json_object_get(phone, wanted[i].key)),
                            wanted[i].value);
    }
    json_decref(root);
    buf_fini(&out);
    results_destroy(r);
}
END_TEST

START_TEST(run_json_says_where_the_run_comes_from)
{
    struct results *r = small_results();
    add(r, TRIAL_STAGE, 32, 7, 400);
    r->is_finished = true;
    r->now_ms = 61000;
    provenance_read(&r->provenance);
    struct buf out = BUF_INIT;
    results_run_json(r, &out);
    json_t *root = json_loads(out.data, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "state")), "done");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "seed")), 7);
    ck_assert_str_eq(json_string_value(json_object_get(root, "started")),
                     "1970-01-01T00:00:01Z");
    ck_assert_double_eq(json_real_value(json_object_get(root, "seconds")), 60);
    json_t *stages = json_object_get(root, "stage_checkpoints");
    ck_assert_str_eq(json_string_value(json_object_get(stages, "width2")), "final");
    ck_assert_uint_gt(strlen(json_string_value(json_object_get(
                          json_object_get(root, "coordinator"), "cpu"))),
                      0);
    json_decref(root);
    buf_fini(&out);
    results_destroy(r);
}
END_TEST

TEST_SUITE(results, trials_csv_has_measured_and_failed_trials,
           losses_csv_names_the_stage, the_front_is_by_macs_and_without_the_dominated,
           front_json_holds_the_front_and_each_target,
           a_fine_tuned_network_is_told_beside_what_it_came_from,
           run_json_says_where_the_run_comes_from)
