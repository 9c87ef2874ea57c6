// SPDX-License-Identifier: Apache-2.0
// results_json.c - front.json and run.json of results.h.
#include "coordinator/study/results.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Takes `value`, which is never NULL for what we make ourselves.
static void put(json_t *object, const char *key, json_t *value)
{
    BUG_ON(json_object_set_new(object, key, value) != 0);
}

static void put_text(json_t *object, const char *key, const char *value)
{
    json_t *text = json_string(value);
    put(object, key, text ? text : json_null()); // not UTF-8: a host or CPU name
}

static void put_count(json_t *object, const char *key, uint64_t value)
{
    put(object, key, json_integer((json_int_t)value));
}

static json_t *list(void)
{
    json_t *l = json_array();
    BUG_ON(!l);
    return l;
}

static void append(json_t *l, json_t *value)
{
    BUG_ON(json_array_append_new(l, value) != 0);
}

static void dump(json_t *root, struct buf *out)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    BUG_ON(!text);
    buf_addf(out, "%s\n", text);
    free(text);
    json_decref(root);
}

static void put_trial(json_t *o, const struct trial_row *t)
{
    char arch[ARCH_STRING_MAX];
    put_text(o, "architecture", arch_print(&t->arch, arch));
    put_count(o, "params", t->complexity.params);
    put_count(o, "macs", t->complexity.macs);
    put_count(o, "bytes", t->complexity.bytes);
    put(o, "eer_percent", json_real(t->result.eer_percent));
    if (t->result.n_trials > 0) { // a guess tells the EER alone
        put(o, "mindcf_p01", json_real(t->result.mindcf_p01));
        put(o, "mindcf_p05", json_real(t->result.mindcf_p05));
    }
    put_count(o, "trial", t->id);
}

static json_t *front_points(const struct results *r)
{
    json_t *points = list();
    for (size_t i = 0; i < r->n_front; i++) {
        json_t *point = json_object();
        put_trial(point, r->front[i]);
        append(points, point);
    }
    return points;
}

// A limit of zero is none.
static void put_limit(json_t *o, const char *key, uint64_t limit)
{
    put(o, key, limit > 0 ? json_integer((json_int_t)limit) : json_null());
}

static bool has_network(const struct results *r, const char *target)
{
    for (size_t i = 0; i < r->n_networks; i++) {
        if (strcmp(r->networks[i].target, target) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *constraint_texts(const struct study_target *t)
{
    json_t *l = list();
    for (int i = 0; i < t->n_constraints; i++) {
        char text[OBJECTIVE_TEXT_MAX];
        append(l, json_string(constraint_print(&t->constraints[i], text)));
    }
    return l;
}

static void put_latencies(json_t *o, const struct results *r, const struct arch *a)
{
    json_t *latencies = json_object();
    for (int i = 0; i < r->tables.n; i++) {
        double ms = results_latency(r, i, a);
        put(latencies, r->tables.devices[i].name,
            isfinite(ms) ? json_real(ms) : json_null());
    }
    put(o, "latency_ms", latencies);
}

static json_t *eer_of(const struct trial_row *t)
{
    return t ? json_real(t->result.eer_percent) : json_null();
}

static json_t *target_entry(const struct results *r, const struct final_choice *c)
{
    json_t *o = json_object();
    put_text(o, "target", c->target.name);
    put_limit(o, "max_params", c->target.max_params);
    put_limit(o, "max_macs", c->target.max_macs);
    put_limit(o, "max_bytes", c->target.max_bytes);
    put(o, "constraints", constraint_texts(&c->target));
    if (!c->winner) {
        put(o, "architecture", json_null());
        return o;
    }
    put_trial(o, c->winner);
    if (study_finetunes(&r->conf)) {
        put(o, "inherited_eer_percent", eer_of(c->inherited));
        put(o, "finetuned_eer_percent", eer_of(c->tuned));
    }
    put_latencies(o, r, &c->winner->arch);
    if (has_network(r, c->target.name)) {
        char file[64];
        snprintf(file, sizeof(file), "networks/%s.safetensors", c->target.name);
        put_text(o, "file", file);
    }
    return o;
}

void results_front_json(const struct results *r, struct buf *out)
{
    struct final_scope scope = results_scope(r);
    struct final_choice choices[STUDY_TARGETS_MAX];
    size_t n = final_choose(&scope, choices);
    json_t *targets = list();
    for (size_t i = 0; i < n; i++) {
        append(targets, target_entry(r, &choices[i]));
    }
    json_t *root = json_object();
    put_text(root, "study", r->conf.name);
    put(root, "objectives", json_pack("[s, s]", "eer_percent", "macs"));
    put_count(root, "frames", (uint64_t)r->conf.evaluate.frames);
    put(root, "front", front_points(r));
    put(root, "targets", targets);
    dump(root, out);
}

// The weights each stage ended with: its own trials were evaluated with them.
static json_t *stage_checkpoints(const struct results *r)
{
    json_t *o = json_object();
    for (size_t i = 0; i < r->history.n_trials; i++) {
        const struct trial_row *t = &r->history.trials[i];
        if (t->origin == TRIAL_STAGE) {
            put_text(o, stage_name(r->conf.train.stages[t->stage].kind), t->checkpoint);
        }
    }
    return o;
}

static json_t *trial_counts(const struct results *r)
{
    uint64_t n_measured = 0;
    uint64_t n_failed = 0;
    for (size_t i = 0; i < r->history.n_trials; i++) {
        n_measured += r->history.trials[i].is_measured;
        n_failed += r->history.trials[i].has_failed;
    }
    json_t *o = json_object();
    put_count(o, "measured", n_measured);
    put_count(o, "failed", n_failed);
    return o;
}

static json_t *machine(const struct results *r)
{
    json_t *o = json_object();
    put_text(o, "host", r->provenance.host);
    put_text(o, "cpu", r->provenance.cpu);
    put_count(o, "cpus", (uint64_t)r->provenance.n_cpus);
    return o;
}

static json_t *pack_entry(const struct results *r)
{
    json_t *o = json_object();
    put_text(o, "hash", r->study.pack);
    put_count(o, "train_utterances", r->study.n_train_utts);
    put_count(o, "train_speakers", r->study.n_speakers);
    put_count(o, "trials", r->study.n_trials);
    return o;
}

static json_t *predictor_entry(const struct results *r)
{
    json_t *o = json_object();
    put_text(o, "hash", r->study.predictor);
    if (study_is_surrogate(&r->conf)) {
        put_text(o, "file", r->conf.evaluate.surrogate.predictor);
        return o;
    }
    put_text(o, "kind", r->fit.kind);
    put_count(o, "labels", r->fit.n_labels);
    json_t *kinds = list();
    for (int i = 0; i < r->fit.n_kinds; i++) {
        const struct fit_kind *k = &r->fit.kinds[i];
        append(kinds, json_pack("{s:s, s:f, s:f}", "kind", k->kind, "kendall_tau",
                                k->kendall_tau, "rmse", k->rmse));
    }
    put(o, "cross_validation", kinds);
    return o;
}

void results_run_json(const struct results *r, struct buf *out)
{
    char time[24];
    json_t *root = json_object();
    put_text(root, "study", r->conf.name);
    put_text(root, "voxarch_version", r->provenance.version);
    put_count(root, "seed", r->conf.seed);
    put_text(root, "state", r->is_finished ? "done" : study_state_name(r->study.state));
    put_text(root, "conf_hash", r->study.conf);
    put(root, "pack", pack_entry(r));
    if (r->study.predictor[0]) {
        put(root, "predictor", predictor_entry(r));
    }
    put(root, "coordinator", machine(r));
    put_text(root, "started", provenance_time(r->study.created_ms, time));
    if (r->is_finished) {
        put_text(root, "ended", provenance_time(r->now_ms, time));
        put(root, "seconds",
            json_real((double)(r->now_ms - r->study.created_ms) / 1000));
    }
    put(root, "stage_checkpoints", stage_checkpoints(r));
    put(root, "trials", trial_counts(r));
    if (r->devices.n > 0) {
        put(root, "devices", results_devices_json(&r->devices));
    }
    dump(root, out);
}
