// SPDX-License-Identifier: Apache-2.0
// ended.c - see ended.h. One function per kind of task, chosen by table.
#include "coordinator/study/ended.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "coordinator/store/loss.h"
#include "coordinator/store/trial.h"

#include <inttypes.h>

static enum err end_training(struct store *s, const struct task_row *row,
                             struct errinfo *why)
{
    if (row->state != TASK_DONE) {
        return ERR_OK; // the plan sees that it was given up
    }
    const struct train_result *result = &row->result.train;
    const struct loss_row loss = {
        .study_id = row->study_id,
        .stage = row->stage,
        .round = row->round,
        .shard = row->shard,
        .position = row->spec.train.position,
        .loss = result->loss,
        .accuracy = result->accuracy,
        .seconds = result->seconds,
        .n_utterances = result->n_utterances,
        .at_ms = clock_wall_ms(),
    };
    return loss_insert(s, &loss, why);
}

static enum err record_measured(struct store *s, const struct task_row *row,
                                struct errinfo *why)
{
    const struct evaluate_result *result = &row->result.evaluate;
    log_info("trial.measured", "task=%" PRIu64 " architecture=%s eer=%.3f", row->id,
             row->spec.evaluate.architecture, result->eer_percent);
    return trial_measured(s, row->trial_id, result, why);
}

static enum err record_finetuned(struct store *s, const struct task_row *row,
                                 struct errinfo *why)
{
    const struct finetune_result *result = &row->result.finetune;
    log_info("trial.finetuned",
             "task=%" PRIu64 " architecture=%s eer=%.3f loss_first=%.4f loss_last=%.4f "
             "utterances=%" PRIu64,
             row->id, row->spec.finetune.architecture, result->evaluation.eer_percent,
             result->loss_first, result->loss_last, result->n_utterances);
    return trial_finetuned(s, row->trial_id, result, why);
}

static enum err record_failed(struct store *s, const struct task_row *row,
                              const char *architecture, struct errinfo *why)
{
    char error[LIMIT_TEXT] = "";
    enum err e = task_last_error(s, row->id, error);
    if (e != ERR_OK) {
        return err_set(why, e, "cannot read the error of task %" PRIu64, row->id);
    }
    log_warn("trial.failed", "task=%" PRIu64 " architecture=%s error=\"%s\"", row->id,
             architecture, error);
    return trial_failed(s, row->trial_id, why);
}

static enum err end_evaluation(struct store *s, const struct task_row *row,
                               struct errinfo *why)
{
    bool has_all =
        row->state == TASK_DONE && (!row->spec.evaluate.keep_network ||
                                    hash_is_valid(row->result.evaluate.network));
    return has_all ? record_measured(s, row, why)
                   : record_failed(s, row, row->spec.evaluate.architecture, why);
}

static enum err end_finetuning(struct store *s, const struct task_row *row,
                               struct errinfo *why)
{
    return row->state == TASK_DONE
               ? record_finetuned(s, row, why)
               : record_failed(s, row, row->spec.finetune.architecture, why);
}

enum err ended_record(struct store *s, const struct task_row *row, struct errinfo *why)
{
    // The devices look at their MEASURE tasks themselves.
    static enum err (*const by_kind[TASK_KINDS])(
        struct store *, const struct task_row *, struct errinfo *) = {
        [TASK_TRAIN] = end_training,
        [TASK_EVALUATE] = end_evaluation,
        [TASK_FINETUNE] = end_finetuning,
    };
    BUG_ON(row->state != TASK_DONE && row->state != TASK_BURIED);
    BUG_ON(row->spec.kind >= TASK_KINDS);
    return by_kind[row->spec.kind] ? by_kind[row->spec.kind](s, row, why) : ERR_OK;
}
