// SPDX-License-Identifier: Apache-2.0
// report.c - see report.h.
#include "worker/exec/report.h"

#include "common/blob/hash.h"
#include "proto/wire.h"

#include <math.h>
#include <stdio.h>

#define LOSS_MAX 1e30
#define RATE_MAX 1e15

static double between(double value, double low, double high)
{
    return isfinite(value) && value >= low && value <= high ? value : 0;
}

struct task_progress report_clean(const struct task_progress *p)
{
    return (struct task_progress){.fraction = between(p->fraction, 0, 1),
                                  .loss = between(p->loss, -LOSS_MAX, LOSS_MAX),
                                  .utterances_per_s =
                                      between(p->utterances_per_s, 0, RATE_MAX)};
}

static bool is_number(double value, double high)
{
    return isfinite(value) && value >= 0 && value <= high;
}

static bool are_train_numbers(const struct train_result *t)
{
    return isfinite(t->loss) && fabs(t->loss) <= LOSS_MAX &&
           is_number(t->accuracy, 1) && is_number(t->seconds, 1e12);
}

static bool are_evaluate_numbers(const struct evaluate_result *e)
{
    return is_number(e->eer_percent, 100) && is_number(e->mindcf_p01, 1000) &&
           is_number(e->mindcf_p05, 1000) && is_number(e->seconds, 1e12);
}

static bool are_finetune_numbers(const struct finetune_result *f)
{
    return are_evaluate_numbers(&f->evaluation) && isfinite(f->loss_first) &&
           fabs(f->loss_first) <= LOSS_MAX && isfinite(f->loss_last) &&
           fabs(f->loss_last) <= LOSS_MAX;
}

static bool is_timing(const struct timing *t)
{
    return is_number(t->median_ms, LIMIT_LATENCY_MS) &&
           is_number(t->p90_ms, LIMIT_LATENCY_MS) &&
           is_number(t->spread_ms, LIMIT_LATENCY_MS) && t->median_ms <= t->p90_ms &&
           t->n >= 1 && t->n <= LIMIT_MEASURE_PASSES;
}

static bool are_measured_numbers(const struct measure_result *m)
{
    bool ok = is_timing(&m->whole) && m->whole.median_ms > 0 && m->n_units >= 1 &&
              m->n_units <= LIMIT_MEASURE_UNITS && is_number(m->seconds, 1e12);
    for (uint32_t i = 0; ok && i < m->n_units; i++) {
        ok = is_timing(&m->units[i]);
    }
    return ok;
}

static bool are_numbers(const struct task_result *r)
{
    switch (r->kind) {
    case TASK_TRAIN: return are_train_numbers(&r->train);
    case TASK_EVALUATE: return are_evaluate_numbers(&r->evaluate);
    case TASK_MEASURE: return are_measured_numbers(&r->measure);
    case TASK_FINETUNE: return are_finetune_numbers(&r->finetune);
    default: return false;
    }
}

enum err report_check(const struct task_result *r, struct errinfo *why)
{
    return are_numbers(r)
               ? ERR_OK
               : err_set(why, ERR_NUMERIC, "the result holds a number that is none");
}

static void add_progress(const struct task_progress *p, struct buf *out)
{
    const struct task_progress clean = report_clean(p);
    frame_put_f64(out, clean.fraction);
    frame_put_f64(out, clean.loss);
    frame_put_f64(out, clean.utterances_per_s);
}

static void add_result(const struct task_result *r, struct buf *out)
{
    struct buf bytes = BUF_INIT;
    wire_encode_result(r, &bytes);
    frame_put_bytes(out, bytes.data, bytes.len);
    buf_fini(&bytes);
}

void report_add(const struct report *r, struct buf *out)
{
    size_t begun = frame_begin(out);
    frame_put_u32(out, r->kind);
    switch (r->kind) {
    case REPORT_PROGRESS: add_progress(&r->progress, out); break;
    case REPORT_RESULT: add_result(&r->result, out); break;
    case REPORT_FAILURE:
        frame_put_u32(out, r->failure.code);
        frame_put_text(out, r->failure.text);
        break;
    }
    frame_end(out, begun);
}

static enum err read_result(struct frame_reader *r, struct task_result *out,
                            struct errinfo *why)
{
    size_t n = 0;
    const void *bytes = frame_get_bytes(r, &n);
    return r->is_bad ? ERR_OK : wire_decode_result(bytes, n, out, why);
}

static void read_progress(struct frame_reader *r, struct task_progress *out)
{
    struct task_progress p = {.fraction = frame_get_f64(r)};
    p.loss = frame_get_f64(r);
    p.utterances_per_s = frame_get_f64(r);
    *out = report_clean(&p);
}

static void read_failure(struct frame_reader *r, struct errinfo *out)
{
    uint32_t code = frame_get_u32(r);
    r->is_bad = r->is_bad || code == ERR_OK || code > ERR_CANCELLED;
    out->code = (enum err)code;
    frame_get_text(r, out->text, sizeof(out->text));
}

enum err report_read(struct frame_reader *r, struct report *out, struct errinfo *why)
{
    enum err e = ERR_OK;
    *out = (struct report){.kind = (enum report_kind)frame_get_u32(r)};
    switch (out->kind) {
    case REPORT_PROGRESS: read_progress(r, &out->progress); break;
    case REPORT_RESULT: e = read_result(r, &out->result, why); break;
    case REPORT_FAILURE: read_failure(r, &out->failure); break;
    default: r->is_bad = true;
    }
    if (e == ERR_OK && !frame_is_read(r)) {
        e = err_set(why, ERR_PROTO, "a report is malformed");
    }
    return e;
}
