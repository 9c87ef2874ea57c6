// SPDX-License-Identifier: Apache-2.0
// spawn.c - see spawn.h.
#include "worker/exec/spawn.h"

#include "worker/exec/report.h"
#include "worker/exec/tail.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A grandchild may hold the pipes open: what has not come by then is not waited for.
#define GRACE_MS 500

enum killed { KILLED_NOT, KILLED_TIMEOUT, KILLED_NONSENSE, KILLED_ASKED };

struct spawn {
    uv_process_t process;
    uv_pipe_t job_pipe, report_pipe, log_pipe;
    uv_timer_t timer; // patience while it runs, grace after it exited
    uv_write_t write;
    struct buf job;    // must live until written
    struct buf stream; // of reports, not yet whole
    char block[8192];
    struct tail tail;
    struct spawn_hooks hooks;
    enum task_kind kind;
    int64_t timeout_ms;
    enum killed killed;
    struct errinfo nonsense;
    struct report last; // RESULT or FAILURE; kind 0 = none yet
    int n_open;         // handles
    int n_pipes;        // reading, not at their end
    bool has_exited;
    bool has_ended;
    int64_t exit_status;
    int term_signal;
};

// ---- how it ended

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "segmentation fault"}, {SIGABRT, "aborted"},
    {SIGBUS, "bus error"},           {SIGFPE, "arithmetic error"},
    {SIGILL, "illegal instruction"}, {SIGKILL, "killed"},
    {SIGTERM, "terminated"},
};

static const char *signal_name(int number)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (signals[i].number == number) {
            return signals[i].name;
        }
    }
    return "unexpected";
}

static enum outcome outcome_of(enum err code)
{
    switch (code) {
    case ERR_NUMERIC: return OUTCOME_NUMERIC;
    case ERR_NOMEM: return OUTCOME_NOMEM;
    default: return OUTCOME_ERROR;
    }
}

static void judge_silence(const struct spawn *s, struct spawn_end *end)
{
    end->outcome = OUTCOME_CRASH;
    if (s->term_signal != 0) {
        snprintf(end->error, sizeof(end->error), "the runner died of signal %d (%s)",
                 s->term_signal, signal_name(s->term_signal));
    } else {
        snprintf(end->error, sizeof(end->error),
                 "the runner exited with status %d without a word",
                 (int)s->exit_status);
    }
}

static void judge(const struct spawn *s, struct spawn_end *end)
{
    if (s->killed == KILLED_TIMEOUT) {
        end->outcome = OUTCOME_TIMEOUT;
        snprintf(end->error, sizeof(end->error), "no progress for %lld s",
                 (long long)(s->timeout_ms / 1000));
    } else if (s->killed == KILLED_NONSENSE) {
        end->outcome = OUTCOME_CRASH;
        snprintf(end->error, sizeof(end->error), "the runner talks nonsense: %s",
                 s->nonsense.text);
    } else if (s->last.kind == REPORT_RESULT) {
        end->outcome = OUTCOME_OK;
        end->result = s->last.result;
    } else if (s->last.kind == REPORT_FAILURE) {
        end->outcome = outcome_of(s->last.failure.code);
        snprintf(end->error, sizeof(end->error), "%s", s->last.failure.text);
    } else {
        judge_silence(s, end);
    }
    if (end->outcome != OUTCOME_OK) {
        tail_text(&s->tail, end->log_tail);
    }
}

static void on_closed(uv_handle_t *h)
{
    struct spawn *s = h->data;
    if (--s->n_open == 0) {
        buf_fini(&s->job);
        buf_fini(&s->stream);
        free(s);
    }
}

static void close_handle(struct spawn *s, uv_handle_t *h)
{
    h->data = s;
    uv_close(h, on_closed);
}

static void close_all(struct spawn *s)
{
    s->has_ended = true;
    close_handle(s, (uv_handle_t *)&s->process);
    close_handle(s, (uv_handle_t *)&s->job_pipe);
    close_handle(s, (uv_handle_t *)&s->report_pipe);
    close_handle(s, (uv_handle_t *)&s->log_pipe);
    close_handle(s, (uv_handle_t *)&s->timer);
}

static void end_now(struct spawn *s)
{
    if (s->has_ended) {
        return;
    }
    struct spawn_end end = {0};
    judge(s, &end);
    close_all(s);
    s->hooks.end(s->hooks.arg, &end);
}

static void end_if_complete(struct spawn *s)
{
    if (s->has_exited && s->n_pipes == 0) {
        end_now(s);
    }
}

// ---- patience

static void on_grace_over(uv_timer_t *t)
{
    end_now(t->data);
}

static void kill_for(struct spawn *s, enum killed reason)
{
    if (s->killed != KILLED_NOT) {
        return;
    }
    s->killed = reason; // also of one that is gone: nothing more of it is believed
    if (!s->has_exited) {
        uv_process_kill(&s->process, SIGKILL);
    }
}

static void on_impatient(uv_timer_t *t)
{
    kill_for(t->data, KILLED_TIMEOUT);
}

static void be_patient(struct spawn *s)
{
    if (!s->has_exited) {
        uv_timer_start(&s->timer, on_impatient, (uint64_t)s->timeout_ms, 0);
    }
}

static void on_gone(uv_process_t *p, int64_t exit_status, int term_signal)
{
    struct spawn *s = p->data;
    s->has_exited = true;
    s->exit_status = exit_status;
    s->term_signal = term_signal;
    uv_timer_start(&s->timer, on_grace_over, GRACE_MS, 0);
    end_if_complete(s);
}

// ---- reports

static void take_report(struct spawn *s, const struct report *r)
{
    if (s->last.kind != 0) {
        err_set(&s->nonsense, ERR_PROTO, "a report after the last one");
        kill_for(s, KILLED_NONSENSE);
    } else if (r->kind == REPORT_PROGRESS) {
        be_patient(s);
        s->hooks.progress(s->hooks.arg, &r->progress);
    } else if (r->kind == REPORT_RESULT && r->result.kind != s->kind) {
        err_set(&s->nonsense, ERR_PROTO, "the result is of another kind of task");
        kill_for(s, KILLED_NONSENSE);
    } else {
        s->last = *r;
    }
}

static void take_stream(struct spawn *s)
{
    size_t used = 0;
    while (s->killed == KILLED_NOT) {
        struct frame_reader r;
        size_t size = 0;
        enum frame_state state =
            frame_first(s->stream.data + used, s->stream.len - used, &r, &size);
        if (state == FRAME_PART) {
            break;
        }
        struct report report = {0};
        enum err e = state == FRAME_TOO_LONG
                         ? err_set(&s->nonsense, ERR_PROTO, "a report is too long")
                         : report_read(&r, &report, &s->nonsense);
        if (e != ERR_OK) {
            s->last.kind = 0;
            kill_for(s, KILLED_NONSENSE);
            break;
        }
        take_report(s, &report);
        used += size;
    }
    if (s->stream.len > used) {
        memmove(s->stream.data, s->stream.data + used, s->stream.len - used);
    }
    s->stream.len -= used;
}

// ---- pipes

static void on_block(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
    (void)wanted;
    struct spawn *s = h->data;
    *buf = uv_buf_init(s->block, sizeof(s->block));
}

static void pipe_over(struct spawn *s, uv_stream_t *pipe)
{
    uv_read_stop(pipe);
    s->n_pipes--;
    end_if_complete(s);
}

static void on_report(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
    struct spawn *s = pipe->data;
    if (n < 0) {
        pipe_over(s, pipe);
        return;
    }
    buf_add(&s->stream, buf->base, (size_t)n);
    take_stream(s);
}

static void on_log(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
    struct spawn *s = pipe->data;
    if (n < 0) {
        pipe_over(s, pipe);
        return;
    }
    tail_add(&s->tail, buf->base, (size_t)n);
    ssize_t done = write(STDERR_FILENO, buf->base, (size_t)n);
    (void)done; // passed through for people; the tail is what counts
}

static void on_job_written(uv_write_t *w, int status)
{
    (void)status; // a runner that did not read its job says so by how it ends
    struct spawn *s = w->data;
    buf_clear(&s->job);
}

static void start_pipes(struct spawn *s)
{
    uv_buf_t job = uv_buf_init(s->job.data, (unsigned)s->job.len);
    s->write.data = s;
    if (uv_write(&s->write, (uv_stream_t *)&s->job_pipe, &job, 1, on_job_written) !=
        0) {
        kill_for(s, KILLED_ASKED);
    }
    s->n_pipes = 2;
    if (uv_read_start((uv_stream_t *)&s->report_pipe, on_block, on_report) != 0) {
        s->n_pipes--;
    }
    if (uv_read_start((uv_stream_t *)&s->log_pipe, on_block, on_log) != 0) {
        s->n_pipes--;
    }
}

// ---- start

static int start_process(struct spawn *s, uv_loop_t *loop, const char *program)
{
    const uv_stdio_flags in = UV_CREATE_PIPE | UV_READABLE_PIPE;
    const uv_stdio_flags out = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    uv_stdio_container_t stdio[4] = {
        {.flags = in, .data.stream = (uv_stream_t *)&s->job_pipe},
        {.flags = UV_IGNORE},
        {.flags = out, .data.stream = (uv_stream_t *)&s->log_pipe},
        {.flags = out, .data.stream = (uv_stream_t *)&s->report_pipe},
    };
    char name[] = "voxarch-worker";
    char flag[] = "--runner";
    char *args[] = {name, flag, NULL};
    const uv_process_options_t options = {
        .exit_cb = on_gone,
        .file = program,
        .args = args,
        .stdio_count = 4,
        .stdio = stdio,
    };
    return uv_spawn(loop, &s->process, &options);
}

enum err spawn_start(uv_loop_t *loop, const char *program, const struct job *job,
                     int64_t timeout_ms, const struct spawn_hooks *hooks,
                     struct spawn **out, struct errinfo *why)
{
    struct spawn *s = calloc(1, sizeof(*s));
    struct job *whole = malloc(sizeof(*whole));
    BUG_ON(!s || !whole);
    *whole = *job;
    whole->parent_pid = (uint32_t)getpid();
    job_add(whole, &s->job);
    free(whole);
    s->hooks = *hooks;
    s->kind = job->spec.kind;
    s->timeout_ms = timeout_ms;
    uv_pipe_init(loop, &s->job_pipe, 0);
    uv_pipe_init(loop, &s->report_pipe, 0);
    uv_pipe_init(loop, &s->log_pipe, 0);
    uv_timer_init(loop, &s->timer);
    s->n_open = 5;
    int status = start_process(s, loop, program);
    s->process.data = s->job_pipe.data = s->report_pipe.data = s->log_pipe.data = s;
    s->timer.data = s;
    if (status != 0) {
        close_all(s);
        return err_set(why, ERR_IO, "cannot start %s: %s", program,
                       uv_strerror(status));
    }
    be_patient(s);
    start_pipes(s);
    *out = s;
    return ERR_OK;
}

void spawn_kill(struct spawn *s)
{
    kill_for(s, KILLED_ASKED);
}

int spawn_pid(const struct spawn *s)
{
    return s->process.pid;
}
