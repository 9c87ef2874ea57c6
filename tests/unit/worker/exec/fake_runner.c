// SPDX-License-Identifier: Apache-2.0
// fake_runner.c - a runner that behaves as its job's backend says: well, or badly.
#include "worker/exec/confine.h"
#include "worker/exec/job.h"
#include "worker/exec/report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const void *bytes, size_t n)
{
    if (write(3, bytes, n) != (ssize_t)n) {
        _exit(9);
    }
}

static void report(const struct report *r)
{
    struct buf b = BUF_INIT;
    report_add(r, &b);
    say(b.data, b.len);
    buf_fini(&b);
}

static void progress(double fraction)
{
    report(&(struct report){.kind = REPORT_PROGRESS,
                            .progress = {.fraction = fraction, .loss = 1}});
}

static void result(enum task_kind kind)
{
    struct report r = {.kind = REPORT_RESULT, .result = {.kind = kind}};
    if (kind == TASK_TRAIN) {
        hash_bytes("", 0, r.result.train.checkpoint);
    } else {
        r.result.evaluate.eer_percent = 12.5;
    }
    report(&r);
}

static void fail(enum err code)
{
    struct report r = {.kind = REPORT_FAILURE, .failure = {.code = code}};
    snprintf(r.failure.text, sizeof(r.failure.text), "it is %s", err_name(code));
    report(&r);
    exit(1); // NOLINT(concurrency-mt-unsafe): one thread
}

static void well(const struct job *j)
{
    progress(.5);
    result(j->spec.kind);
}

static void crash(const struct job *j)
{
    (void)j;
    fprintf(stderr, "about to crash\n");
    raise(SIGSEGV);
}

static void abort_now(const struct job *j)
{
    (void)j;
    abort();
}

static void hang(const struct job *j)
{
    (void)j;
    for (;;) {
        pause();
    }
}

// Longer in all than the patience of the test, never silent for as long as that.
static void slow(const struct job *j)
{
    for (int i = 0; i < 20; i++) {
        progress(i / 20.0);
        usleep(50 * 1000);
    }
    result(j->spec.kind);
}

static void silent(const struct job *j)
{
    (void)j;
    fprintf(stderr, "one\ntwo\n");
    exit(3); // NOLINT(concurrency-mt-unsafe): one thread
}

static void garbage(const struct job *j)
{
    say("\x05\0\0\0hello", 9);
    hang(j);
}

static void endless(const struct job *j)
{
    say("\xff\xff\xff\xff", 4);
    hang(j);
}

static void wrong_kind(const struct job *j)
{
    result(j->spec.kind == TASK_TRAIN ? TASK_EVALUATE : TASK_TRAIN);
}

static void numeric(const struct job *j)
{
    (void)j;
    fail(ERR_NUMERIC);
}

static void no_memory(const struct job *j)
{
    (void)j;
    fail(ERR_NOMEM);
}

static void bad_input(const struct job *j)
{
    (void)j;
    fail(ERR_INPUT);
}

static void twice(const struct job *j)
{
    result(j->spec.kind);
    result(j->spec.kind);
    hang(j);
}

// A grandchild keeps the pipes open.
static void leave_child(const struct job *j)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTERM, SIG_IGN);
        usleep(20 * 1000 * 1000);
        _exit(0);
    }
    fprintf(stderr, "child %d\n", (int)child);
    well(j);
}

// A grandchild that leaves the group, and its parent dies at once: an orphan.
static void leave_daemon(const struct job *j)
{
    int pipe_fds[2];
    pid_t child = pipe(pipe_fds) == 0 ? fork() : -1;
    if (child == 0) {
        setsid();
        pid_t orphan = fork();
        if (orphan == 0) {
            usleep(20 * 1000 * 1000);
            _exit(0);
        }
        ssize_t done = write(pipe_fds[1], &orphan, sizeof(orphan));
        _exit(done != sizeof(orphan));
    }
    pid_t orphan = 0;
    if (read(pipe_fds[0], &orphan, sizeof(orphan)) != sizeof(orphan)) {
        _exit(9);
    }
    fprintf(stderr, "child %d\n", (int)orphan);
    well(j);
}

static void spin(const struct job *j)
{
    (void)j;
    for (volatile unsigned i = 0;; i++) {
    }
}

static void stubborn(const struct job *j)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    spin(j);
}

static void stopped(const struct job *j)
{
    raise(SIGSTOP);
    well(j);
}

// The report pipe is full of nothing, for ever.
static void flood_reports(const struct job *j)
{
    (void)j;
    for (;;) {
        progress(.5);
    }
}

// Many times what a pipe holds, and a result behind it.
static void flood_log(const struct job *j)
{
    for (int i = 0; i < 20000; i++) {
        fprintf(stderr, "line %d of very many, each with something to say about it\n",
                i);
    }
    well(j);
}

static void close_pipe(const struct job *j)
{
    progress(.5);
    close(3);
    hang(j);
}

// The word was given; only the process is still there.
static void linger(const struct job *j)
{
    result(j->spec.kind);
    hang(j);
}

static void half_a_frame(const struct job *j)
{
    (void)j;
    say("\x20\0\0\0half", 8);
    exit(0); // NOLINT(concurrency-mt-unsafe): one thread
}

static void die_in_a_frame(const struct job *j)
{
    (void)j;
    say("\x20\0\0\0half", 8);
    raise(SIGBUS);
}

static void refused_memory(const struct job *j)
{
    (void)j;
    _exit(CONFINE_EXIT_NOMEM);
}

static void killed(const struct job *j)
{
    (void)j;
    raise(SIGKILL);
}

static void talkative(const struct job *j)
{
    for (int i = 0; i < 20000; i++) {
        progress(.5);
    }
    result(j->spec.kind);
}

static const struct {
    const char *name;
    void (*run)(const struct job *j);
} ways[] = {
    {"well", well},
    {"crash", crash},
    {"abort", abort_now},
    {"hang", hang},
    {"slow", slow},
    {"silent", silent},
    {"garbage", garbage},
    {"endless", endless},
    {"wrong_kind", wrong_kind},
    {"numeric", numeric},
    {"no_memory", no_memory},
    {"bad_input", bad_input},
    {"twice", twice},
    {"leave_child", leave_child},
    {"talkative", talkative},
    {"leave_daemon", leave_daemon},
    {"spin", spin},
    {"stubborn", stubborn},
    {"stopped", stopped},
    {"flood_reports", flood_reports},
    {"flood_log", flood_log},
    {"close_pipe", close_pipe},
    {"linger", linger},
    {"half_a_frame", half_a_frame},
    {"die_in_a_frame", die_in_a_frame},
    {"refused_memory", refused_memory},
    {"killed", killed},
};

static void read_job(struct job *j)
{
    char bytes[8192];
    size_t n = 0;
    size_t size = 0;
    struct frame_reader r;
    while (frame_first(bytes, n, &r, &size) == FRAME_PART) {
        ssize_t got = read(0, bytes + n, sizeof(bytes) - n);
        if (got <= 0) {
            _exit(8);
        }
        n += (size_t)got;
    }
    if (job_read(&r, j, NULL) != ERR_OK || j->parent_pid != (uint32_t)getppid()) {
        _exit(7);
    }
}

int main(int argc, char **argv)
{
    static struct job job;
    if (argc != 2 || strcmp(argv[1], "--runner") != 0) {
        return 6;
    }
    signal(SIGSEGV, SIG_DFL); // not the sanitizer's handler
    signal(SIGBUS, SIG_DFL);
    read_job(&job);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(ways[i].name, job.backend) == 0) {
            ways[i].run(&job);
            return 0;
        }
    }
    return 5;
}
