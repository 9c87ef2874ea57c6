// SPDX-License-Identifier: Apache-2.0
// report_json.c - see report_json.h.
#include "coordinator/cli/report_json.h"

#include "proto/wire.h"

static json_t *eer_or_null(double eer_percent)
{
    return eer_percent < 0 ? json_null() : json_real(eer_percent);
}

json_t *report_json_brief(const struct report *r)
{
    const struct study_row *s = &r->study;
    json_t *j = json_pack("{s:I, s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:o}", "id",
                          (json_int_t)s->id, "name", s->name, "dir", r->dir, "state",
                          study_state_name(s->state), "error", s->error, "stage",
                          (int)s->stage, "stage_name", report_stage_name(r, s->stage),
                          "n_trials", (int)r->history.n_trials, "best_eer_percent",
                          eer_or_null(report_best_eer(r)));
    BUG_ON(!j);
    return j;
}

static json_t *tasks(const struct task_counts *c)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i}", "ready", (int)c->ready, "leased",
                     (int)c->leased, "done", (int)c->done, "buried", (int)c->buried,
                     "cancelled", (int)c->cancelled);
}

static json_t *stages(const struct report *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i <= r->study.stage; i++) {
        struct report_stage s = report_stage(r, i);
        if (s.n_rounds) {
            json_array_append_new(
                list, json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:o}", "name",
                                report_stage_name(r, i), "rounds", (int)s.n_rounds,
                                "first_loss", s.first_loss, "last_loss", s.last_loss,
                                "last_accuracy", s.last_accuracy, "seconds", s.seconds,
                                "best_eer_percent", eer_or_null(s.best_eer)));
        }
    }
    return list;
}

static json_t *failures(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report_n_failures_known(r); i++) {
        const struct attempt_row *a = &r->failures[i];
        json_array_append_new(
            list,
            json_pack("{s:I, s:I, s:s, s:s, s:b, s:I, s:s, s:s}", "task",
                      (json_int_t)a->task_id, "token", (json_int_t)a->token, "worker",
                      a->worker, "outcome", outcome_name(a->outcome), "is_charged",
                      (int)a->is_charged, "ended_ms", (json_int_t)a->ended_ms, "error",
                      a->error, "log_tail", a->log_tail));
    }
    return list;
}

static json_t *trial(const struct report *r, size_t index)
{
    const struct trial_row *t = &r->history.trials[index];
    char architecture[ARCH_STRING_MAX];
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:f, s:f, s:f, s:I, s:I, s:I, s:b}", "id",
        (json_int_t)t->id, "architecture", arch_print(&t->arch, architecture), "origin",
        trial_origin_name(t->origin), "stage", report_stage_name(r, t->stage),
        "eer_percent", t->result.eer_percent, "mindcf_p01", t->result.mindcf_p01,
        "mindcf_p05", t->result.mindcf_p05, "params", (json_int_t)t->complexity.params,
        "macs", (json_int_t)t->complexity.macs, "bytes",
        (json_int_t)t->complexity.bytes, "on_front", (int)r->is_on_front[index]);
}

// All measured trials, or those on the front; lowest EER first.
static json_t *trials(const struct report *r, bool only_front)
{
    size_t n = 0;
    size_t *order = report_by_eer(r, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        if (!only_front || r->is_on_front[order[i]]) {
            json_array_append_new(list, trial(r, order[i]));
        }
    }
    free(order);
    return list;
}

static json_t *targets(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_choices; i++) {
        const struct final_choice *c = &r->choices[i];
        json_t *winner = json_null();
        if (c->winner) {
            winner = trial(r, (size_t)(c->winner - r->history.trials));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "name", c->target.name,
                            "max_params", (json_int_t)c->target.max_params, "max_macs",
                            (json_int_t)c->target.max_macs, "max_bytes",
                            (json_int_t)c->target.max_bytes, "winner", winner));
    }
    return list;
}

json_t *report_json_all(const struct report *r)
{
    char results[FILE_PATH_MAX];
    json_t *j = report_json_brief(r);
    json_object_set_new(j, "speakers", json_integer(r->study.n_speakers));
    json_object_set_new(j, "training_utterances",
                        json_integer((json_int_t)r->study.n_train_utts));
    json_object_set_new(j, "verification_trials",
                        json_integer((json_int_t)r->study.n_trials));
    json_object_set_new(j, "tasks", tasks(&r->tasks));
    json_object_set_new(j, "stages", stages(r));
    json_object_set_new(j, "n_failed_attempts",
                        json_integer((json_int_t)r->n_failures));
    json_object_set_new(j, "failed_attempts", failures(r));
    json_object_set_new(j, "trials", trials(r, false));
    json_object_set_new(j, "front", trials(r, true));
    json_object_set_new(j, "targets", targets(r));
    json_object_set_new(j, "results",
                        report_results_dir(r, results) ? json_string(results)
                                                       : json_null());
    return j;
}
