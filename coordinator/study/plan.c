// SPDX-License-Identifier: Apache-2.0
// plan.c - see plan.h. One function per state of a study, chosen by table.
#include "coordinator/study/plan.h"

#include "common/conf/stage_batches.h"

// Proposals in flight: enough that no worker waits for the coordinator, few enough that
// a strategy that learns is told results before it proposes again.
#define PROPOSALS_PER_WORKER 2
#define PROPOSALS_EXTRA      4
// Of one job: what one transaction can take in without holding up the loop.
#define GUESSES_MAX          400

static struct plan_decision decide(enum plan_kind kind)
{
    return (struct plan_decision){.kind = kind};
}

static struct plan_decision fail(const char *error)
{
    return (struct plan_decision){.kind = PLAN_FAIL, .error = error};
}

// What to do about a job that is due: start it, wait for it, or give up.
static struct plan_decision need_job(const struct plan_job *job, enum plan_kind start)
{
    switch (job->state) {
    case PLAN_JOB_NONE: return decide(start);
    case PLAN_JOB_FAILED: return fail(job->error);
    default: return decide(PLAN_WAIT);
    }
}

static struct plan_decision plan_packing(const struct plan_view *v)
{
    if (v->job.state == PLAN_JOB_DONE) {
        return decide(PLAN_START);
    }
    return need_job(&v->job, PLAN_PACK);
}

static const struct task_row *shard_in_state(const struct plan_view *v,
                                             enum task_state state)
{
    for (uint32_t i = 0; i < v->n_shards; i++) {
        if (v->shards[i].state == state) {
            return &v->shards[i];
        }
    }
    return NULL;
}

static bool all_shards_done(const struct plan_view *v)
{
    for (uint32_t i = 0; i < v->n_shards; i++) {
        if (v->shards[i].state != TASK_DONE) {
            return false;
        }
    }
    return true;
}

static struct plan_decision adopt(const struct plan_view *v, const char *checkpoint)
{
    return (struct plan_decision){
        .kind = PLAN_ADOPT,
        .checkpoint = checkpoint,
        .position = train_round_end(&v->shards[0].spec.train),
    };
}

static struct plan_decision plan_round(const struct plan_view *v)
{
    const struct task_row *buried = shard_in_state(v, TASK_BURIED);
    if (buried) {
        return (struct plan_decision){.kind = PLAN_FAIL, .task_id = buried->id};
    }
    if (!all_shards_done(v)) {
        return decide(PLAN_WAIT);
    }
    BUG_ON(v->n_shards != v->shards[0].spec.train.n_shards);
    if (v->n_shards == 1) {
        return adopt(v, v->shards[0].result.train.checkpoint);
    }
    if (v->job.state == PLAN_JOB_DONE) {
        return adopt(v, v->job.checkpoint);
    }
    return need_job(&v->job, PLAN_MERGE);
}

static struct plan_decision plan_training(const struct plan_view *v)
{
    const struct study_row *s = v->study;
    if (v->n_shards > 0) {
        return plan_round(v);
    }
    uint64_t n_batches = study_stage_batches(v->conf, s->stage, s->n_train_utts);
    if (s->position >= n_batches) {
        return decide(PLAN_END_STAGE);
    }
    return (struct plan_decision){
        .kind = PLAN_ADD_ROUND,
        .round = train_round_cut(v->conf, s->stage, s->round, s->position, n_batches,
                                 v->n_workers),
    };
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// As many more as may be in flight, of those that are left; waits when that is none.
static struct plan_decision add_some(const struct plan_view *v, enum plan_kind kind,
                                     uint32_t n_left, uint32_t n_open)
{
    uint32_t in_flight = PROPOSALS_PER_WORKER * v->n_workers + PROPOSALS_EXTRA;
    if (n_open >= in_flight) {
        return decide(PLAN_WAIT);
    }
    uint32_t n = smaller(smaller(n_left, in_flight - n_open), PLAN_ADDED_MAX);
    return (struct plan_decision){.kind = kind, .n_proposals = n};
}

// ---- labels and what is learnt from them

static struct plan_decision plan_labelling(const struct plan_view *v)
{
    uint32_t n_wanted = (uint32_t)v->conf->search.predictor.labels;
    if (!v->is_exhausted && v->trials.n_labels < n_wanted) {
        return add_some(v, PLAN_LABEL, n_wanted - v->trials.n_labels,
                        v->trials.n_open_labels);
    }
    if (v->trials.n_open_labels > 0) {
        return decide(PLAN_WAIT);
    }
    if (v->trials.n_measured_labels < STUDY_LABELS_MIN) {
        return fail("hardly any label could be evaluated: there is nothing to learn "
                    "from");
    }
    return decide(PLAN_END_LABELS);
}

static struct plan_decision plan_fitting(const struct plan_view *v)
{
    if (v->n_tables_missing > 0) {
        return decide(PLAN_WAIT);
    }
    if (v->job.state == PLAN_JOB_DONE) {
        return decide(PLAN_ADOPT_FIT);
    }
    return need_job(&v->job, PLAN_FIT);
}

// ---- the search

static struct plan_decision plan_proposals(const struct plan_view *v, uint32_t n_left)
{
    if (v->job.state == PLAN_JOB_DONE) {
        return decide(PLAN_ADOPT_PROPOSALS);
    }
    if (v->job.state != PLAN_JOB_NONE) {
        return need_job(&v->job, PLAN_PROPOSE);
    }
    if (study_is_surrogate(v->conf)) {
        return (struct plan_decision){.kind = PLAN_PROPOSE,
                                      .n_proposals = smaller(n_left, GUESSES_MAX)};
    }
    return add_some(v, PLAN_PROPOSE, n_left, v->trials.n_open_candidates);
}

// What the strategy is asked for; with a predictor, all has been picked already.
static uint32_t proposals_left(const struct plan_view *v)
{
    uint32_t n_wanted = (uint32_t)v->conf->search.candidates;
    bool is_over = v->is_exhausted || v->conf->search.predictor.labels > 0 ||
                   v->trials.n_proposed >= n_wanted;
    return is_over ? 0 : n_wanted - v->trials.n_proposed;
}

static struct plan_decision plan_searching(const struct plan_view *v)
{
    uint32_t n_left = proposals_left(v);
    if (n_left > 0 && v->n_tables_missing > 0) {
        return decide(PLAN_WAIT);
    }
    if (n_left > 0) {
        return plan_proposals(v, n_left);
    }
    if (v->trials.n_open_candidates > 0) {
        return decide(PLAN_WAIT);
    }
    if (v->trials.n_measured_candidates == 0) {
        return fail("no candidate could be evaluated");
    }
    return decide(PLAN_END_SEARCH);
}

// With all latency tables: which networks are within a target's limits is then known.
static struct plan_decision plan_tuning(const struct plan_view *v)
{
    if (v->n_tables_missing > 0) {
        return decide(PLAN_WAIT);
    }
    if (v->n_tunings_missing > 0) {
        return decide(PLAN_TUNE);
    }
    return decide(v->trials.n_open_tunings > 0 ? PLAN_WAIT : PLAN_END_TUNING);
}

// Trials of earlier stages may still run when the search is over: the results are
// complete only with them, and with what the latency tables are worth.
static struct plan_decision plan_exporting(const struct plan_view *v)
{
    if (v->n_exports_missing > 0) {
        return decide(PLAN_EXPORT);
    }
    if (v->trials.n_open > 0 || v->n_devices_open > 0) {
        return decide(PLAN_WAIT);
    }
    if (v->job.state == PLAN_JOB_DONE) {
        return decide(PLAN_FINISH);
    }
    return need_job(&v->job, PLAN_WRITE);
}

static struct plan_decision plan_over(const struct plan_view *v)
{
    (void)v;
    return decide(PLAN_WAIT);
}

struct plan_decision plan_next(const struct plan_view *v)
{
    static struct plan_decision (*const by_state[])(const struct plan_view *) = {
        [STUDY_PACKING] = plan_packing,     [STUDY_TRAINING] = plan_training,
        [STUDY_LABELLING] = plan_labelling, [STUDY_FITTING] = plan_fitting,
        [STUDY_SEARCHING] = plan_searching, [STUDY_TUNING] = plan_tuning,
        [STUDY_EXPORTING] = plan_exporting, [STUDY_DONE] = plan_over,
        [STUDY_FAILED] = plan_over,         [STUDY_CANCELLED] = plan_over,
    };
    BUG_ON(v->study->state < STUDY_PACKING || v->study->state > STUDY_CANCELLED);
    return by_state[v->study->state](v);
}

const char *plan_kind_name(enum plan_kind k)
{
    static const char *const names[PLAN_KINDS] = {
        [PLAN_WAIT] = "wait",
        [PLAN_PACK] = "pack",
        [PLAN_START] = "start",
        [PLAN_ADD_ROUND] = "add_round",
        [PLAN_MERGE] = "merge",
        [PLAN_ADOPT] = "adopt",
        [PLAN_END_STAGE] = "end_stage",
        [PLAN_LABEL] = "label",
        [PLAN_END_LABELS] = "end_labels",
        [PLAN_FIT] = "fit",
        [PLAN_ADOPT_FIT] = "adopt_fit",
        [PLAN_PROPOSE] = "propose",
        [PLAN_ADOPT_PROPOSALS] = "adopt_proposals",
        [PLAN_END_SEARCH] = "end_search",
        [PLAN_TUNE] = "tune",
        [PLAN_END_TUNING] = "end_tuning",
        [PLAN_EXPORT] = "export",
        [PLAN_WRITE] = "write",
        [PLAN_FINISH] = "finish",
        [PLAN_FAIL] = "fail",
    };
    return k < PLAN_KINDS ? names[k] : "unknown";
}
