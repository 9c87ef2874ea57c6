// SPDX-License-Identifier: Apache-2.0
// runner.c - see runner.h.
#include "worker/exec/runner.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/wire.h"
#include "worker/exec/confine.h"
#include "worker/exec/job.h"
#include "worker/exec/report.h"
#include "worker/exec/tasks.h"
#include "worker/kernels/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_FD   3
#define PROGRESS_MS 250 // people look, machines do not: four a second are plenty
#define READ_BLOCK  4096

struct runner {
    struct job job;
    struct blob_store *blobs;
    int64_t told_ms; // last progress
    bool is_orphan;  // the agent is gone
};

struct blob_store *runner_blobs(struct runner *r)
{
    return r->blobs;
}

int runner_threads(const struct runner *r)
{
    return (int)r->job.n_threads;
}

const char *runner_backend(const struct runner *r)
{
    return r->job.backend;
}

enum err runner_load_study(struct runner *r, const char *hash, struct study_conf *out,
                           struct errinfo *why)
{
    char path[FILE_PATH_MAX];
    enum err e = blob_path(r->blobs, hash, path, NULL, why);
    return e == ERR_OK ? study_load(path, NULL, 0, out, why) : e;
}

// ---- reports

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return false;
        }
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static void tell(struct runner *r, const struct report *report)
{
    struct buf frame = BUF_INIT;
    report_add(report, &frame);
    if (!write_all(REPORT_FD, frame.data, frame.len)) {
        r->is_orphan = true;
    }
    buf_fini(&frame);
}

bool runner_progress(struct runner *r, const struct task_progress *p)
{
    int64_t now_ms = clock_mono_ms();
    if (!r->is_orphan && now_ms - r->told_ms >= PROGRESS_MS) {
        struct report report = {.kind = REPORT_PROGRESS, .progress = *p};
        tell(r, &report);
        r->told_ms = now_ms;
    }
    return !r->is_orphan;
}

// ---- the process

static enum err read_job(struct job *out, struct errinfo *why)
{
    struct buf in = BUF_INIT;
    struct frame_reader r;
    size_t size = 0;
    enum frame_state state = FRAME_PART;
    while (state == FRAME_PART) {
        char *at = buf_reserve(&in, READ_BLOCK);
        ssize_t n = read(STDIN_FILENO, at, READ_BLOCK);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        in.len += (size_t)n;
        state = frame_first(in.data, in.len, &r, &size);
    }
    enum err e = state == FRAME_WHOLE ? job_read(&r, out, why)
                                      : err_set(why, ERR_PROTO, "no whole job came");
    buf_fini(&in);
    return e;
}

static enum err compute(struct runner *r, struct task_result *result,
                        struct errinfo *why)
{
    const char *also_read = r->job.also_read[0] ? r->job.also_read : NULL;
    enum err e = blob_store_open(r->job.blob_dir, also_read, &r->blobs, why);
    if (e == ERR_OK) {
        e = tasks_find(r->job.spec.kind)(r, &r->job.spec, result, why);
    }
    if (e == ERR_OK) {
        result->kind = r->job.spec.kind;
        e = report_check(result, why);
    }
    blob_store_close(r->blobs);
    return e;
}

static enum err run(struct runner *r, struct task_result *result, struct errinfo *why)
{
    enum err e = read_job(&r->job, why);
    if (e != ERR_OK) {
        return e;
    }
    log_init("voxarch-runner", r->job.log_level);
    if ((uint32_t)getppid() != r->job.parent_pid) {
        return err_set(why, ERR_CANCELLED, "the agent is gone");
    }
    backend_set_threads((int)r->job.n_threads);
    e = confine_memory(r->job.memory_bytes, (int)r->job.n_threads, why);
    return e == ERR_OK ? compute(r, result, why) : e;
}

int runner_main(void)
{
    confine_process();
    log_init("voxarch-runner", LOG_INFO);
    if (fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) != 0) {
        log_error("runner.misused", "error=\"--runner is for the agent alone\"");
        return EXIT_FAILURE;
    }
    struct runner *r = calloc(1, sizeof(*r));
    BUG_ON(!r);
    struct report report = {.kind = REPORT_RESULT};
    struct task_result result = {0};
    struct errinfo why = {0};
    enum err e = run(r, &result, &why);
    if (e == ERR_OK) {
        report.result = result;
    } else {
        report = (struct report){.kind = REPORT_FAILURE, .failure = why};
        report.failure.code = e;
    }
    tell(r, &report);
    confine_done();
    free(r);
    return e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
