// SPDX-License-Identifier: Apache-2.0
// fuzz_report.c - what comes out of a runner's pipe, and what goes into it: a stream of
// frames, each a report (or, by the first byte, a job).
#include "tests/fuzz/fuzz.h"
#include "worker/exec/job.h"
#include "worker/exec/report.h"

#include <string.h>

static struct job job, job_again;          // large
static struct report report, report_again; // large

// What was taken for a report is one that the wire takes, too, and comes back the same.
static void try_report(struct frame_reader *r)
{
    struct errinfo why = {0};
    if (report_read(r, &report, &why) != ERR_OK) {
        BUG_ON(why.text[0] == '\0');
        return;
    }
    struct buf bytes = BUF_INIT;
    struct frame_reader again;
    size_t size = 0;
    report_add(&report, &bytes);
    BUG_ON(frame_first(bytes.data, bytes.len, &again, &size) != FRAME_WHOLE);
    BUG_ON(size != bytes.len);
    BUG_ON(report_read(&again, &report_again, &why) != ERR_OK);
    BUG_ON(report_again.kind != report.kind);
    if (report.kind == REPORT_RESULT) {
        enum err e = report_check(&report.result, &why);
        BUG_ON(e != ERR_OK && e != ERR_NUMERIC);
    }
    buf_fini(&bytes);
}

static void try_job(struct frame_reader *r)
{
    struct errinfo why = {0};
    if (job_read(r, &job, &why) != ERR_OK) {
        return;
    }
    struct buf bytes = BUF_INIT;
    struct frame_reader again;
    size_t size = 0;
    job_add(&job, &bytes);
    BUG_ON(frame_first(bytes.data, bytes.len, &again, &size) != FRAME_WHOLE);
    BUG_ON(job_read(&again, &job_again, &why) != ERR_OK);
    BUG_ON(job_again.memory_bytes != job.memory_bytes ||
           job_again.n_threads != job.n_threads ||
           strcmp(job_again.blob_dir, job.blob_dir) != 0);
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) {
        return 0;
    }
    bool is_job = data[0] & 1;
    const char *at = (const char *)data + 1;
    size_t left = n - 1;
    struct frame_reader r;
    size_t size = 0;
    while (frame_first(at, left, &r, &size) == FRAME_WHOLE) {
        BUG_ON(size < 4 || size > left);
        if (is_job) {
            try_job(&r);
        } else {
            try_report(&r);
        }
        at += size;
        left -= size;
    }
    return 0;
}
