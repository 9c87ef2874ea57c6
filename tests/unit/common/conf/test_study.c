// SPDX-License-Identifier: Apache-2.0
// test_study.c - sound studies: defaults, paths, printing, and the examples we ship.
#include "common/conf/schema.h"
#include "common/conf/study.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

#define MINIMAL                                         \
    "name: tiny\n"                                      \
    "data: {train: {manifest: m.tsv}, trials: t.txt}\n" \
    "space: {depth: [1, 2], width: [64, 128], kernel: [1, 3], cat: [96]}\n"

static struct study_conf conf;
static struct study_conf other;

static void parse(const char *yaml, struct study_conf *out)
{
    struct errinfo why = {0};
    enum err e = study_parse(yaml, strlen(yaml), "s.yaml", "/data/set", out, &why);
    ck_assert_msg(e == ERR_OK, "%s", why.text);
}

START_TEST(a_minimal_study_gets_the_defaults)
{
    parse(MINIMAL, &conf);
    ck_assert_uint_eq(conf.seed, 1);
    ck_assert_int_eq(conf.train.batch, 64);
    ck_assert_double_eq(conf.train.weight_decay, 2e-5);
    ck_assert_double_eq(conf.train.aam_margin, 0.2);
    ck_assert_double_eq(conf.train.aam_scale, 30);
    ck_assert_int_eq(conf.train.n_stages, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq((int)conf.train.stages[i].kind, i);
        ck_assert_double_eq(conf.train.stages[i].epochs, 64);
        ck_assert_double_eq(conf.train.stages[i].lr_min, 1e-8);
    }
    ck_assert_double_eq(conf.train.balance, 0);
    ck_assert_double_eq(conf.train.margin_ramp, 0);
    ck_assert_int_eq(conf.train.augment.n_speeds, 0);
    ck_assert(!conf.train.augment.speeds_keep_speaker);
    ck_assert_int_eq(conf.evaluate.frames, 300);
    ck_assert_str_eq(conf.search.strategy, "random");
    ck_assert_int_eq(conf.n_targets, 0);
    ck_assert(!conf.data.skip_bad_files);
}
END_TEST

START_TEST(the_supernet_is_as_large_as_the_space_and_otherwise_the_papers)
{
    parse(MINIMAL, &conf);
    const struct net_dims wanted = {80,  2, 128, 3,   96,
                                    192, 8, 4,   128, INPUT_BY_RECORDING};
    ck_assert_mem_eq(&conf.supernet, &wanted, sizeof(wanted));
    parse(MINIMAL "supernet: {depth: 4, embedding: 64}\n", &conf);
    ck_assert_int_eq(conf.supernet.max_depth, 4);
    ck_assert_int_eq(conf.supernet.max_width, 128);
    ck_assert_int_eq(conf.supernet.n_embed, 64);
}
END_TEST

START_TEST(what_train_says_holds_for_stages_that_say_nothing)
{
    parse(MINIMAL "train:\n"
                  "  epochs: 3\n"
                  "  crop: 1.5\n"
                  "  stages: [{stage: largest, epochs: 9}, {stage: width2}]\n",
          &conf);
    ck_assert_int_eq(conf.train.n_stages, 2);
    ck_assert_double_eq(conf.train.stages[0].epochs, 9);
    ck_assert_double_eq(conf.train.stages[0].crop_s, 1.5);
    ck_assert_double_eq(conf.train.stages[1].epochs, 3);
    ck_assert_int_eq((int)conf.train.stages[1].kind, STAGE_WIDTH2);
}
END_TEST

START_TEST(relative_paths_start_at_the_studys_folder)
{
    parse("name: p\n"
          "data:\n"
          "  train: {manifest: ../up/m.tsv, root: ./here}\n"
          "  eval: {kaldi: ../../../..}\n"
          "  trials: /abs/../t.txt\n"
          "  noise: .\n"
          "space: {depth: [1], width: [64], kernel: [1], cat: [96]}\n",
          &conf);
    ck_assert_str_eq(conf.data.train.manifest, "/data/up/m.tsv");
    ck_assert_str_eq(conf.data.train.root, "/data/set/here");
    ck_assert_str_eq(conf.data.eval.kaldi, "/");
    ck_assert_str_eq(conf.data.eval.root, "/");
    ck_assert_str_eq(conf.data.trials, "/abs/../t.txt");
    ck_assert_str_eq(conf.data.noise, "/data/set");
}
END_TEST

START_TEST(file_names_start_at_the_folder_of_their_list)
{
    parse(MINIMAL, &conf);
    ck_assert_str_eq(conf.data.train.root, "/data/set");
    ck_assert_str_eq(conf.data.eval.root, "/data/set");
    ck_assert_str_eq(conf.data.eval.manifest, "");
}
END_TEST

START_TEST(numbers_may_carry_suffixes)
{
    parse(MINIMAL "seed: 2k\n"
                  "targets:\n"
                  "  - {name: a, params: 2.5M, macs: 0.571G, bytes: 10MiB}\n"
                  "  - {name: b, bytes: 1.5GiB}\n",
          &conf);
    ck_assert_uint_eq(conf.seed, 2000);
    ck_assert_uint_eq(conf.targets[0].max_params, 2500000);
    ck_assert_uint_eq(conf.targets[0].max_macs, 571000000);
    ck_assert_uint_eq(conf.targets[0].max_bytes, 10485760);
    ck_assert_uint_eq(conf.targets[1].max_bytes, 1610612736);
    ck_assert_uint_eq(conf.targets[1].max_macs, 0);
}
END_TEST

START_TEST(speeds_make_new_speakers_unless_they_keep_them)
{
    parse(MINIMAL "train: {augment: {speeds: [0.9, 1.1]}}\n", &conf);
    ck_assert_int_eq(conf.train.augment.n_speeds, 2);
    ck_assert_double_eq(conf.train.augment.speeds[1], 1.1);
    ck_assert_int_eq(study_n_classes(&conf, 100), 300);
    parse(MINIMAL "train: {augment: {speeds: [0.9], speed_speakers: same}}\n", &conf);
    ck_assert_int_eq(study_n_classes(&conf, 100), 100);
    parse(MINIMAL "train: {augment: {speeds: []}}\n", &conf);
    ck_assert_int_eq(study_n_classes(&conf, 100), 100);
}
END_TEST

START_TEST(a_target_admits_what_stays_within_all_its_limits)
{
    const struct study_target t = {"t", .max_params = 10, .max_macs = 20};
    ck_assert(study_target_admits(&t, &(struct complexity){10, 20, 1000}));
    ck_assert(!study_target_admits(&t, &(struct complexity){11, 20, 1}));
    ck_assert(!study_target_admits(&t, &(struct complexity){10, 21, 1}));
}
END_TEST

START_TEST(the_limits_of_a_target_are_those_of_its_keys_and_of_its_constraints)
{
    parse(MINIMAL "devices: [{name: pc, latency_table: t.csv}]\n"
                  "targets: [{name: t, macs: 20M, constraints: ['params < 1M',\n"
                  "           'latency <= 5ms', 'eer <= 3%']}]\n",
          &conf);
    struct constraint limits[STUDY_LIMITS_MAX];
    ck_assert_int_eq(study_target_limits(&conf.targets[0], limits), 4);
    ck_assert_int_eq(limits[0].objective.kind, OBJECTIVE_MACS);
    ck_assert_double_eq(limits[0].limit, 20e6);
    ck_assert_int_eq(limits[2].objective.kind, OBJECTIVE_LATENCY);
    ck_assert_str_eq(limits[2].objective.device, "pc"); // the only one there is
    const struct study_target *t = &conf.targets[0];
    ck_assert(study_target_admits(t, &(struct complexity){999999, 20000000, 0}));
    ck_assert(!study_target_admits(t, &(struct complexity){1000000, 20000000, 0}));
}
END_TEST

START_TEST(a_study_that_guesses_needs_no_recordings_and_trains_nothing)
{
    parse("name: g\n"
          "space: {depth: [1], width: [64], kernel: [1], cat: [96]}\n"
          "evaluate: {surrogate: {predictor: p.safetensors}}\n",
          &conf);
    ck_assert(study_is_surrogate(&conf));
    ck_assert_str_eq(conf.evaluate.surrogate.predictor, "/data/set/p.safetensors");
    ck_assert_int_eq(conf.train.n_stages, 0);
    parse(MINIMAL, &conf);
    ck_assert(!study_is_surrogate(&conf));
}
END_TEST

START_TEST(a_predictor_is_searched_by_the_papers_strategy_unless_another_is_named)
{
    parse(MINIMAL "search: {predictor: {labels: 50}}\n", &conf);
    ck_assert_str_eq(conf.search.strategy, "mpea");
    ck_assert_str_eq(conf.search.predictor.kind, "auto");
    ck_assert_int_eq(conf.search.predictor.folds, 5);
    parse(MINIMAL "search: {strategy: evolution, predictor: {labels: 50}}\n", &conf);
    ck_assert_str_eq(conf.search.strategy, "evolution");
}
END_TEST

START_TEST(normalised_scores_and_fine_tuning_are_off_until_they_are_asked_for)
{
    struct buf printed = BUF_INIT;
    parse(MINIMAL, &conf);
    ck_assert_uint_eq(conf.evaluate.asnorm.cohort, 0);
    ck_assert(!study_finetunes(&conf));
    study_print(&conf, &printed);
    ck_assert_ptr_null(strstr(printed.data, "asnorm"));
    ck_assert_ptr_null(strstr(printed.data, "finetune"));
    buf_fini(&printed);
    parse(MINIMAL "evaluate: {asnorm: {cohort: 1000}}\nfinetune: {networks: 1}\n",
          &conf);
    ck_assert_uint_eq(conf.evaluate.asnorm.cohort, 1000);
    ck_assert_int_eq(conf.evaluate.asnorm.top, 300);
    ck_assert_int_eq(conf.evaluate.asnorm.utterances, 2);
    ck_assert(study_finetunes(&conf));
    ck_assert_double_eq(conf.finetune.epochs, 5);
    ck_assert_double_eq(conf.finetune.lr, 1e-4);
}
END_TEST

// Every key, each with a value that is not its default, doubles that are hard to print,
// and names that must be quoted.
static const char everything[] =
    "name: 1e3\n"
    "seed: 9223372036854775807\n"
    "data:\n"
    "  train: {manifest: \"m \\\"quoted\\\" \\\\ #1.tsv\", split: 'null', root: \"a: b\"}\n"
    "  eval: {kaldi: \"\\u00e4 \\u6f22\", root: ~x}\n"
    "  trials: '- t'\n"
    "  noise: noise\n"
    "  bad_files: skip\n"
    "supernet: {depth: 8, width: 1024, kernel: 5, cat: 2048, embedding: 100, input: fixed}\n"
    "space:\n"
    "  depth: {from: 1, to: 7, step: 2}\n"
    "  width: {from: 8, to: 1024, step: 8}\n"
    "  kernel: [3]\n"
    "  cat: [8, 2048]\n"
    "train:\n"
    "  batch: 7\n"
    "  balance: -0.25\n"
    "  epochs: 0.1\n"
    "  cycles: 3\n"
    "  lr_min: 1.0000000000000002e-8\n"
    "  lr_max: 0.30000000000000004\n"
    "  crop: 2.0999999999999996\n"
    "  tune: 0.0625\n"
    "  tune_crop: 3.5\n"
    "  tune_margin: 0.45\n"
    "  weight_decay: 3.3333333333333335e-05\n"
    "  margin: 0.1\n"
    "  margin_ramp: 0.125\n"
    "  scale: 31.7\n"
    "  round_steps: 13\n"
    "  max_shards: 5\n"
    "  augment: {noise: 0.7, snr: [-3.3, 1e2], reverb: 0.35, freq_masks: 2, freq_width: 9,\n"
    "            time_masks: 3, time_width: 21, speeds: [0.9, 0.95, 1.1, 1.9],\n"
    "            speed_speakers: same}\n"
    "  stages:\n"
    "    - {stage: kernel, epochs: 1e-3}\n"
    "    - {stage: width1, lr_min: 0, lr_max: 1}\n"
    "evaluate: {protocol: cheap, recalibrate: 6000, frames: 301,\n"
    "           asnorm: {cohort: 1.2k, top: 200, utterances: 3}}\n"
    "search: {strategy: nsga2, candidates: 3, population: 11, mutation: 0.07,\n"
    "         predictor: {labels: 1234, kind: ridge, folds: 7, evaluations: 99}}\n"
    "limits: {memory: 1.5GiB, run_s: 86400}\n"
    "finetune: {networks: 2, epochs: 1.5, lr: 3e-05, margin: 0.35, crop: 3.5}\n"
    "devices: [{name: pc, latency_table: t.csv}]\n"
    "targets:\n"
    "  - {name: a, params: 9M}\n"
    "  - {name: b, macs: 9G, bytes: 1GiB}\n"
    "  - name: c\n"
    "    params: 9M\n"
    "    constraints: ['macs < 9.123456789G', 'latency@pc <= 0.1ms', latency<1s,\n"
    "                  'eer <= 3.3 %', 'bytes<=1.1MiB']\n";

static const char guessed[] =
    "name: guessed\n"
    "space: {depth: [1, 2], width: [64, 128], kernel: [1, 3], cat: [96]}\n"
    "evaluate: {surrogate: {predictor: p.safetensors, spread: 0.1}}\n"
    "search: {strategy: bayes}\n";

static void assert_prints_as_itself(const char *yaml)
{
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    parse(yaml, &conf);
    study_print(&conf, &first);
    parse(first.data, &other);
    study_print(&other, &second);
    ck_assert_str_eq(first.data, second.data);
    ck_assert_mem_eq(&conf.train.stages, &other.train.stages,
                     sizeof(conf.train.stages));
    ck_assert_int_eq(conf.train.augment.n_speeds, other.train.augment.n_speeds);
    ck_assert_mem_eq(&conf.train.augment.speeds, &other.train.augment.speeds,
                     sizeof(conf.train.augment.speeds));
    ck_assert_mem_eq(&conf.targets, &other.targets, sizeof(conf.targets));
    ck_assert_mem_eq(&conf.supernet, &other.supernet, sizeof(conf.supernet));
    ck_assert_mem_eq(&conf.widths, &other.widths, sizeof(conf.widths));
    ck_assert_str_eq(conf.data.train.manifest, other.data.train.manifest);
    ck_assert_str_eq(conf.data.eval.root, other.data.eval.root);
    buf_fini(&first);
    buf_fini(&second);
}

START_TEST(a_printed_study_reads_back_and_prints_the_same_bytes)
{
    assert_prints_as_itself(MINIMAL);
    assert_prints_as_itself(guessed);
    assert_prints_as_itself(everything);
    ck_assert_str_eq(other.name, "1e3");
    ck_assert_str_eq(other.data.train.split, "null");
    ck_assert_str_eq(other.data.eval.root, "/data/set/~x");
    ck_assert_double_eq(other.train.stages[0].lr_max, 0.30000000000000004);
    ck_assert_double_eq(other.train.stages[0].crop_s, 2.0999999999999996);
    ck_assert_uint_eq(other.seed, INT64_MAX);
    ck_assert_int_eq(other.widths.n, 128);
    ck_assert(other.data.skip_bad_files);
    ck_assert_uint_eq(other.limits.memory_bytes, 1610612736);
    ck_assert_uint_eq(other.limits.run_s, 86400);
}
END_TEST

START_TEST(a_resolved_study_does_not_depend_on_where_it_lies)
{
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    parse(everything, &conf);
    study_print(&conf, &first);
    ck_assert_int_eq(
        study_parse(first.data, first.len, "x", "/elsewhere", &other, NULL), ERR_OK);
    study_print(&other, &second);
    ck_assert_str_eq(first.data, second.data);
    buf_fini(&first);
    buf_fini(&second);
}
END_TEST

// Finds "`key`" for each key that printing writes, also as one of "`a`, `b`".
static void assert_documented(const char *docs, const char *printed)
{
    for (const char *line = printed; *line; line = strchr(line, '\n') + 1) {
        const char *key = line + strspn(line, " -");
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "`%.*s`", (int)strcspn(key, ":"), key);
        ck_assert_msg(strstr(docs, wanted) != NULL, "docs/study.md lacks %s", wanted);
    }
}

START_TEST(every_key_is_documented)
{
    struct buf printed = BUF_INIT;
    struct buf docs = BUF_INIT;
    parse(everything, &conf);
    study_print(&conf, &printed);
    ck_assert_int_eq(file_read(SOURCE_DIR "/docs/study.md", 1 << 20, &docs, NULL),
                     ERR_OK);
    assert_documented(docs.data, printed.data);
    buf_fini(&printed);
    buf_fini(&docs);
}
END_TEST

static const struct {
    const char *file;
    uint64_t count;
} shipped_spaces[] = {
    {SOURCE_DIR "/deploy/spaces/coarse.yaml", 4066875},
    {SOURCE_DIR "/deploy/spaces/fine.yaml", 10021183582095},
};

START_TEST(the_spaces_we_ship_are_the_papers)
{
    for (size_t i = 0; i < 2; i++) {
        struct space s;
        struct net_dims d;
        const struct net_dims paper = DIMS_PAPER;
        struct errinfo why = {0};
        uint64_t count = 0;
        ck_assert_msg(study_load_space(shipped_spaces[i].file, &s, &d, &why) == ERR_OK,
                      "%s", why.text);
        ck_assert_int_eq(space_count(&s, &count), ERR_OK);
        ck_assert_uint_eq(count, shipped_spaces[i].count);
        ck_assert_mem_eq(&d, &paper, sizeof(d));
    }
}
END_TEST

START_TEST(the_study_we_ship_is_sound_and_its_space_can_be_read_alone)
{
    const char *path = SOURCE_DIR "/deploy/studies/real-speech.yaml";
    struct errinfo why = {0};
    ck_assert_msg(study_load(path, NULL, 0, &conf, &why) == ERR_OK, "%s", why.text);
    struct space s;
    struct net_dims d;
    char text[ARCH_STRING_MAX];
    ck_assert_int_eq(study_load_space(path, &s, &d, &why), ERR_OK);
    struct arch a = space_largest(&s);
    ck_assert_str_eq(arch_print(&a, text), "2-128-128-128-3-3-3-384");
    ck_assert_mem_eq(&d, &conf.supernet, sizeof(d));
}
END_TEST

TEST_SUITE(study, a_minimal_study_gets_the_defaults,
           the_supernet_is_as_large_as_the_space_and_otherwise_the_papers,
           what_train_says_holds_for_stages_that_say_nothing,
           relative_paths_start_at_the_studys_folder,
           file_names_start_at_the_folder_of_their_list, numbers_may_carry_suffixes,
           speeds_make_new_speakers_unless_they_keep_them,
           a_target_admits_what_stays_within_all_its_limits,
           the_limits_of_a_target_are_those_of_its_keys_and_of_its_constraints,
           a_study_that_guesses_needs_no_recordings_and_trains_nothing,
           a_predictor_is_searched_by_the_papers_strategy_unless_another_is_named,
           normalised_scores_and_fine_tuning_are_off_until_they_are_asked_for,
           a_printed_study_reads_back_and_prints_the_same_bytes,
           a_resolved_study_does_not_depend_on_where_it_lies, every_key_is_documented,
           the_spaces_we_ship_are_the_papers,
           the_study_we_ship_is_sound_and_its_space_can_be_read_alone)
