// SPDX-License-Identifier: Apache-2.0
// spawn.c - see spawn.h.
#include "worker/exec/spawn.h"

#include "common/base/clock.h"
#include "worker/exec/oom.h"
#include "worker/exec/said.h"
#include "worker/exec/tail.h"
#include "worker/exec/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS  500  // pipes that somebody else holds open are not waited for
#define MUTE_MS   1000 // to exit after the pipe was closed without a last word
#define LINGER_MS 2000 // to exit after the last word; it has nothing left to do

struct spawn {
    uv_process_t process;
    uv_pipe_t job_pipe, report_pipe, log_pipe;
    uv_timer_t run, silence; // limits, while it runs
    uv_timer_t grace;        // to be over with it
    uv_write_t write;
    struct buf job;    // must live until written
    struct buf stream; // of reports, not yet whole
    char block[8192];
    struct tail tail;
    struct said said;
    struct spawn_hooks hooks;
    enum task_kind kind;
    struct verdict_facts facts;
    struct oom_kills oom; // when it started
    int n_open;           // handles
    int n_pipes;          // reading, not at their end
    bool has_exited;
    bool has_ended;
};

// ---- how it ended

static void judge(struct spawn *s, struct spawn_end *end)
{
    struct oom_kills now = oom_kills_now();
    s->facts.has_oom = oom_has_grown(&s->oom, &now);
    s->facts.is_group_oom = now.is_group;
    s->facts.has_part = s->stream.len > 0;
    end->outcome = verdict_of(&s->facts, end->error);
    if (end->outcome == OUTCOME_OK) {
        end->result = s->facts.last.result;
    } else {
        tail_text(&s->tail, end->log_tail);
    }
}

static void pass_line(void *arg, const char *line)
{
    struct spawn *s = arg;
    s->hooks.said(s->hooks.arg, line);
}

static void tell_left_out(struct spawn *s)
{
    uint64_t n = said_left_out(&s->said);
    if (n > 0) {
        char line[64];
        snprintf(line, sizeof(line), "(%" PRIu64 " lines more)", n);
        s->hooks.said(s->hooks.arg, line);
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
    close_handle(s, (uv_handle_t *)&s->run);
    close_handle(s, (uv_handle_t *)&s->silence);
    close_handle(s, (uv_handle_t *)&s->grace);
}

static void end_now(struct spawn *s)
{
    if (s->has_ended) {
        return;
    }
    struct spawn_end end = {0};
    said_end(&s->said, clock_mono_ms(), pass_line, s);
    tell_left_out(s);
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

// All of its group: what it started goes with it.
static void kill_group(const struct spawn *s)
{
    kill(-s->process.pid, SIGKILL);
}

static void kill_for(struct spawn *s, enum verdict_kill reason)
{
    if (s->facts.kill != KILL_NONE) {
        return;
    }
    s->facts.kill = reason; // also of one that is gone: nothing more of it is believed
    if (!s->has_exited) {
        kill_group(s);
    }
}

static void on_grace_over(uv_timer_t *t)
{
    end_now(t->data);
}

static void on_silent(uv_timer_t *t)
{
    kill_for(t->data, KILL_HANG);
}

static void on_run_over(uv_timer_t *t)
{
    kill_for(t->data, KILL_RUN_LIMIT);
}

static void on_mute(uv_timer_t *t)
{
    kill_for(t->data, KILL_MUTE);
}

static void on_lingering(uv_timer_t *t)
{
    kill_for(t->data, KILL_LINGERING);
}

static void be_patient(struct spawn *s)
{
    if (!s->has_exited) {
        uv_timer_start(&s->silence, on_silent, (uint64_t)s->facts.silence_ms, 0);
    }
}

// Its work is over, one way or the other: only the process is still there.
static void await_exit(struct spawn *s, uv_timer_cb on_late, uint64_t late_ms)
{
    uv_timer_stop(&s->run);
    uv_timer_stop(&s->silence);
    if (!s->has_exited) {
        uv_timer_start(&s->grace, on_late, late_ms, 0);
    }
}

static void on_gone(uv_process_t *p, int64_t exit_status, int term_signal)
{
    struct spawn *s = p->data;
    kill_group(s); // what it started
    s->has_exited = true;
    s->facts.exit_status = exit_status;
    s->facts.term_signal = term_signal;
    uv_timer_stop(&s->run);
    uv_timer_stop(&s->silence);
    uv_timer_start(&s->grace, on_grace_over, GRACE_MS, 0);
    end_if_complete(s);
}

// ---- reports

static void break_off(struct spawn *s, const char *what)
{
    err_set(&s->facts.nonsense, ERR_PROTO, "%s", what);
    kill_for(s, KILL_NONSENSE);
}

static void take_report(struct spawn *s, const struct report *r)
{
    if (s->facts.last.kind != 0) {
        break_off(s, "a report after the last one");
    } else if (r->kind == REPORT_PROGRESS) {
        be_patient(s);
        s->hooks.progress(s->hooks.arg, &r->progress);
    } else if (r->kind == REPORT_RESULT && r->result.kind != s->kind) {
        break_off(s, "the result is of another kind of task");
    } else {
        s->facts.last = *r;
        await_exit(s, on_lingering, LINGER_MS);
    }
}

static void take_stream(struct spawn *s)
{
    size_t used = 0;
    while (s->facts.kill == KILL_NONE) {
        struct frame_reader r;
        size_t size = 0;
        enum frame_state state =
            frame_first(s->stream.data + used, s->stream.len - used, &r, &size);
        if (state == FRAME_PART) {
            break;
        }
        struct report report = {0};
        struct errinfo why = {.text = "a report is too long"};
        if (state == FRAME_TOO_LONG || report_read(&r, &report, &why) != ERR_OK) {
            break_off(s, why.text);
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
        if (s->facts.last.kind == 0) {
            await_exit(s, on_mute, MUTE_MS);
        }
        pipe_over(s, pipe);
        return;
    }
    if (s->facts.kill == KILL_NONE) { // else it would only pile up
        buf_add(&s->stream, buf->base, (size_t)n);
        take_stream(s);
    }
}

static void on_log(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
    struct spawn *s = pipe->data;
    if (n < 0) {
        pipe_over(s, pipe);
        return;
    }
    tail_add(&s->tail, buf->base, (size_t)n);
    said_add(&s->said, clock_mono_ms(), buf->base, (size_t)n, pass_line, s);
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
        kill_for(s, KILL_ASKED);
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
        .flags = UV_PROCESS_DETACHED, // leads a session, and so a group, of its own
    };
    return uv_spawn(loop, &s->process, &options);
}

static void init_handles(struct spawn *s, uv_loop_t *loop)
{
    uv_pipe_init(loop, &s->job_pipe, 0);
    uv_pipe_init(loop, &s->report_pipe, 0);
    uv_pipe_init(loop, &s->log_pipe, 0);
    uv_timer_init(loop, &s->run);
    uv_timer_init(loop, &s->silence);
    uv_timer_init(loop, &s->grace);
    s->n_open = 7; // and the process
}

static void link_handles(struct spawn *s)
{
    s->process.data = s->job_pipe.data = s->report_pipe.data = s->log_pipe.data = s;
    s->run.data = s->silence.data = s->grace.data = s;
}

static void write_job(struct spawn *s, const struct job *job)
{
    struct job *whole = malloc(sizeof(*whole));
    BUG_ON(!whole);
    *whole = *job;
    whole->parent_pid = (uint32_t)getpid();
    job_add(whole, &s->job);
    free(whole);
}

enum err spawn_start(uv_loop_t *loop, const char *program, const struct job *job,
                     const struct spawn_limits *limits, const struct spawn_hooks *hooks,
                     struct spawn **out, struct errinfo *why)
{
    struct spawn *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    write_job(s, job);
    s->hooks = *hooks;
    s->kind = job->spec.kind;
    s->facts.run_ms = limits->run_ms;
    s->facts.silence_ms = limits->silence_ms;
    s->facts.memory_bytes = job->memory_bytes;
    s->oom = oom_kills_now();
    init_handles(s, loop);
    int status = start_process(s, loop, program);
    link_handles(s);
    if (status != 0) {
        close_all(s);
        return err_set(why, ERR_IO, "cannot start %s: %s", program,
                       uv_strerror(status));
    }
    uv_timer_start(&s->run, on_run_over, (uint64_t)limits->run_ms, 0);
    be_patient(s);
    start_pipes(s);
    *out = s;
    return ERR_OK;
}

void spawn_kill(struct spawn *s)
{
    kill_for(s, KILL_ASKED);
}

int spawn_pid(const struct spawn *s)
{
    return s->process.pid;
}
