// SPDX-License-Identifier: Apache-2.0
// test_tasks.c - TRAIN, EVALUATE and FINETUNE on a toy corpus, with the runner's side
// played here.
#include "common/base/file.h"
#include "tests/lib/check_main.h"
#include "worker/data/pack_writer.h"
#include "worker/exec/runner.h"
#include "worker/supernet/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define N_SPEAKERS 4
#define N_TRAIN    6 // utterances a speaker
#define N_EVAL     3
#define N_SAMPLES  12000

// ---------------------------------------------------------------- the runner's side

struct runner {
    char dir[32];
    struct blob_store *blobs;
    struct study_conf conf;
    char pack[HASH_HEX_MAX];
    int n_progress, cancel_after; // 0 = never
};

struct blob_store *runner_blobs(struct runner *r)
{
    return r->blobs;
}

enum err runner_load_study(struct runner *r, const char *hash, struct study_conf *out,
                           struct errinfo *why)
{
    if (strcmp(hash, "study") != 0) {
        return err_set(why, ERR_NOTFOUND, "no such study");
    }
    *out = r->conf;
    return ERR_OK;
}

bool runner_progress(struct runner *r, const struct task_progress *p)
{
    ck_assert(p->fraction >= 0 && p->fraction <= 1);
    return ++r->n_progress != r->cancel_after;
}

int runner_threads(const struct runner *r)
{
    (void)r;
    return 1;
}

const char *runner_backend(const struct runner *r)
{
    (void)r;
    return "blas";
}

// ---------------------------------------------------------------- the toy corpus

// A speaker hums: a pitch of his own with harmonics, and noise.
static void hum(int speaker, int take, int16_t *samples)
{
    struct rng r = rng_stream(23, RNG_TEST, (uint64_t)speaker, (uint64_t)take);
    double step = 2 * M_PI * (110 + 45 * speaker) / PACK_SAMPLE_RATE;
    for (int i = 0; i < N_SAMPLES; i++) {
        double x =
            sin(step * i) + 0.5 * sin(step * i * (2 + speaker)) + 0.1 * rng_normal(&r);
        samples[i] = (int16_t)(8000 * fmax(fmin(x, 3), -3));
    }
}

static void add_utterances(struct pack_writer *w, enum pack_part part, int n, int first)
{
    static int16_t samples[N_SAMPLES];
    for (int speaker = 0; speaker < N_SPEAKERS; speaker++) {
        for (int i = 0; i < n; i++) {
            char id[32];
            char name[32];
            snprintf(name, sizeof(name), "s%d", speaker);
            snprintf(id, sizeof(id), "s%d-%d", speaker, first + i);
            hum(speaker, first + i, samples);
            ck_assert_int_eq(pack_writer_add(w, part, id,
                                             part == PACK_TRAIN ? name : NULL, samples,
                                             N_SAMPLES, NULL),
                             ERR_OK);
        }
    }
}

static void make_pack(struct runner *r)
{
    char path[FILE_PATH_MAX];
    struct pack_writer *w = NULL;
    uint64_t size_bytes = 0;
    ck_assert_int_eq(file_path(path, sizeof(path), NULL, "%s/pack", r->dir), ERR_OK);
    ck_assert_int_eq(pack_writer_open(path, &w, NULL), ERR_OK);
    add_utterances(w, PACK_TRAIN, N_TRAIN, 0);
    add_utterances(w, PACK_EVAL, N_EVAL, N_TRAIN);
    for (uint32_t a = 0; a < N_SPEAKERS * N_EVAL; a++) {
        for (uint32_t b = a + 1; b < N_SPEAKERS * N_EVAL; b++) {
            pack_writer_add_trial(w, a, b, a / N_EVAL == b / N_EVAL);
        }
    }
    ck_assert_int_eq(pack_writer_commit(w, r->pack, &size_bytes, NULL), ERR_OK);
    ck_assert_int_eq(blob_take_file(r->blobs, path, r->pack, &size_bytes, NULL),
                     ERR_OK);
}

static void make_study(struct study_conf *c)
{
    const struct value_list depths = {2, {1, 2}};
    const struct value_list widths = {2, {8, 16}};
    const struct value_list kernels = {2, {1, 3}};
    const struct value_list cats = {1, {24}};
    ck_assert_int_eq(space_build(&c->space, &depths, &widths, &kernels, &cats, NULL),
                     ERR_OK);
    snprintf(c->name, sizeof(c->name), "toy");
    c->seed = 6;
    c->supernet = (struct net_dims){80, 2, 16, 3, 24, 16, 8, 4, 16, INPUT_BY_RECORDING};
    c->train.batch = 6;
    c->train.weight_decay = 2e-5;
    c->train.aam_margin = 0.1;
    c->train.aam_scale = 15;
    c->train.n_stages = 1;
    c->train.stages[0] = (struct study_stage){.kind = STAGE_WIDTH2,
                                              .epochs = 2,
                                              .cycles = 1,
                                              .lr_min = 1e-4,
                                              .lr_max = 5e-3,
                                              .crop_s = 0.5};
    c->evaluate.recalibrate_utterances = 8;
    c->finetune = (struct study_finetune){
        .networks = 1, .epochs = 3, .lr = 5e-3, .margin = 0.2, .crop_s = 0.6};
}

static struct runner *setup_runner(void)
{
    char store[FILE_PATH_MAX];
    struct runner *r = calloc(1, sizeof(*r));
    snprintf(r->dir, sizeof(r->dir), "/tmp/voxarch_tasks_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    ck_assert_int_eq(file_path(store, sizeof(store), NULL, "%s/blobs", r->dir), ERR_OK);
    ck_assert_int_eq(blob_store_open(store, NULL, &r->blobs, NULL), ERR_OK);
    make_pack(r);
    make_study(&r->conf);
    return r;
}

static void teardown_runner(struct runner *r)
{
    char command[64];
    blob_store_close(r->blobs);
    snprintf(command, sizeof(command), "rm -rf %s", r->dir);
    ck_assert_int_eq(system(command), 0); // NOLINT: our own path
    free(r);
}

static struct task_spec train_spec(const struct runner *r, uint64_t position,
                                   uint32_t n_steps, const char *checkpoint)
{
    struct task_spec spec = {.kind = TASK_TRAIN, .study = "study"};
    snprintf(spec.pack, sizeof(spec.pack), "%s", r->pack);
    snprintf(spec.checkpoint, sizeof(spec.checkpoint), "%s", checkpoint);
    spec.train = (struct train_task){.n_shards = 1,
                                     .stride = 1,
                                     .position = position,
                                     .batch_first = position,
                                     .n_steps = n_steps,
                                     .n_batches = 8};
    return spec;
}

static struct train_result train(struct runner *r, uint64_t position, uint32_t n_steps,
                                 const char *checkpoint)
{
    struct task_spec spec = train_spec(r, position, n_steps, checkpoint);
    struct task_result result = {0};
    struct errinfo why = {0};
    enum err e = task_train(r, &spec, &result, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    ck_assert_int_eq(result.kind, TASK_TRAIN);
    return result.train;
}

// ---------------------------------------------------------------- tests

START_TEST(two_rounds_leave_the_same_artifact_as_one)
{
    struct runner *r = setup_runner();
    struct train_result whole = train(r, 0, 6, "");
    struct train_result half = train(r, 0, 3, "");
    struct train_result rest = train(r, 3, 3, half.checkpoint);
    ck_assert_str_eq(whole.checkpoint, rest.checkpoint);
    ck_assert_str_ne(half.checkpoint, rest.checkpoint);
    ck_assert_double_eq_tol(whole.loss, (half.loss + rest.loss) / 2, 1e-9);
    ck_assert_uint_eq(whole.n_utterances, 36);
    ck_assert(whole.accuracy >= 0 && whole.accuracy <= 1);
    teardown_runner(r);
}
END_TEST

static struct evaluate_result evaluate(struct runner *r, const char *checkpoint,
                                       const char *architecture)
{
    struct task_spec spec = {.kind = TASK_EVALUATE, .study = "study"};
    snprintf(spec.pack, sizeof(spec.pack), "%s", r->pack);
    snprintf(spec.checkpoint, sizeof(spec.checkpoint), "%s", checkpoint);
    spec.evaluate =
        (struct evaluate_task){.protocol = PROTOCOL_FULL, .keep_network = true};
    snprintf(spec.evaluate.architecture, sizeof(spec.evaluate.architecture), "%s",
             architecture);
    struct task_result result = {0};
    struct errinfo why = {0};
    enum err e = task_evaluate(r, &spec, &result, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    return result.evaluate;
}

static void assert_is_network(struct runner *r, const char *network,
                              const char *architecture)
{
    char path[FILE_PATH_MAX];
    ck_assert_int_eq(blob_path(r->blobs, network, path, NULL, NULL), ERR_OK);
    struct layout *l = calloc(1, sizeof(*l));
    float *weights = NULL;
    float *stats = NULL;
    ck_assert_int_eq(checkpoint_load_dense(path, l, &weights, &stats, NULL), ERR_OK);
    char text[ARCH_STRING_MAX];
    ck_assert_str_eq(arch_print(&l->arch, text), architecture);
    free(weights);
    free(stats);
    free(l);
}

START_TEST(an_evaluation_gives_the_same_numbers_and_network_each_time)
{
    struct runner *r = setup_runner();
    struct train_result trained = train(r, 0, 8, "");
    struct evaluate_result a = evaluate(r, trained.checkpoint, "2-16-8-16-3-1-3-24");
    struct evaluate_result b = evaluate(r, trained.checkpoint, "2-16-8-16-3-1-3-24");
    ck_assert_double_eq(a.eer_percent, b.eer_percent);
    ck_assert_str_eq(a.network, b.network);
    ck_assert_uint_eq(a.n_trials, 66);
    ck_assert_double_lt(a.eer_percent, 40); // humming at four pitches
    assert_is_network(r, a.network, "2-16-8-16-3-1-3-24");
    teardown_runner(r);
}
END_TEST

static struct task_spec finetune_spec(const struct runner *r, const char *checkpoint)
{
    struct task_spec spec = {.kind = TASK_FINETUNE, .study = "study"};
    snprintf(spec.pack, sizeof(spec.pack), "%s", r->pack);
    snprintf(spec.checkpoint, sizeof(spec.checkpoint), "%s", checkpoint);
    spec.finetune = (struct finetune_task){.architecture = "2-16-8-16-3-1-3-24",
                                           .protocol = PROTOCOL_FULL};
    return spec;
}

static struct finetune_result finetune(struct runner *r, const char *checkpoint)
{
    struct task_spec spec = finetune_spec(r, checkpoint);
    struct task_result result = {0};
    struct errinfo why = {0};
    enum err e = task_finetune(r, &spec, &result, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
    ck_assert_int_eq(result.kind, TASK_FINETUNE);
    return result.finetune;
}

START_TEST(fine_tuning_gives_the_same_network_each_time_and_lowers_the_loss)
{
    struct runner *r = setup_runner();
    struct train_result trained = train(r, 0, 8, "");
    struct finetune_result a = finetune(r, trained.checkpoint);
    struct finetune_result b = finetune(r, trained.checkpoint);
    ck_assert_str_eq(a.evaluation.network, b.evaluation.network);
    ck_assert_double_eq(a.evaluation.eer_percent, b.evaluation.eer_percent);
    ck_assert_double_eq(a.loss_first, b.loss_first);
    ck_assert_double_eq(a.loss_last, b.loss_last);
    ck_assert_double_lt(a.loss_last, a.loss_first);
    ck_assert_uint_eq(a.n_utterances, 3ull * N_SPEAKERS * N_TRAIN);
    ck_assert_uint_eq(a.evaluation.n_trials, 66);
    assert_is_network(r, a.evaluation.network, "2-16-8-16-3-1-3-24");
    teardown_runner(r);
}
END_TEST

// Its seed draws the batches, its settings are what is done with them.
START_TEST(fine_tuning_follows_the_studys_settings_and_seed)
{
    struct runner *r = setup_runner();
    struct train_result trained = train(r, 0, 8, "");
    r->conf.finetune.epochs = 1;
    struct finetune_result before = finetune(r, trained.checkpoint);
    ck_assert_uint_eq(before.n_utterances, (uint64_t)N_SPEAKERS * N_TRAIN);
    r->conf.finetune.lr = 1e-4;
    struct finetune_result slower = finetune(r, trained.checkpoint);
    ck_assert_str_ne(slower.evaluation.network, before.evaluation.network);
    ck_assert_double_eq(slower.loss_first, before.loss_first); // the same batch
    r->conf.seed++;
    ck_assert_double_ne(finetune(r, trained.checkpoint).loss_first, before.loss_first);
    teardown_runner(r);
}
END_TEST

START_TEST(a_task_whose_agent_is_gone_stops)
{
    struct runner *r = setup_runner();
    struct task_spec spec = train_spec(r, 0, 8, "");
    struct task_result result = {0};
    r->cancel_after = 2;
    ck_assert_int_eq(task_train(r, &spec, &result, NULL), ERR_CANCELLED);
    ck_assert_int_eq(r->n_progress, 2);
    spec.kind = TASK_EVALUATE;
    spec.evaluate = (struct evaluate_task){.architecture = "1-8-8-1-1-24"};
    r->n_progress = 0;
    ck_assert_int_eq(task_evaluate(r, &spec, &result, NULL), ERR_CANCELLED);
    spec = finetune_spec(r, "");
    r->n_progress = 0;
    ck_assert_int_eq(task_finetune(r, &spec, &result, NULL), ERR_CANCELLED);
    ck_assert_int_eq(r->n_progress, 2);
    teardown_runner(r);
}
END_TEST

START_TEST(wrong_tasks_are_errors_that_say_what_is_wrong)
{
    struct runner *r = setup_runner();
    struct task_result result = {0};
    struct errinfo why = {0};
    struct task_spec spec = train_spec(r, 0, 1, "");
    spec.train.stage = 1;
    ck_assert_int_eq(task_train(r, &spec, &result, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "stage 1"));
    spec = train_spec(r, 0, 1, r->pack); // a pack is no checkpoint
    ck_assert_int_eq(task_train(r, &spec, &result, &why), ERR_CORRUPT);
    spec = train_spec(r, 0, 1, "");
    memset(spec.pack, 'a', HASH_HEX_LEN);
    ck_assert_int_eq(task_train(r, &spec, &result, &why), ERR_NOTFOUND);
    spec = train_spec(r, 0, 1, "");
    spec.kind = TASK_EVALUATE;
    spec.evaluate = (struct evaluate_task){.architecture = "3-16-16-16-16-1-1-1-1-24"};
    ck_assert_int_eq(task_evaluate(r, &spec, &result, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "depth"));
    spec.evaluate =
        (struct evaluate_task){.architecture = "1-8-8-1-1-24", .protocol = 2};
    ck_assert_int_eq(task_evaluate(r, &spec, &result, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "protocol 2"));
    spec = finetune_spec(r, "");
    r->conf.finetune.networks = 0;
    ck_assert_int_eq(task_finetune(r, &spec, &result, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "fine-tuning"));
    teardown_runner(r);
}
END_TEST

TEST_SUITE(tasks, two_rounds_leave_the_same_artifact_as_one,
           an_evaluation_gives_the_same_numbers_and_network_each_time,
           fine_tuning_gives_the_same_network_each_time_and_lowers_the_loss,
           fine_tuning_follows_the_studys_settings_and_seed,
           a_task_whose_agent_is_gone_stops,
           wrong_tasks_are_errors_that_say_what_is_wrong)
