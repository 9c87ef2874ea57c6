// SPDX-License-Identifier: Apache-2.0
// task_measure.c - MEASURE: how long one network takes on this device.
//
// Needs the study for the sizes of its supernet, and neither data nor weights.
#include "worker/exec/runner.h"
#include "worker/kernels/backend.h"
#include "worker/probe/latency.h"

#include <stdlib.h>

static bool on_progress(void *arg, double fraction)
{
    return runner_progress(arg, &(struct task_progress){.fraction = fraction});
}

static enum err read_network(struct runner *r, const struct task_spec *spec,
                             struct latency_setup *out, struct errinfo *why)
{
    struct study_conf *conf = calloc(1, sizeof(*conf));
    BUG_ON(!conf);
    enum err e = runner_load_study(r, spec->study, conf, why);
    if (e == ERR_OK) {
        out->dims = conf->supernet;
        e = arch_parse(spec->measure.architecture, &out->arch, why);
    }
    if (e == ERR_OK) {
        e = arch_fits(&out->arch, &out->dims, why);
    }
    free(conf);
    return e;
}

enum err task_measure(struct runner *r, const struct task_spec *spec,
                      struct task_result *result, struct errinfo *why)
{
    const struct measure_task *t = &spec->measure;
    struct cpus cpus;
    struct latency_setup setup = {.kernels = backend_find(runner_backend(r)),
                                  .cpus = &cpus,
                                  .batch = (int)t->batch,
                                  .frames = (int)t->frames,
                                  .budget_ms = t->budget_ms,
                                  .progress = on_progress,
                                  .arg = r};
    if (!setup.kernels) {
        return err_set(why, ERR_INPUT, "no compute backend \"%s\"", runner_backend(r));
    }
    enum err e = read_network(r, spec, &setup, why);
    if (e == ERR_OK) {
        e = latency_open((int)t->threads, &cpus, why);
    }
    result->kind = TASK_MEASURE;
    return e == ERR_OK ? latency_measure(&setup, &result->measure, why) : e;
}
