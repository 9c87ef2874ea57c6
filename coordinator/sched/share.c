// SPDX-License-Identifier: Apache-2.0
// share.c - see share.h.
#include "coordinator/sched/share.h"

// Of what a task took, in the estimate for the next one.
#define LEARN 0.25

void share_init(struct share *s, double weight)
{
    s->weight = weight > 0 ? weight : 1;
}

void share_join(struct share *s, double served_pass)
{
    s->pass = s->pass < served_pass ? served_pass : s->pass;
}

double share_charge(struct share *s, enum task_kind kind)
{
    double ms = s->usual_ms[kind] > 0 ? s->usual_ms[kind] : SHARE_GUESS_MS;
    s->pass += ms / s->weight;
    return ms;
}

void share_refund(struct share *s, double charged_ms)
{
    s->pass -= charged_ms / s->weight;
}

void share_settle(struct share *s, enum task_kind kind, double charged_ms,
                  double took_ms, bool is_typical)
{
    double *usual_ms = &s->usual_ms[kind];
    took_ms = took_ms < 1 ? 1 : took_ms; // nothing is for nothing
    s->pass += (took_ms - charged_ms) / s->weight;
    if (is_typical) {
        *usual_ms = *usual_ms > 0 ? *usual_ms + LEARN * (took_ms - *usual_ms) : took_ms;
    }
}
