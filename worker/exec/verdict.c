// SPDX-License-Identifier: Apache-2.0
// verdict.c - see verdict.h.
#include "worker/exec/verdict.h"

#include "worker/exec/confine.h"

#include <signal.h>
#include <stdio.h>

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV (segmentation fault)"},
    {SIGABRT, "SIGABRT (aborted)"},
    {SIGBUS, "SIGBUS (a mapped file was cut short, or its disk failed)"},
    {SIGFPE, "SIGFPE (arithmetic error)"},
    {SIGILL, "SIGILL (illegal instruction)"},
    {SIGTRAP, "SIGTRAP (trap)"},
    {SIGSYS, "SIGSYS (a system call that its sandbox forbids)"},
    {SIGKILL, "SIGKILL (killed)"},
    {SIGTERM, "SIGTERM (terminated)"},
    {SIGHUP, "SIGHUP (hung up)"},
    {SIGQUIT, "SIGQUIT (quit)"},
    {SIGXCPU, "SIGXCPU (over its limit of processor time)"},
    {SIGXFSZ, "SIGXFSZ (over its limit of file size)"},
    {SIGUSR1, "SIGUSR1"},
    {SIGUSR2, "SIGUSR2"},
    {SIGALRM, "SIGALRM (alarm clock)"},
};

const char *verdict_signal(int number)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (signals[i].number == number) {
            return signals[i].name;
        }
    }
    return "a signal without a name here";
}

#define SAY(...) snprintf(error, LIMIT_TEXT, __VA_ARGS__)

// ---- killed by its agent

static enum outcome on_kill(const struct verdict_facts *f,
                            char error[static LIMIT_TEXT])
{
    switch (f->kill) {
    case KILL_RUN_LIMIT:
        SAY("it ran for longer than its limit of %lld s", (long long)f->run_ms / 1000);
        return OUTCOME_TIMEOUT;
    case KILL_HANG:
        SAY("alive, but no progress for %lld s", (long long)f->silence_ms / 1000);
        return OUTCOME_HANG;
    case KILL_NONSENSE:
        SAY("the runner talks nonsense: %.400s", f->nonsense.text);
        return OUTCOME_CRASH;
    case KILL_MUTE:
        SAY("the runner closed its pipe without a last word, and went on");
        return OUTCOME_CRASH;
    default: SAY("the runner was stopped by its agent"); return OUTCOME_CRASH;
    }
}

// ---- its own word

static enum outcome on_failure(const struct errinfo *failure,
                               char error[static LIMIT_TEXT])
{
    SAY("%s", failure->text);
    switch (failure->code) {
    case ERR_NUMERIC: return OUTCOME_NUMERIC;
    case ERR_NOMEM: return OUTCOME_NOMEM;
    default: return OUTCOME_ERROR;
    }
}

// ---- without a word

static enum outcome on_signal(const struct verdict_facts *f,
                              char error[static LIMIT_TEXT])
{
    if (f->term_signal != SIGKILL) {
        SAY("the runner died of %s", verdict_signal(f->term_signal));
        return OUTCOME_CRASH;
    }
    if (!f->has_oom) {
        SAY("the runner died of %s: not by its agent, and the kernel counts no kill for "
            "lack of memory",
            verdict_signal(SIGKILL));
        return OUTCOME_CRASH;
    }
    SAY("the kernel killed for lack of memory %s, and the runner is gone",
        f->is_group_oom ? "in this worker's control group" : "on this machine");
    return OUTCOME_NOMEM;
}

static enum outcome on_exit_status(const struct verdict_facts *f,
                                   char error[static LIMIT_TEXT])
{
    if (f->exit_status == CONFINE_EXIT_NOMEM && f->memory_bytes > 0) {
        SAY("memory was refused: the task may allocate %.1f MiB",
            (double)f->memory_bytes / (1 << 20));
        return OUTCOME_NOMEM;
    }
    if (f->exit_status == CONFINE_EXIT_NOMEM) {
        SAY("memory was refused, though no limit of ours was in force");
        return OUTCOME_NOMEM;
    }
    SAY("the runner exited with status %d %s", (int)f->exit_status,
        f->has_part ? "in the middle of a report" : "without a word");
    return OUTCOME_CRASH;
}

enum outcome verdict_of(const struct verdict_facts *f, char error[static LIMIT_TEXT])
{
    error[0] = '\0';
    if (f->kill != KILL_NONE && f->kill != KILL_LINGERING) {
        return on_kill(f, error);
    }
    if (f->last.kind == REPORT_RESULT) {
        return OUTCOME_OK;
    }
    if (f->last.kind == REPORT_FAILURE) {
        return on_failure(&f->last.failure, error);
    }
    return f->term_signal != 0 ? on_signal(f, error) : on_exit_status(f, error);
}
