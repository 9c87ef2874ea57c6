// SPDX-License-Identifier: Apache-2.0
// task_finetune.c - FINETUNE: train one architecture by itself, then as EVALUATE.
//
// Fine-tuning is supernet training with the path nailed down: the same trainer steps on
// the slice of one architecture, from the moments it inherits, and the rest of the
// supernet never moves. What comes out is cut out, recalibrated, scored and exported
// like any candidate.
#include "common/base/clock.h"
#include "common/base/rng.h"
#include "worker/data/batch.h"
#include "worker/exec/candidate.h"
#include "worker/optim/schedule.h"
#include "worker/supernet/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define LOSS_MEMORY 0.95 // of the running mean people see: about the last 20 steps
#define ENDS        0.1  // of the batches, whose mean losses are reported

// One fine-tuning under way.
struct tuning {
    struct candidate *candidate;
    const struct study_conf *conf; // the study's, with one stage: this one
    struct trainer *trainer;
    struct batcher *batcher;
    int64_t started_ms;
    uint64_t n_batches, n_ends, n_done;
    double recent_loss;
    struct finetune_result *out;
};

// Draws numbers of its own, so that its batches are not those of a training stage.
static struct study_conf *conf_of_tuning(const struct study_conf *study)
{
    struct study_conf *c = malloc(sizeof(*c));
    BUG_ON(!c);
    struct rng r = rng_stream(study->seed, RNG_FINETUNE, 0, 0);
    *c = *study;
    c->seed = rng_u64(&r);
    c->train.aam_margin = study->finetune.margin;
    c->train.n_stages = 1;
    c->train.stages[0] = (struct study_stage){.kind = STAGE_LARGEST,
                                              .epochs = study->finetune.epochs,
                                              .cycles = 1,
                                              .lr_max = study->finetune.lr,
                                              .crop_s = study->finetune.crop_s};
    return c;
}

static bool tell_progress(const struct tuning *t)
{
    double seconds = (double)(clock_mono_ms() - t->started_ms) / 1000;
    const struct candidate *c = t->candidate;
    struct task_progress p = {
        .fraction = c->done_before * (double)t->n_done / (double)t->n_batches,
        .loss = t->recent_loss,
        .utterances_per_s = seconds > 0 ? (double)t->out->n_utterances / seconds : 0,
    };
    return runner_progress(c->runner, &p);
}

static void note_loss(struct tuning *t, double loss)
{
    t->recent_loss =
        t->n_done == 0 ? loss : LOSS_MEMORY * t->recent_loss + (1 - LOSS_MEMORY) * loss;
    double share = loss / (double)t->n_ends;
    t->out->loss_first += t->n_done < t->n_ends ? share : 0;
    t->out->loss_last += t->n_done >= t->n_batches - t->n_ends ? share : 0;
}

static enum err step(struct tuning *t, const struct batch *b, struct errinfo *why)
{
    const struct study_stage *stage = &t->conf->train.stages[0];
    const struct net_batch batch = {b->n_utts, b->n_frames, b->features};
    double lr = schedule_triangular2(stage->lr_min, stage->lr_max, t->n_done,
                                     t->n_batches, stage->cycles);
    struct train_report report;
    enum err e = trainer_step_on(t->trainer, &t->candidate->arch, lr, &batch, b->labels,
                                 &report);
    if (e != ERR_OK) {
        return err_set(why, e, "loss is not finite at batch %" PRIu64, t->n_done);
    }
    note_loss(t, report.loss);
    t->out->n_utterances += (uint64_t)b->n_utts;
    t->n_done++;
    return ERR_OK;
}

static enum err run_steps(struct tuning *t, struct errinfo *why)
{
    while (t->n_done < t->n_batches) {
        const struct batch *b = batcher_next(t->batcher);
        BUG_ON(!b); // it was opened for n_batches
        enum err e = step(t, b, why);
        if (e != ERR_OK) {
            return e;
        }
        if (!tell_progress(t)) {
            return err_set(why, ERR_CANCELLED, "cancelled after %" PRIu64 " batches",
                           t->n_done);
        }
    }
    return ERR_OK;
}

static enum err train(struct candidate *c, struct finetune_result *out,
                      struct errinfo *why)
{
    const struct task_inputs *in = c->in;
    struct study_conf *conf = conf_of_tuning(in->conf);
    struct tuning t = {
        .candidate = c,
        .conf = conf,
        .started_ms = clock_mono_ms(),
        .out = out,
    };
    t.n_batches = batch_count(conf, 0, pack_count(in->pack, PACK_TRAIN));
    t.n_ends = (uint64_t)ceil(ENDS * (double)t.n_batches);
    enum err e = batcher_open(in->pack, conf, 0, 0, t.n_batches, &t.batcher, why);
    if (e == ERR_OK) {
        size_t n_frames = (size_t)batch_crop_frames(conf, 0);
        t.trainer =
            trainer_create(in->kernels, t.conf, in->supernet, t.conf->train.batch,
                           (size_t)t.conf->train.batch * n_frames);
        e = run_steps(&t, why);
    }
    trainer_destroy(t.trainer);
    batcher_close(t.batcher);
    free(conf);
    return e;
}

// Of the whole task: a step takes about three times a forward pass.
static double training_share(const struct study_conf *conf, size_t n_train_utts)
{
    double n_trained = 3 * conf->finetune.epochs * (double)n_train_utts;
    double n_measured = conf->evaluate.recalibrate_utterances + 1000.0;
    return n_trained / (n_trained + n_measured);
}

static enum err finetune(struct candidate *c, const struct task_spec *spec,
                         struct finetune_result *out, struct errinfo *why)
{
    *out = (struct finetune_result){.loss_first = 0};
    c->done_before = training_share(c->in->conf, pack_count(c->in->pack, PACK_TRAIN));
    c->share = 1 - c->done_before;
    enum err e = train(c, out, why);
    if (e == ERR_OK) {
        e = candidate_measure(c, spec->finetune.protocol, &out->evaluation, why);
    }
    if (e == ERR_OK) {
        e = candidate_export(c, spec->checkpoint, "yes", out->evaluation.network, why);
    }
    return e;
}

enum err task_finetune(struct runner *r, const struct task_spec *spec,
                       struct task_result *result, struct errinfo *why)
{
    int64_t started_ms = clock_mono_ms();
    struct task_inputs in;
    enum err e = task_inputs_open(&in, r, spec, why);
    if (e == ERR_OK && !study_finetunes(in.conf)) {
        task_inputs_close(&in);
        e = err_set(why, ERR_INPUT, "the study says nothing about fine-tuning");
    }
    if (e != ERR_OK) {
        return e;
    }
    struct candidate c;
    e = candidate_open(&c, r, &in, spec->finetune.architecture, why);
    if (e == ERR_OK) {
        e = finetune(&c, spec, &result->finetune, why);
        candidate_close(&c);
    }
    result->kind = TASK_FINETUNE;
    result->finetune.evaluation.seconds = (double)(clock_mono_ms() - started_ms) / 1000;
    task_inputs_close(&in);
    return e;
}
