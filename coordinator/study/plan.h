// SPDX-License-Identifier: Apache-2.0
// plan.h - what a study does next: a pure function of what is stored.
//
// The happy path: pack -> (add round -> [merge ->] adopt)* -> end stage, for each stage
// -> (propose -> adopt the proposals)* -> end search -> [tune -> end tuning] -> export
// -> write -> done. With a predictor, label* -> end labels -> fit -> adopt the fit,
// whose picks are all there is to propose, come before the end of the search. A study
// that guesses starts with its search, and has nothing to export. The driver gathers a
// view, asks, applies the one decision in the transaction it is in, and asks again
// until the answer is to wait. A decision is repeatable: when its effect was lost in a
// crash or a rolled back transaction, the same view comes back and so does the same
// decision. The failures: a buried TRAIN task, a pack or merge that cannot be made, and
// a search in which nothing could be measured fail the study; a buried evaluation or
// fine-tuning does not.
//
// Owns: nothing; pure. Threads: any.
#ifndef COORDINATOR_STUDY_PLAN_H
#define COORDINATOR_STUDY_PLAN_H

#include "common/conf/study.h"
#include "coordinator/store/study_row.h"
#include "coordinator/store/task.h"
#include "coordinator/study/train_round.h"

// A job beside the loop: reading recordings, averaging weights, fitting predictors,
// proposing, writing results.
enum plan_job_state { PLAN_JOB_NONE, PLAN_JOB_RUNNING, PLAN_JOB_DONE, PLAN_JOB_FAILED };

// The job of the study's present state (and round); `error` when it failed for good.
struct plan_job {
    enum plan_job_state state;
    const char *checkpoint; // TRAINING, done: the merged weights
    const char *error;
};

// Counts of the study's trials. "Open" is neither measured nor failed.
struct plan_trials {
    uint32_t n_proposed; // by the strategy so far
    uint32_t n_open;     // of any origin
    uint32_t
        n_open_candidates; // with the final checkpoint, origin search or last stage
    uint32_t n_measured_candidates;
    uint32_t n_labels; // of origin label
    uint32_t n_open_labels;
    uint32_t n_measured_labels;
    uint32_t n_open_tunings; // of origin finetune
};

struct plan_view {
    const struct study_conf *conf;
    const struct study_row *study;
    uint32_t n_workers;            // live ones that could train now
    const struct task_row *shards; // TRAIN tasks of the current round, by shard
    uint32_t n_shards;
    struct plan_job job;
    struct plan_trials trials;
    bool is_exhausted;          // nothing new to propose, or to label, is left
    uint32_t n_tables_missing;  // latency tables that are still being measured
    uint32_t n_devices_open;    // whose tables are being measured, or checked
    uint32_t n_tunings_missing; // networks that are still to be fine-tuned
    uint32_t n_exports_missing; // winners without an exporting trial
};

// Trials with a task each that one transaction takes in: some milliseconds of the loop.
#define PLAN_ADDED_MAX 100

enum plan_kind {
    PLAN_WAIT,
    PLAN_PACK,       // start reading the recordings
    PLAN_START,      // the pack is there: record it, TRAINING
    PLAN_ADD_ROUND,  // insert the TRAIN tasks of `round`
    PLAN_MERGE,      // start averaging the shards' checkpoints
    PLAN_ADOPT,      // `checkpoint` at `position` is the newest, the round is over
    PLAN_END_STAGE,  // add the stage's trials; the next stage, or what comes after them
    PLAN_LABEL,      // add n_proposals labels
    PLAN_END_LABELS, // FITTING
    PLAN_FIT,        // start fitting predictors and searching the best one
    PLAN_ADOPT_FIT,  // record it, add the trials of what it picked, SEARCHING
    PLAN_PROPOSE,    // start asking the strategy for n_proposals
    PLAN_ADOPT_PROPOSALS, // add their trials, measured where the study guesses
    PLAN_END_SEARCH,      // TUNING or EXPORTING
    PLAN_TUNE,            // add the trials of what is to be fine-tuned
    PLAN_END_TUNING,      // EXPORTING
    PLAN_EXPORT,          // add the winners' exporting trials
    PLAN_WRITE,           // start writing networks and results
    PLAN_FINISH,          // DONE
    PLAN_FAIL, // FAILED: the last error of `task_id`, or `error` where that is 0
    PLAN_KINDS
};

struct plan_decision {
    enum plan_kind kind;
    struct train_round round;
    const char *checkpoint; // points into the view
    uint64_t position;
    uint32_t n_proposals;
    uint64_t task_id;
    const char *error; // points into the view or is constant
};

struct plan_decision plan_next(const struct plan_view *v);

const char *plan_kind_name(enum plan_kind k);

#endif
