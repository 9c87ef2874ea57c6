// SPDX-License-Identifier: Apache-2.0
// task_train.c - TRAIN: the steps of one shard of a round, checkpoint to checkpoint.
#include "common/base/clock.h"
#include "worker/data/batch.h"
#include "worker/exec/task_inputs.h"
#include "worker/supernet/checkpoint.h"
#include "worker/supernet/train.h"

#include <inttypes.h>
#include <stdio.h>

#define LOSS_MEMORY 0.95 // of the running mean people see: about the last 20 steps

// One shard under way.
struct shard {
    struct runner *runner;
    const struct train_task *task;
    struct task_inputs *in;
    struct trainer *trainer;
    struct batcher *batcher;
    int64_t started_ms;
    uint32_t n_done;
    uint64_t n_utterances, n_right;
    double loss_sum, recent_loss;
};

static enum err check_task(const struct train_task *t, const struct study_conf *conf,
                           struct errinfo *why)
{
    if (t->stage >= (uint32_t)conf->train.n_stages) {
        return err_set(why, ERR_INPUT, "stage %" PRIu32 " of a study with %d", t->stage,
                       conf->train.n_stages);
    }
    if (t->n_steps < 1 || t->stride < 1) {
        return err_set(why, ERR_INPUT, "a shard of %" PRIu32 " steps, stride %" PRIu32,
                       t->n_steps, t->stride);
    }
    return ERR_OK;
}

static double seconds_since(int64_t started_ms)
{
    return (double)(clock_mono_ms() - started_ms) / 1000;
}

static bool tell_progress(const struct shard *s)
{
    double seconds = seconds_since(s->started_ms);
    struct task_progress p = {
        .fraction = (double)s->n_done / s->task->n_steps,
        .loss = s->recent_loss,
        .utterances_per_s = seconds > 0 ? (double)s->n_utterances / seconds : 0,
    };
    return runner_progress(s->runner, &p);
}

static enum err step(struct shard *s, const struct batch *b, struct errinfo *why)
{
    const struct train_task *t = s->task;
    const struct net_batch batch = {b->n_utts, b->n_frames, b->features};
    struct train_step at = {.stage = t->stage,
                            .position = t->position + (uint64_t)s->n_done * t->stride,
                            .n_batches = t->n_batches};
    struct train_report report;
    enum err e = trainer_step(s->trainer, &at, &batch, b->labels, &report);
    if (e != ERR_OK) {
        char architecture[ARCH_STRING_MAX];
        return err_set(
            why, e,
            "loss (%g) or a gradient is not finite at position %" PRIu64 ", path %s",
            report.loss, at.position, arch_print(&report.arch, architecture));
    }
    s->recent_loss =
        s->n_done == 0 ? report.loss
                       : LOSS_MEMORY * s->recent_loss + (1 - LOSS_MEMORY) * report.loss;
    s->loss_sum += report.loss;
    s->n_right += (uint64_t)report.n_right;
    s->n_utterances += (uint64_t)b->n_utts;
    s->n_done++;
    return ERR_OK;
}

static enum err run_steps(struct shard *s, struct errinfo *why)
{
    while (s->n_done < s->task->n_steps) {
        const struct batch *b = batcher_next(s->batcher);
        BUG_ON(!b); // it was opened for n_steps
        enum err e = step(s, b, why);
        if (e != ERR_OK) {
            return e;
        }
        if (!tell_progress(s)) {
            return err_set(why, ERR_CANCELLED, "cancelled after %" PRIu32 " steps",
                           s->n_done);
        }
    }
    return ERR_OK;
}

// Before others load it: here it is known where it happened.
static enum err check_weights(const struct shard *s, struct errinfo *why)
{
    const struct train_task *t = s->task;
    enum err e = supernet_check(s->in->supernet, why);
    return e == ERR_OK
               ? ERR_OK
               : err_prefix(why, e, "after the step at position %" PRIu64,
                            t->position + (uint64_t)(t->n_steps - 1) * t->stride);
}

static enum err save_checkpoint(const struct shard *s, char hash[static HASH_HEX_MAX],
                                struct errinfo *why)
{
    const struct train_task *t = s->task;
    const struct study_conf *conf = s->in->conf;
    char position[24];
    snprintf(position, sizeof(position), "%" PRIu64,
             t->position + (uint64_t)t->n_steps * t->stride);
    const struct checkpoint_note notes[] = {
        {"study", conf->name},
        {"stage", stage_name(conf->train.stages[t->stage].kind)},
        {"position", position},
    };
    char path[FILE_PATH_MAX];
    uint64_t size_bytes = 0;
    enum err e = blob_scratch_path(runner_blobs(s->runner), path, why);
    if (e == ERR_OK) {
        e = checkpoint_save(s->in->supernet, path, notes,
                            sizeof(notes) / sizeof(notes[0]), why);
    }
    if (e == ERR_OK) {
        e = blob_take_file(runner_blobs(s->runner), path, hash, &size_bytes, why);
    }
    return e;
}

static enum err run_shard(struct shard *s, struct errinfo *why)
{
    const struct study_conf *conf = s->in->conf;
    const struct train_task *t = s->task;
    int n_frames = batch_crop_frames(conf, t->stage);
    enum err e = batcher_open(s->in->pack, conf, t->stage, t->batch_first, t->n_steps,
                              &s->batcher, why);
    if (e != ERR_OK) {
        return e;
    }
    s->trainer =
        trainer_create(s->in->kernels, conf, s->in->supernet, conf->train.batch,
                       (size_t)conf->train.batch * (size_t)n_frames);
    e = run_steps(s, why);
    trainer_destroy(s->trainer);
    batcher_close(s->batcher);
    return e;
}

enum err task_train(struct runner *r, const struct task_spec *spec,
                    struct task_result *result, struct errinfo *why)
{
    struct task_inputs in;
    enum err e = task_inputs_open(&in, r, spec, why);
    if (e != ERR_OK) {
        return e;
    }
    struct shard s = {
        .runner = r, .task = &spec->train, .in = &in, .started_ms = clock_mono_ms()};
    struct train_result *out = &result->train;
    e = check_task(s.task, in.conf, why);
    if (e == ERR_OK) {
        e = run_shard(&s, why);
    }
    if (e == ERR_OK) {
        e = check_weights(&s, why);
    }
    if (e == ERR_OK) {
        e = save_checkpoint(&s, out->checkpoint, why);
    }
    if (e == ERR_OK) {
        result->kind = TASK_TRAIN;
        out->loss = s.loss_sum / s.n_done;
        out->accuracy = (double)s.n_right / (double)s.n_utterances;
        out->n_utterances = s.n_utterances;
        out->seconds = seconds_since(s.started_ms);
    }
    task_inputs_close(&in);
    return e;
}
