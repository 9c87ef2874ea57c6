// SPDX-License-Identifier: Apache-2.0
// results.h - the run directory's files: what people and notebooks read.
//
// study.yaml  the resolved study                     (driver_add_study writes it)
// run.json    version, seed, hashes, counts, machine, times, checkpoints by stage
// trials.csv  every measured or failed trial
// losses.csv  every settled shard
// front.csv   the front over EER and MACs, by MACs; front.json the same and the targets
// front-DEVICE.csv  the front over EER and the latency of each device, by latency
// finetune.csv  every fine-tuned network, before and after; of a study that does that
// latency_DEVICE.csv, measured_DEVICE.csv  see results_devices.h
// networks/TARGET.safetensors  each target's winner, ready to deploy
// report.md, plots/*.svg  all of that for people       (the driver's report hook)
//
// Each file is replaced as a whole: a reader, or a crash, sees the old or the new one.
//
// Owns: a results input owns copies of everything. Threads: made on the loop, written
// on the thread pool.
#ifndef COORDINATOR_STUDY_RESULTS_H
#define COORDINATOR_STUDY_RESULTS_H

#include "common/base/file.h"
#include "common/conf/study.h"
#include "coordinator/store/study_row.h"
#include "coordinator/study/final.h"
#include "coordinator/study/fit.h"
#include "coordinator/study/history.h"
#include "coordinator/study/provenance.h"
#include "coordinator/study/results_devices.h"

struct results_network {
    char target[32];
    char blob_path[FILE_PATH_MAX]; // of the exported network
};

struct results {
    char dir[FILE_PATH_MAX];
    struct study_conf conf;
    struct study_row study;
    struct history history;
    int64_t now_ms;   // wall clock
    bool is_finished; // everything is measured: run.json gets its end
    struct results_devices devices;
    size_t n_networks;
    struct results_network networks[STUDY_TARGETS_MAX];
    struct aims_tables tables;      // borrowed: they outlive the study's jobs
    char fit_path[FILE_PATH_MAX];   // the record of the fit; "" = none
    struct fit fit;                 // results_write reads it
    struct provenance provenance;   // results_write fills it
    const struct trial_row **front; // by MACs; results_write finds it
    size_t n_front;
    const struct trial_row **device_fronts[STUDY_DEVICES_MAX]; // by table and latency
    size_t n_device_fronts[STUDY_DEVICES_MAX];
};

// The heap copy for one writing; the caller fills history and networks.
struct results *results_create(const char *dir, const struct study_conf *conf,
                               const struct study_row *study);
void results_destroy(struct results *r); // NULL is fine

// The candidates on the fronts. results_write does it; tests of the parts may.
void results_find_front(struct results *r);

// The network's latency by table i; infinity where that does not cover it.
double results_latency(const struct results *r, int i, const struct arch *a);

// ERR_IO, ERR_NOTFOUND (a network's artifact).
MUST_CHECK enum err results_write(struct results *r, struct errinfo *why);

// The parts, appended to `out`.
void results_trials_csv(const struct results *r, struct buf *out);
void results_losses_csv(const struct results *r, struct buf *out);
void results_front_csv(const struct results *r, struct buf *out);
void results_device_front_csv(const struct results *r, int i, struct buf *out);
void results_finetune_csv(const struct results *r, struct buf *out);
void results_front_json(const struct results *r, struct buf *out);
void results_run_json(const struct results *r, struct buf *out);

struct final_scope results_scope(const struct results *r);

#endif
