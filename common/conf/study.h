// SPDX-License-Identifier: Apache-2.0
// study.h - a study file, checked: everything one search is made of.
//
// The file is YAML. Loading checks every key, type, range and name; an error says
// `file:line: key: what is wrong, what is allowed`. Relative paths are taken from the
// study file's folder. study_print writes the resolved study (all defaults filled in,
// absolute paths): the run directory keeps it, workers receive it as an artifact and
// load it with the same checker, so both sides see the same plain struct.
//
// Owns: nothing; struct study_conf is a value (large: allocate it, pass by pointer).
// Threads: any.
#ifndef COMMON_CONF_STUDY_H
#define COMMON_CONF_STUDY_H

#include "common/base/file.h"
#include "common/conf/study_devices.h"
#include "common/conf/study_evaluate.h"
#include "common/conf/study_finetune.h"
#include "common/conf/study_limits.h"
#include "common/conf/study_targets.h"
#include "common/space/complexity.h"
#include "common/space/dims.h"
#include "common/space/space.h"
#include "common/space/stage.h"

#include <stdbool.h>
#include <stdint.h>

#define STUDY_NAME_MAX       64
#define STUDY_SPEEDS_MAX     4
#define STUDY_SHARDS_MAX     256 // of a round
#define STUDY_LABELS_MIN     10  // fewer teach nothing
#define STUDY_LABELS_MAX     100000
#define STUDY_PICKS_MAX      1000 // what a fit may be asked for
#define STUDY_FILE_MAX_BYTES (1 << 20)

// Where recordings are listed: exactly one of manifest and kaldi is non-empty for the
// training recordings; at most one for those of the trials, whose file names are taken
// from root when there is no list.
struct study_recordings {
    char manifest[FILE_PATH_MAX]; // TSV with a header: split, speaker, file, ...
    char kaldi[FILE_PATH_MAX];    // folder with wav.scp and utt2spk
    char split[32];               // manifest rows with this split; "" = all
    // In front of relative file names. Never empty: the folder of the list; for a
    // trials' root without a list, the root of the training recordings.
    char root[FILE_PATH_MAX];
};

struct study_data {
    struct study_recordings train;
    struct study_recordings eval; // the recordings trials speak of; optional lists
    char trials[FILE_PATH_MAX];   // VoxCeleb (1 a b) or Kaldi (a b target) form
    char noise[FILE_PATH_MAX];    // folder of recordings; "" = none
    bool skip_bad_files;          // bad_files: skip | error (the default)
};

struct study_augment {
    double noise_prob; // of adding noise to a crop, at an SNR uniform in the range
    double snr_min_db;
    double snr_max_db;
    double reverb_prob; // of convolving with a synthetic room response
    int freq_masks;     // SpecAugment, on the normalised log-mel crop
    int freq_mask_bins; // widest mask
    int time_masks;
    int time_mask_frames; // widest mask
    // Speed perturbation: each crop is played at one of 1 and these, all as likely.
    int n_speeds;
    double speeds[STUDY_SPEEDS_MAX]; // whole percents, increasing, none of them 1
    bool speeds_keep_speaker;        // else a speaker at another speed is a new one
};

struct study_stage {
    enum stage_kind kind;
    double epochs; // passes over the training utterances
    int cycles;    // of the triangular2 schedule
    double lr_min;
    double lr_max;
    double crop_s; // training crop, seconds
    // Large-margin fine-tuning: the last part of the stage, with its own crop and
    // margin.
    double tune; // how large a part, 0 = none
    double tune_crop_s;
    double tune_margin;
};

struct study_train {
    int batch;           // utterances a step
    double balance;      // a recording of a speaker with n weighs n^-balance
    double weight_decay; // L2 form
    double aam_margin;
    double margin_ramp; // part of a stage in which the margin grows from 0
    double aam_scale;
    int round_steps; // steps of one shard between merges
    int max_shards;  // shards of a round: up to this many, as workers are there
    struct study_augment augment;
    int n_stages;
    struct study_stage stages[STAGE_KINDS]; // in order, each kind at most once
};

// A predictor fitted to labels, which are networks of all sizes evaluated cheaply.
struct study_predictor {
    uint64_t labels; // how many; 0 = no predictor: strategies are told evaluations
    char kind[16];   // "auto" (the best in cross-validation), "mlp", "ridge", "gp"
    int folds;       // of the cross-validation
    int evaluations; // of the predictor, for each target and each front
};

struct study_search {
    char strategy[32];
    int candidates;  // architectures to evaluate
    int population;  // 0 = the strategy's own
    double mutation; // 0 = the strategy's own
    struct study_predictor predictor;
};

struct study_conf {
    char name[STUDY_NAME_MAX];
    uint64_t seed;
    double weight; // its share of the workers, beside other studies
    struct study_data data;
    struct net_dims supernet;
    struct value_list depths, widths, kernels, cats; // as written
    struct space space;                              // built from them
    struct study_train train;
    struct study_evaluate evaluate;
    struct study_search search;
    struct study_limits limits;
    struct study_finetune finetune;
    int n_devices;
    struct study_device devices[STUDY_DEVICES_MAX];
    int n_targets;
    struct study_target targets[STUDY_TARGETS_MAX];
};

// Loads and checks. `sets` are "key.sub=value" overrides from the command line (may be
// NULL). ERR_NOTFOUND, ERR_LIMIT (too large), ERR_INPUT.
MUST_CHECK enum err study_load(const char *path, const char *const *sets, size_t n_sets,
                               struct study_conf *out, struct errinfo *why);

// The same from memory; `name` stands in errors, `dir` (without symbolic links) is
// where relative paths start.
MUST_CHECK enum err study_parse(const char *yaml, size_t n, const char *name,
                                const char *dir, struct study_conf *out,
                                struct errinfo *why);

// Appends the resolved study as YAML that study_parse accepts and that resolves to
// itself, byte for byte.
void study_print(const struct study_conf *s, struct buf *out);

// Classes the classifier tells apart: the speakers, and again at each other speed,
// class speaker + k * n_speakers for the k-th. The one place that knows.
int study_n_classes(const struct study_conf *conf, int n_speakers);

// Whether the coordinator itself evaluates, by a predictor's file.
bool study_is_surrogate(const struct study_conf *s);

// Whether the best networks are trained on by themselves before the study ends.
bool study_finetunes(const struct study_conf *s);

// All limits of a target, those of its own keys first; returns how many.
int study_target_limits(const struct study_target *t,
                        struct constraint out[static STUDY_LIMITS_MAX]);

// Whether something of that size and work stays within the target's limits on these.
bool study_target_admits(const struct study_target *t, const struct complexity *c);

// Loads only the `space:` (and optional `supernet:`) part of a study or space file. The
// other keys of a study are allowed and not looked at.
MUST_CHECK enum err study_load_space(const char *path, struct space *out,
                                     struct net_dims *dims, struct errinfo *why);

#endif
