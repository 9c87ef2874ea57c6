// SPDX-License-Identifier: Apache-2.0
// task_evaluate.c - EVALUATE: cut out, recalibrate, embed, score; export when asked.
#include "common/base/clock.h"
#include "worker/exec/candidate.h"

static enum err evaluate(struct candidate *c, const struct task_spec *spec,
                         struct evaluate_result *out, struct errinfo *why)
{
    enum err e = candidate_measure(c, spec->evaluate.protocol, out, why);
    if (e == ERR_OK && spec->evaluate.keep_network) {
        e = candidate_export(c, spec->checkpoint, NULL, out->network, why);
    }
    return e;
}

enum err task_evaluate(struct runner *r, const struct task_spec *spec,
                       struct task_result *result, struct errinfo *why)
{
    int64_t started_ms = clock_mono_ms();
    struct task_inputs in;
    enum err e = task_inputs_open(&in, r, spec, why);
    if (e != ERR_OK) {
        return e;
    }
    struct candidate c;
    e = candidate_open(&c, r, &in, spec->evaluate.architecture, why);
    if (e == ERR_OK) {
        e = evaluate(&c, spec, &result->evaluate, why);
        candidate_close(&c);
    }
    result->kind = TASK_EVALUATE;
    result->evaluate.seconds = (double)(clock_mono_ms() - started_ms) / 1000;
    task_inputs_close(&in);
    return e;
}
