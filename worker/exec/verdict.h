// SPDX-License-Identifier: Apache-2.0
// verdict.h - what became of a runner, from all that its agent saw: pure.
//
// Why it was killed comes first, then its own last word, then how the process ended.
//
// Owns: nothing; values. Threads: any.
#ifndef WORKER_EXEC_VERDICT_H
#define WORKER_EXEC_VERDICT_H

#include "worker/exec/report.h"

#include <stdbool.h>

enum verdict_kill { // by its agent
    KILL_NONE,
    KILL_RUN_LIMIT, // it ran for too long
    KILL_HANG,      // no progress for too long
    KILL_NONSENSE,  // it broke the protocol
    KILL_MUTE,      // it closed its pipe without a last word, and went on
    KILL_LINGERING, // it gave its last word, and did not exit
    KILL_ASKED,
};

struct verdict_facts {
    enum verdict_kill kill;
    int64_t run_ms, silence_ms; // the limits in force
    uint64_t memory_bytes;      // its limit, 0 = none
    struct errinfo nonsense;
    struct report last; // RESULT or FAILURE; kind 0 = none
    bool has_part;      // of a report, when the pipe ended
    int64_t exit_status;
    int term_signal;
    bool has_oom;      // the kernel killed for lack of memory meanwhile
    bool is_group_oom; // in our own control group
};

// OUTCOME_OK: the result is in facts->last. Otherwise `error` is a sentence.
enum outcome verdict_of(const struct verdict_facts *f, char error[static LIMIT_TEXT]);

// "SIGSEGV (segmentation fault)", for people.
const char *verdict_signal(int number);

#endif
