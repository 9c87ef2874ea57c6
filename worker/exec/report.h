// SPDX-License-Identifier: Apache-2.0
// report.h - what a runner tells its agent: progress, then one result or one failure.
//
// The runner may be dying of memory corruption: reports are checked like a peer's.
//
// Owns: nothing; a value. Threads: any.
#ifndef WORKER_EXEC_REPORT_H
#define WORKER_EXEC_REPORT_H

#include "proto/msg.h"
#include "worker/exec/frame.h"

enum report_kind { REPORT_PROGRESS = 1, REPORT_RESULT, REPORT_FAILURE };

struct report {
    enum report_kind kind;
    union {
        struct task_progress progress;
        struct task_result result;
        struct errinfo failure;
    };
};

// One frame. The numbers of a result must be ones that the wire takes: report_check.
void report_add(const struct report *r, struct buf *out);
MUST_CHECK enum err report_read(struct frame_reader *r, struct report *out,
                                struct errinfo *why); // ERR_PROTO

// ERR_NUMERIC when a result holds a number that cannot be one (NaN, out of range).
MUST_CHECK enum err report_check(const struct task_result *r, struct errinfo *why);

// Progress with numbers that the wire takes; what is not one becomes 0.
struct task_progress report_clean(const struct task_progress *p);

#endif
