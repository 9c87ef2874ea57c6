// SPDX-License-Identifier: Apache-2.0
// progress.c - see progress.h.
#include "coordinator/study/progress.h"

#include "common/conf/stage_batches.h"

#include <stdio.h>

#define RECENT_ROWS 12 // settled shards that "recent" means

// What a status may say: workers' numbers are believed one by one, not their quotients.
static double at_most(double value, double limit)
{
    return value < limit ? value : limit;
}

static uint64_t stage_total(const struct progress_facts *v, uint32_t stage)
{
    return study_stage_batches(v->conf, stage, v->study->n_train_utts);
}

static bool is_packed(const struct progress_facts *v)
{
    return v->study->pack[0] != '\0';
}

static uint64_t round_batches(const struct progress_facts *v)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < v->n_shards; i++) {
        if (v->shards[i].state == TASK_DONE) {
            n += v->shards[i].spec.train.n_steps;
        }
    }
    return n;
}

static void fill_training(const struct progress_facts *v, struct status_study *out)
{
    out->stage = v->study->stage;
    out->n_stages = (uint32_t)v->conf->train.n_stages;
    snprintf(out->stage_name, sizeof(out->stage_name), "%s",
             stage_name(v->conf->train.stages[v->study->stage].kind));
    if (!is_packed(v)) {
        return; // or never will be: it guesses
    }
    for (uint32_t i = 0; i < out->n_stages; i++) {
        uint64_t n = stage_total(v, i);
        out->batches_total += n;
        out->batches_done += i < v->study->stage ? n : 0;
    }
    out->batches_done += v->study->position + round_batches(v);
}

// The newest rows of the newest stage: an older stage's crops cost something else.
static size_t recent_start(const struct history *h)
{
    size_t start = h->n_losses;
    while (start > 0 && h->n_losses - start < RECENT_ROWS &&
           h->losses[start - 1].stage == h->losses[h->n_losses - 1].stage) {
        start--;
    }
    return start;
}

// Shards of a round run side by side: their rates add up.
static void fill_rates(const struct history *h, struct status_study *out)
{
    size_t start = recent_start(h);
    size_t n = h->n_losses - start;
    if (n == 0) {
        return;
    }
    double loss = 0;
    double seconds = 0;
    double n_utterances = 0;
    uint32_t n_rounds = 0;
    for (size_t i = start; i < h->n_losses; i++) {
        const struct loss_row *l = &h->losses[i];
        loss += l->loss;
        seconds += l->seconds;
        n_utterances += (double)l->n_utterances;
        n_rounds += i == start || l->round != h->losses[i - 1].round;
    }
    out->loss = loss / (double)n;
    double shards_a_round = (double)n / n_rounds;
    double rate = seconds > 0 ? n_utterances / seconds * shards_a_round : 0;
    out->utterances_per_s = at_most(rate, LIMIT_RATE);
}

static uint32_t expected_proposals(const struct progress_facts *v, uint32_t n_proposed)
{
    bool has_all = v->study->fit[0] != '\0'; // the picks of a fit are all there will be
    bool is_open = v->study->state < STUDY_TUNING && !v->is_exhausted && !has_all;
    uint32_t n = (uint32_t)v->conf->search.candidates;
    return is_open && n > n_proposed ? n : n_proposed;
}

static uint32_t expected_labels(const struct progress_facts *v, uint32_t n_labels)
{
    bool is_open = v->study->state < STUDY_FITTING && !v->is_exhausted;
    uint32_t n = (uint32_t)v->conf->search.predictor.labels;
    return is_open && n > n_labels ? n : n_labels;
}

// Returns the mean seconds of a measured trial; 0 before the first.
static double fill_trials(const struct progress_facts *v, struct status_study *out)
{
    uint32_t n_proposed = 0;
    uint32_t n_labels = 0;
    uint32_t n_others = 0;
    uint32_t n_measured = 0;
    double seconds = 0;
    for (size_t i = 0; i < v->history->n_trials; i++) {
        const struct trial_row *t = &v->history->trials[i];
        n_proposed += t->origin == TRIAL_SEARCH;
        n_labels += t->origin == TRIAL_LABEL;
        n_others += t->origin != TRIAL_SEARCH && t->origin != TRIAL_LABEL;
        out->trials_done += t->is_measured || t->has_failed;
        if (t->is_measured) {
            n_measured++;
            seconds += t->result.seconds;
            out->last_eer_percent = t->result.eer_percent;
        }
    }
    out->trials_total =
        n_others + expected_labels(v, n_labels) + expected_proposals(v, n_proposed);
    return n_measured > 0 ? seconds / n_measured : 0;
}

// Training at the recent rate, then the open trials side by side; unknown while either
// part is due and its pace is not known.
static double seconds_left(const struct progress_facts *v, const struct status_study *s,
                           double trial_seconds)
{
    if (v->study->state >= STUDY_DONE) {
        return 0;
    }
    double n_utterances =
        (double)(s->batches_total - s->batches_done) * v->conf->train.batch;
    double n_trials = s->trials_total - s->trials_done;
    bool is_unknown = !(is_packed(v) || *v->study->predictor) ||
                      (n_utterances > 0 && s->utterances_per_s <= 0) ||
                      (n_trials > 0 && trial_seconds <= 0);
    if (is_unknown) {
        return -1;
    }
    double training = n_utterances > 0 ? n_utterances / s->utterances_per_s : 0;
    double n_side_by_side = v->n_workers > 0 ? v->n_workers : 1;
    return at_most(training + n_trials * trial_seconds / n_side_by_side, LIMIT_SECONDS);
}

void progress_fill(const struct progress_facts *v, struct status_study *out)
{
    *out = (struct status_study){.id = v->study->id};
    snprintf(out->name, sizeof(out->name), "%s", v->study->name);
    snprintf(out->state, sizeof(out->state), "%s", study_state_name(v->study->state));
    snprintf(out->detail, sizeof(out->detail), "%s", v->study->error);
    out->weight = v->study->weight;
    out->is_paused = v->study->is_paused;
    out->tasks_ready = v->tasks.ready;
    out->tasks_leased = v->tasks.leased;
    out->tasks_done = v->tasks.done;
    out->tasks_buried = v->tasks.buried;
    fill_training(v, out);
    fill_rates(v->history, out);
    double trial_seconds = fill_trials(v, out);
    out->seconds_left = seconds_left(v, out, trial_seconds);
}
