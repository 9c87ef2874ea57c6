// SPDX-License-Identifier: Apache-2.0
// results_csv.c - the tables of results.h. No field can hold a comma, quote or newline.
#include "coordinator/study/results.h"

#include <inttypes.h>
#include <math.h>

static bool is_on_front(const struct results *r, const struct trial_row *t)
{
    for (size_t i = 0; i < r->n_front; i++) {
        if (r->front[i] == t) {
            return true;
        }
    }
    return false;
}

// A study that guesses has no stages.
static const char *name_of_stage(const struct results *r, uint32_t stage)
{
    if (r->conf.train.n_stages == 0) {
        return "";
    }
    BUG_ON(stage >= (uint32_t)r->conf.train.n_stages);
    return stage_name(r->conf.train.stages[stage].kind);
}

static void add_architecture(const struct trial_row *t, struct buf *out)
{
    char arch[ARCH_STRING_MAX];
    buf_addf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64, arch_print(&t->arch, arch),
             t->complexity.params, t->complexity.macs, t->complexity.bytes);
}

// A guess tells the EER alone.
static void add_figures(const struct trial_row *t, struct buf *out)
{
    buf_addf(out, "%.4f,", t->result.eer_percent);
    if (t->result.n_trials > 0) {
        buf_addf(out, "%.5f,%.5f", t->result.mindcf_p01, t->result.mindcf_p05);
    } else {
        buf_addf(out, ",");
    }
}

// What was predicted, and what the devices' tables say.
static void add_guesses(const struct results *r, const struct trial_row *t,
                        struct buf *out)
{
    double value;
    if (r->fit.n_keys > 0) {
        buf_addf(out, ",");
        if (fit_predicted(&r->fit, &t->arch, &value)) {
            buf_addf(out, "%.4f", value);
        }
    }
    for (int i = 0; i < r->tables.n; i++) {
        value = results_latency(r, i, &t->arch);
        buf_addf(out, ",");
        if (isfinite(value)) {
            buf_addf(out, "%.4f", value);
        }
    }
}

static void add_trial(const struct results *r, const struct trial_row *t,
                      struct buf *out)
{
    buf_addf(out, "%" PRIu64 ",%s,%s,", t->id, trial_origin_name(t->origin),
             name_of_stage(r, t->stage));
    add_architecture(t, out);
    buf_addf(out, ",%d,", r->conf.evaluate.frames);
    if (t->is_measured) {
        add_figures(t, out);
        buf_addf(out, ",%" PRIu64 ",%s,%.3f,%d", t->result.n_trials, t->checkpoint,
                 t->result.seconds, is_on_front(r, t));
    } else {
        buf_addf(out, ",,,,%s,,0", t->checkpoint);
    }
    add_guesses(r, t, out);
    buf_addf(out, "\n");
}

void results_trials_csv(const struct results *r, struct buf *out)
{
    buf_addf(out, "id,origin,stage,architecture,params,macs,bytes,frames,eer_percent,"
                  "mindcf_p01,mindcf_p05,n_trials,checkpoint,seconds,on_front");
    buf_addf(out, "%s", r->fit.n_keys > 0 ? ",predicted_eer" : "");
    for (int i = 0; i < r->tables.n; i++) {
        buf_addf(out, ",ms@%s", r->tables.devices[i].name);
    }
    buf_addf(out, "\n");
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->is_measured || t->has_failed) {
            add_trial(r, t, out);
        }
    }
}

void results_losses_csv(const struct results *r, struct buf *out)
{
    buf_addf(out, "stage,round,shard,position,loss,accuracy,utterances,seconds\n");
    for (size_t i = 0; i < r->history.n_losses; i++) {
        const struct loss_row *l = &r->history.losses[i];
        buf_addf(out, "%s,%u,%u,%" PRIu64 ",%.6f,%.5f,%" PRIu64 ",%.3f\n",
                 name_of_stage(r, l->stage), l->round, l->shard, l->position, l->loss,
                 l->accuracy, l->n_utterances, l->seconds);
    }
}

void results_finetune_csv(const struct results *r, struct buf *out)
{
    const struct final_scope scope = results_scope(r);
    buf_addf(out, "architecture,inherited_eer_percent,eer_percent,"
                  "inherited_mindcf_p01,mindcf_p01,loss_first,loss_last,seconds,"
                  "inherited_trial,trial,network\n");
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        bool is_tuned = t->origin == TRIAL_FINETUNE && t->is_measured;
        const struct trial_row *from =
            is_tuned ? final_inherited(&scope, &t->arch) : NULL;
        char arch[ARCH_STRING_MAX];
        if (!from) {
            continue;
        }
        buf_addf(
            out, "%s,%.4f,%.4f,%.5f,%.5f,%.6f,%.6f,%.3f,%" PRIu64 ",%" PRIu64 ",%s\n",
            arch_print(&t->arch, arch), from->result.eer_percent, t->result.eer_percent,
            from->result.mindcf_p01, t->result.mindcf_p01, t->loss_first, t->loss_last,
            t->result.seconds, from->id, t->id, t->result.network);
    }
}

void results_front_csv(const struct results *r, struct buf *out)
{
    buf_addf(out, "architecture,params,macs,bytes,eer_percent,mindcf_p01,mindcf_p05,"
                  "trial\n");
    for (size_t i = 0; i < r->n_front; i++) {
        const struct trial_row *t = r->front[i];
        add_architecture(t, out);
        buf_addf(out, ",");
        add_figures(t, out);
        buf_addf(out, ",%" PRIu64 "\n", t->id);
    }
}

void results_device_front_csv(const struct results *r, int i, struct buf *out)
{
    buf_addf(out, "architecture,params,macs,bytes,ms,eer_percent,mindcf_p01,mindcf_p05,"
                  "trial\n");
    for (size_t j = 0; j < r->n_device_fronts[i]; j++) {
        const struct trial_row *t = r->device_fronts[i][j];
        add_architecture(t, out);
        buf_addf(out, ",%.4f,", results_latency(r, i, &t->arch));
        add_figures(t, out);
        buf_addf(out, ",%" PRIu64 "\n", t->id);
    }
}
