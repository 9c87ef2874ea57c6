// SPDX-License-Identifier: Apache-2.0
// share.h - how much of the workers' time a study has had, for its weight.
//
// Stride scheduling on time. Each study has a pass, the slot time it was given divided
// by its weight; the smallest pass goes next. A grant is charged at once with what such
// a task of the study usually takes, and corrected when it ends by what it took: so
// tasks of an hour and of a second share fairly, and many slots that become free at
// once do not all go to one study. Who had nothing to do joins at the pass that was
// served last: time that was not used is not saved up.
// Source: C. Waldspurger, W. Weihl, "Stride scheduling", MIT/LCS/TM-528, 1995.
//
// Owns: nothing; struct share is a value. Pure. Threads: any.
#ifndef COORDINATOR_SCHED_SHARE_H
#define COORDINATOR_SCHED_SHARE_H

#include "proto/msg.h"

#define SHARE_GUESS_MS 10000 // a task's time before one of its kind has ended

struct share {
    double weight;
    double pass;
    double usual_ms[TASK_KINDS]; // 0 = none has ended yet
};

void share_init(struct share *s, double weight); // <= 0: 1
void share_join(struct share *s, double served_pass);
double share_charge(struct share *s, enum task_kind kind); // what was charged, ms
void share_refund(struct share *s, double charged_ms);
// The task ended after so long; `is_typical`: it was done, and says what others take.
void share_settle(struct share *s, enum task_kind kind, double charged_ms,
                  double took_ms, bool is_typical);

#endif
