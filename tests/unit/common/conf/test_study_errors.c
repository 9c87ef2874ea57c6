// SPDX-License-Identifier: Apache-2.0
// test_study_errors.c - malformed studies: each error names line, key and what is
// allowed.
#include "common/conf/study.h"
#include "tests/lib/check_main.h"

#include <stdio.h>
#include <string.h>

// A sound study, one line to a row, so that a case replaces a line by its number.
static const char *const sound[] = {
    "name: demo",                                             // 1
    "seed: 7",                                                // 2
    "data:",                                                  // 3
    "  train: {manifest: m.tsv, split: train, root: speech}", // 4
    "  trials: trials.txt",                                   // 5
    "  noise: noise",                                         // 6
    "space:",                                                 // 7
    "  depth: [2, 3]",                                        // 8
    "  width: [128, 256]",                                    // 9
    "  kernel: [1, 3, 5]",                                    // 10
    "  cat: [384, 768]",                                      // 11
    "supernet: {width: 512}",                                 // 12
    "train:",                                                 // 13
    "  batch: 32",                                            // 14
    "  augment: {noise: 0.5, snr: [5, 20]}",                  // 15
    "  stages:",                                              // 16
    "    - {stage: largest, epochs: 2}",                      // 17
    "    - {stage: depth, epochs: 1}",                        // 18
    "evaluate: {protocol: full}",                             // 19
    "search: {candidates: 4}",                                // 20
    "targets:",                                               // 21
    "  - {name: phone, macs: 500M}",                          // 22
    "  - {name: watch, params: 1M}",                          // 23
};
#define N_LINES ((int)(sizeof(sound) / sizeof(sound[0])))

static const struct malformed {
    int line; // replaced; what it becomes may be several lines
    const char *text;
    const char *error; // begins with ":LINE: key: " and what is wrong
} cases[] = {
    {21, "devices:\n  - {name: a}\ntargets:",
     ":22: devices[0]: has neither latency_table nor measure; allowed: latency_table"},
    {21, "devices:\n  - {name: a, latency_table: t.csv, measure: {}}\ntargets:",
     ":22: devices[0]: has both latency_table and measure"},
    {21, "devices:\n  - {name: a, measure: {}}\n  - {name: a, measure: {}}\ntargets:",
     ":23: devices[1].name: is a, as of devices[0]; allowed: each name once"},
    {21, "devices:\n  - {name: a, measure: {holdout: 2}}\ntargets:",
     ":22: devices[0].measure.holdout: is 2; allowed: 3 to 1000"},
    {21, "devices:\n  - {name: a, measure: {frames: 5k, batch: 64}}\ntargets:",
     ":22: devices[0].measure.batch: is 64 with 5000 frames; allowed: at most 262144"},
    {21, "devices:\n  - {name: a, measure: {cores: 2}}\ntargets:",
     ":22: devices[0].measure.cores: is not a known key"},
    {21, "limits: {memory: 63MiB}\ntargets:",
     ":21: limits.memory: is 66060288 bytes; allowed: 64MiB to "},
    {21, "limits:\n  run_s: 2592001\ntargets:",
     ":22: limits.run_s: is 2592001; allowed: 1 to 2592000 seconds"},
    {21, "limits: {gpus: 2}\ntargets:", ":21: limits.gpus: is not a known key"},
    {1, "nmae: demo",
     ":1: nmae: is not a known key, did you mean name? allowed: name, "},
    {1, "# no name", ":2: name: is missing; allowed: letters, digits"},
    {1, "name: a/b", ":1: name: is a/b; allowed: letters, digits"},
    {1, "name: .hidden", ":1: name: is .hidden; allowed: letters"},
    {1, "name:", ":1: name: has no value; allowed: letters"},
    {1, "name: [a]", ":1: name: is a list; allowed: letters"},
    {1, "name: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
     ":1: name: is aaaaaaaaaa"},
    {2, "seed: -1", ":2: seed: is -1; allowed: a whole number from 0"},
    {2, "seed: 99999999999999999999", ":2: seed: is 99999999999999999999; allowed"},
    {2, "seed: 1\nseed: 2", ":3: seed: is there twice"},
    {3, "data: files\nother:", ":4: other: is not a known key; allowed: name, seed"},
    {4, "  eval: {}", ":3: data.train: is missing; allowed: a map with the keys"},
    {4, "  train: {split: x}", ":4: data.train: has a split without a manifest"},
    {4, "  train: {root: x}", ":4: data.train: lists no recordings; allowed: manifest"},
    {4, "  train: {manifest: a, kaldi: b}",
     ":4: data.train: has both manifest and kal"},
    {4, "  train: {manifest: a, folder: b}",
     ":4: data.train.folder: is not a known key"},
    {4, "  train: m.tsv", ":4: data.train: is m.tsv; allowed: a map with the keys"},
    {5, "  bad_files: ignore", ":3: data.trials: is missing"},
    {5, "  trials: t\n  bad_files: ignore",
     ":6: data.bad_files: is ignore; allowed: error, skip"},
    {6, "", ":15: train.augment.noise: is 0.5, but data.noise names no recordings"},
    {8, "  depth: []", ":8: space.depth: is a list; allowed: [a, b, ...] or"},
    {8, "  depth: [2, 9]", ":8: space.depth[1]: holds 9; allowed: 1 to 8"},
    {8, "  depth: 2", ":8: space.depth: is 2; allowed: [a, b, ...] or {from: a"},
    {9, "  width: [128, 100]",
     ":9: space.width[1]: holds 100; allowed: a multiple of 8"},
    {9, "  width: [256, 128]",
     ":9: space.width[1]: is 128 after 256; allowed: increas"},
    {9, "  width: [128, 128]", ":9: space.width[1]: is 128 after 128"},
    {9, "  width: [128, wide]",
     ":9: space.width[1]: is wide; allowed: a multiple of 8"},
    {9, "  width: [128, \"256\"]", ":9: space.width[1]: is the text \"256\"; allowed"},
    {9, "  width: {from: 128, to: 512}",
     ":9: space.width.step: is missing; allowed: a "},
    {9, "  width: {from: 128, to: 64, step: 8}",
     ":9: space.width: goes from 128 to 64"},
    {9, "  width: {from: 128, to: 512, step: 4}",
     ":9: space.width: holds 132; allowed"},
    {9, "  width: {from: 8, to: 8192, step: 8}",
     ":9: space.width: is a map; allowed: ["},
    {9, "  width: {from: 128, to: 512, by: 8}",
     ":9: space.width.by: is not a known key"},
    {9, "  width: [128, 1024]",
     ":12: supernet.width: is 512; allowed: at least 1024, "},
    {10, "  kernel: [1, 2, 3]", ":10: space.kernel[1]: holds 2; allowed: 1, 3 or 5"},
    {11, "  cats: [384]", ":11: space.cats: is not a known key, did you mean cat?"},
    {11, "", ":7: space.cat: is missing; allowed: [a, b, ...]"},
    {12, "supernet: {width: 500}",
     ":12: supernet.width: is 500; allowed: a multiple of"},
    {12, "supernet: {kernel: 4}", ":12: supernet.kernel: is 4; allowed: 1, 3 or 5"},
    {12, "supernet: {depth: 2}", ":12: supernet.depth: is 2; allowed: at least 3, the"},
    {12, "supernet: {width: 512, input: raw}",
     ":12: supernet.input: is raw; allowed: by_recording, fixed"},
    {12, "supernet: {embedding: 0}",
     ":12: supernet.embedding: is 0; allowed: a whole n"},
    {14, "  batch: 0",
     ":14: train.batch: is 0; allowed: a whole number from 2 to 4096"},
    {14, "  batch: 64.0", ":14: train.batch: is 64.0; allowed: a whole number"},
    {14, "  batch: \"64\"", ":14: train.batch: is the text \"64\"; allowed: a whole"},
    {14, "  batch: 0x40", ":14: train.batch: is 0x40; allowed: a whole number"},
    {14, "  batch: 99999999999999999999", ":14: train.batch: is 99999999999999999999"},
    {14, "  crop: 0.05", ":14: train.crop: is 0.05; allowed: a number from 0.1 to 60"},
    {14, "  weight_decay: nan", ":14: train.weight_decay: is nan; allowed: a number"},
    {14, "  weight_decay: 1e999", ":14: train.weight_decay: is 1e999; allowed"},
    {14, "  lr_max: 1e-9",
     ":14: train.lr_max: is 1e-09; allowed: above 0 and at least"},
    {14, "  lr_min: 0\n  lr_max: 0", ":15: train.lr_max: is 0; allowed: above 0"},
    {15, "  augment: {snr: [20, 5]}",
     ":15: train.augment.snr: is a list; allowed: [low"},
    {15, "  augment: {snr: 5}", ":15: train.augment.snr: is 5; allowed: [low, high]"},
    {15, "  augment: {noise: 1.5}",
     ":15: train.augment.noise: is 1.5; allowed: a number"},
    {15, "  augment: {nois: .5}",
     ":15: train.augment.nois: is not a known key, did you"},
    {15, "  augment: {speeds: 0.9}",
     ":15: train.augment.speeds: is 0.9; allowed: [a, b, ...], up to 4 increasing"},
    {15, "  augment: {speeds: [1.1, 0.9]}",
     ":15: train.augment.speeds: is a list; all"},
    {15, "  augment: {speeds: [0.4]}", ":15: train.augment.speeds: is a list; allowed"},
    {15, "  augment: {speeds: [.6, .7, .8, .9, 1.1]}",
     ":15: train.augment.speeds: is a list; allowed: [a, b, ...], up to 4"},
    {15, "  augment: {speeds: [0.9, 1]}",
     ":15: train.augment.speeds[1]: is 1; allowed: whole hundredths other than 1"},
    {15, "  augment: {speeds: [0.955]}", ":15: train.augment.speeds[0]: is 0.955; all"},
    {15, "  augment: {speed_speakers: yes}",
     ":15: train.augment.speed_speakers: is yes; allowed: new, same"},
    {14, "  balance: 1.5",
     ":14: train.balance: is 1.5; allowed: a number from -1 to 1"},
    {14, "  margin_ramp: 2", ":14: train.margin_ramp: is 2; allowed: a number from 0"},
    {17, "    - {stage: huge}",
     ":17: train.stages[0].stage: is huge; allowed: largest, "},
    {17, "    - largest", ":17: train.stages[0]: is largest; allowed: a list of maps"},
    {17, "    - {epochs: 3}",
     ":17: train.stages[0].stage: is missing; allowed: largest"},
    {17, "    - {stage: width1}", ":18: train.stages[1].stage: is depth after width1"},
    {17, "    - {stage: depth}", ":18: train.stages[1].stage: is depth after depth"},
    {17, "    - {stage: largest, lr_max: 0}",
     ":17: train.stages[0].lr_max: is 0; allow"},
    {17, "    - {stage: largest, lr_max: 2}",
     ":17: train.stages[0].lr_max: is 2; allow"},
    {19, "evaluate: {protocol: fast}",
     ":19: evaluate.protocol: is fast; allowed: full,"},
    {19, "evaluate: {frames: 0}",
     ":19: evaluate.frames: is 0; allowed: a whole number"},
    {19, "evaluate: {recalibrate: 1}",
     ":19: evaluate.recalibrate: is 1; allowed: a whole number from 2"},
    {19, "evaluate:", ":19: evaluate: has no value; allowed: a map with the keys"},
    {20, "search: {strategy: clever}",
     ":20: search.strategy: is clever; allowed: rand"},
    {20, "search: {candidates: 0}", ":20: search.candidates: is 0; allowed: a whole"},
    {22, "  - {macs: 500M}", ":22: targets[0].name: is missing; allowed: letters"},
    {22, "  - {name: phone}",
     ":22: targets[0]: has no limit; allowed: params, macs, by"},
    {22, "  - {name: watch, macs: 1G}",
     ":23: targets[1].name: is watch, as of targets[0"},
    {22, "  - {name: a, macs: 1k}",
     ":22: targets[0].macs: is 1000; allowed: at least 83"},
    {22, "  - {name: a, bytes: 1MiB}",
     ":22: targets[0].bytes: is 1048576; allowed: at "},
    {22, "  - {name: a, macs: 5MB}",
     ":22: targets[0].macs: is 5MB; allowed: a whole nu"},
    {22, "  - {name: a, macs: 0}",
     ":22: targets[0].macs: is 0; allowed: a whole number"},
    {22, "  - {name: a, macs: 1.0001k}", ":22: targets[0].macs: is 1.0001k; allowed"},
    {22, "  - {name: a, macs: -5M}", ":22: targets[0].macs: is -5M; allowed"},
    {22, "  - {name: a, macs: 99999999999G}",
     ":22: targets[0].macs: is 99999999999G; "},
    {22, "  - {name: a, constraints: [macs]}", ":22: targets[0].constraints[0]: "},
    {22, "  - {name: a, constraints: ['macs <= 1G', 'params <= 5 boxes']}",
     ":22: targets[0].constraints[1]: "},
    {22, "  - {name: a, constraints: ['macs <= 1000']}",
     ":22: targets[0].constraints[0]: is 1000; allowed: at least 83"},
    {22, "  - {name: a, constraints: macs <= 1G}",
     ":22: targets[0].constraints: is macs <= 1G; allowed: up to 8 texts as \"params"},
    {22, "  - {name: a, constraints: ['latency@board <= 1ms']}",
     ":22: targets[0].constraints[0]: speaks of device board; allowed: none, there are"},
    {23,
     "  - {name: a, constraints: ['latency <= 1ms']}\n"
     "devices: [{name: x, latency_table: x.csv}, {name: y, latency_table: y.csv}]",
     ":23: targets[1].constraints[0]: speaks of latency without saying on which; "
     "allowed: latency@x, latency@y"},
    {20, "search: {predictor: {kind: gp}}",
     ":20: search.predictor.labels: is missing; allowed: a whole number from 10"},
    {20, "search: {predictor: {labels: 9}}",
     ":20: search.predictor.labels: is 9; allo"},
    {20, "search: {predictor: {labels: 1M}}",
     ":20: search.predictor.labels: is 1000000; allowed: up to 100000"},
    {20, "search: {predictor: {labels: 50, kind: best}}",
     ":20: search.predictor.kind: is best; allowed: auto, mlp, ridge, gp"},
    {20, "search: {candidates: 5000, predictor: {labels: 50}}",
     ":20: search.candidates: is 5000; allowed: up to 1000 with search.predictor"},
    {19, "evaluate: {asnorm: {top: 300}}",
     ":19: evaluate.asnorm.cohort: is missing; allowed: a whole number from 2"},
    {19, "evaluate: {asnorm: {cohort: 1}}", ":19: evaluate.asnorm.cohort: is 1; "},
    {19, "evaluate: {asnorm: {cohort: 1M}}",
     ":19: evaluate.asnorm.cohort: is 1000000; allowed: 2 to 100000"},
    {19, "evaluate: {asnorm: {cohort: 9, top: 1}}",
     ":19: evaluate.asnorm.top: is 1; allowed: a whole number from 2 to"},
    {19, "evaluate: {asnorm: {cohort: 9}, surrogate: {predictor: p}}",
     ":19: evaluate.asnorm: is given beside evaluate.surrogate"},
    {20, "finetune: {epochs: 5}",
     ":20: finetune.networks: is missing; allowed: a whole number from 1"},
    {20, "finetune: {networks: 9}", ":20: finetune.networks: is 9; allowed: 1 to 8"},
    {20, "finetune: {networks: 1, epochs: 0}", ":20: finetune.epochs: is 0; allowed: "},
    {20, "finetune: {networks: 1, lr: 0}", ":20: finetune.lr: is 0; allowed: "},
    {20, "finetune: {networks: 1, crop: 0}", ":20: finetune.crop: is 0; allowed: "},
    {19, "evaluate: {surrogate: {predictor: p}}\nfinetune: {networks: 1}",
     ":20: finetune: is given beside evaluate.surrogate; allowed: one of them"},
    {19, "evaluate: {surrogate: {spread: 1}}",
     ":19: evaluate.surrogate.predictor: is missing; allowed: a path"},
    {23, "  - &x {name: b, macs: 1G}",
     ":23: targets: anchors (&name) are not supported"},
    {23, "  - {name: b, macs: 1G", ": not valid YAML"},
    {23, "---", ":23: holds more than one document"},
};

static size_t write_study(const struct malformed *m, char *out, size_t cap)
{
    size_t at = 0;
    for (int i = 0; i < N_LINES; i++) {
        const char *text = m && m->line == i + 1 ? m->text : sound[i];
        at += (size_t)snprintf(out + at, cap - at, "%s\n", text);
        ck_assert_uint_lt(at, cap);
    }
    return at;
}

static struct study_conf conf;

START_TEST(the_study_the_cases_start_from_is_sound)
{
    char yaml[4096];
    struct errinfo why = {0};
    size_t n = write_study(NULL, yaml, sizeof(yaml));
    ck_assert_msg(study_parse(yaml, n, "s.yaml", "/d", &conf, &why) == ERR_OK, "%s",
                  why.text);
}
END_TEST

START_TEST(malformed_studies_are_refused_with_line_key_and_what_is_allowed)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char yaml[4096];
        struct errinfo why = {0};
        size_t n = write_study(&cases[i], yaml, sizeof(yaml));
        ck_assert_msg(study_parse(yaml, n, "s.yaml", "/d", &conf, &why) == ERR_INPUT,
                      "accepted: %s", cases[i].text);
        const char *found = strstr(why.text, cases[i].error);
        ck_assert_msg(strncmp(why.text, "s.yaml:", 7) == 0 && found,
                      "case \"%s\" gave: %s", cases[i].text, why.text);
    }
}
END_TEST

START_TEST(too_many_targets_are_refused)
{
    struct buf yaml = BUF_INIT;
    for (int i = 0; i < 21; i++) {
        buf_addf(&yaml, "%s\n", sound[i]);
    }
    for (int i = 0; i <= STUDY_TARGETS_MAX; i++) {
        buf_addf(&yaml, "  - {name: t%d, macs: 1G}\n", i);
    }
    struct errinfo why = {0};
    ck_assert_int_eq(study_parse(yaml.data, yaml.len, "s.yaml", "/d", &conf, &why),
                     ERR_INPUT);
    ck_assert_str_eq(why.text, "s.yaml:21: targets: has 17 entries; allowed: up to 16");
    buf_fini(&yaml);
}
END_TEST

START_TEST(a_file_over_a_mebibyte_is_refused)
{
    size_t n = STUDY_FILE_MAX_BYTES + 1;
    char *yaml = malloc(n);
    ck_assert_ptr_nonnull(yaml);
    memset(yaml, '#', n);
    struct errinfo why = {0};
    ck_assert_int_eq(study_parse(yaml, n, "s.yaml", "/d", &conf, &why), ERR_LIMIT);
    free(yaml);
}
END_TEST

START_TEST(a_cut_study_never_crashes_and_is_never_half_read)
{
    char yaml[4096];
    size_t n = write_study(NULL, yaml, sizeof(yaml));
    for (size_t i = 0; i < n; i++) {
        struct errinfo why = {0};
        if (study_parse(yaml, i, "s.yaml", "/d", &conf, &why) != ERR_OK) {
            ck_assert_uint_gt(strlen(why.text), 0);
        } else {
            ck_assert_str_eq(conf.name, "demo");
            ck_assert_int_eq(conf.cats.values[0], 384);
        }
    }
}
END_TEST

START_TEST(an_error_in_a_value_from_the_command_line_says_so)
{
    char path[] = "/tmp/voxarch_test_study_XXXXXX";
    int fd = mkstemp(path);
    char yaml[4096];
    size_t n = write_study(NULL, yaml, sizeof(yaml));
    FILE *f = fdopen(fd, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(yaml, 1, n, f), n);
    fclose(f);
    const char *const sets[] = {"train.batch=16", "search.candidates=many"};
    struct errinfo why = {0};
    ck_assert_int_eq(study_load(path, sets, 1, &conf, &why), ERR_OK);
    ck_assert_int_eq(conf.train.batch, 16);
    ck_assert_int_eq(study_load(path, sets, 2, &conf, &why), ERR_INPUT);
    ck_assert_ptr_nonnull(
        strstr(why.text, "command line: search.candidates: is many; allowed: a whole"));
    remove(path);
    ck_assert_int_eq(study_load(path, NULL, 0, &conf, &why), ERR_NOTFOUND);
}
END_TEST

TEST_SUITE(study_errors, the_study_the_cases_start_from_is_sound,
           malformed_studies_are_refused_with_line_key_and_what_is_allowed,
           too_many_targets_are_refused, a_file_over_a_mebibyte_is_refused,
           a_cut_study_never_crashes_and_is_never_half_read,
           an_error_in_a_value_from_the_command_line_says_so)
