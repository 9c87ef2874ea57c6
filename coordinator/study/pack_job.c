// SPDX-License-Identifier: Apache-2.0
// pack_job.c - see pack_job.h. The end is when process and both pipes are closed.
#include "coordinator/study/pack_job.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAID_MAX 65536 // of either stream: a summary line and sentences, not a log

static enum err pack_job_run(struct job *j, struct errinfo *why)
{
    struct pack_job *p = (struct pack_job *)j;
    struct blob_store *blobs = NULL;
    enum err e = blob_store_open(p->blob_dir, NULL, &blobs, why);
    if (e == ERR_OK) {
        e = blob_take_file(blobs, p->scratch, p->pack, NULL, why);
    }
    blob_store_close(blobs);
    return e;
}

// What the child's end means; ERR_OK when there is a pack to take in.
static enum err judge(struct pack_job *p)
{
    struct errinfo *why = &p->job.why;
    if (p->exit_signal != 0) {
        p->was_killed = true;
        return err_set(why, ERR_CANCELLED, "the packer was killed by signal %d",
                       p->exit_signal);
    }
    if (p->exit_status != 0) {
        char tail[ERRINFO_MAX];
        pack_report_tail(p->complained.data ? p->complained.data : "", tail,
                         sizeof(tail));
        enum err e = p->exit_status == 2 ? ERR_INPUT : ERR_IO;
        return tail[0]
                   ? err_set(why, e, "%s", tail)
                   : err_set(why, e, "the packer ended with status %d", p->exit_status);
    }
    return pack_report_parse(p->said.data ? p->said.data : "", &p->counts, why);
}

static void on_closed(uv_handle_t *handle)
{
    struct pack_job *p = handle->data;
    if (--p->n_handles > 0) {
        return;
    }
    p->job.code = judge(p);
    if (p->job.code == ERR_OK) {
        job_start(&p->job, handle->loop);
    } else {
        unlink(p->scratch);
        p->job.done(&p->job);
    }
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int signal_number)
{
    struct pack_job *p = process->data;
    p->exit_status = (int)status;
    p->exit_signal = signal_number;
    uv_close((uv_handle_t *)process, on_closed);
}

// One block for both pipes: libuv reads one handle at a time.
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct pack_job *p = handle->data;
    *buf = uv_buf_init(p->block, sizeof(p->block));
}

// Keeps the newest half when there is too much: the end says what went wrong.
static void keep(struct buf *b, const char *bytes, size_t n)
{
    buf_add(b, bytes, n);
    if (b->len > SAID_MAX) {
        size_t half = SAID_MAX / 2;
        memmove(b->data, b->data + b->len - half, half + 1);
        b->len = half;
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pack_job *p = stream->data;
    if (n < 0) { // end of file, or broken: nothing more comes
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    if ((uv_pipe_t *)stream == &p->out) {
        keep(&p->said, buf->base, (size_t)n);
    } else {
        keep(&p->complained, buf->base, (size_t)n);
        pack_report_take_progress(&p->complained, p->progress, sizeof(p->progress));
    }
}

static int spawn(struct pack_job *p, const struct pack_setup *setup)
{
    char *args[] = {(char *)setup->worker_program, "data", "pack",     "--study",
                    (char *)setup->study_path,     "-o",   p->scratch, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, {(uv_stream_t *)&p->out}},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, {(uv_stream_t *)&p->err}},
    };
    uv_process_options_t options = {
        .file = setup->worker_program,
        .args = args,
        .exit_cb = on_exit_of_child,
        .stdio = stdio,
        .stdio_count = 3,
    };
    return uv_spawn(setup->loop, &p->process, &options);
}

static void on_closed_unstarted(uv_handle_t *handle)
{
    struct pack_job *p = handle->data;
    if (--p->n_handles == 0) {
        pack_job_destroy(p);
    }
}

static void close_unstarted(struct pack_job *p)
{
    uv_close((uv_handle_t *)&p->process, on_closed_unstarted);
    uv_close((uv_handle_t *)&p->out, on_closed_unstarted);
    uv_close((uv_handle_t *)&p->err, on_closed_unstarted);
}

enum err pack_job_start(const struct pack_setup *setup, struct pack_job **out,
                        struct errinfo *why)
{
    struct pack_job *p = calloc(1, sizeof(*p));
    BUG_ON(!p);
    p->job.run = pack_job_run;
    p->job.done = setup->done;
    p->arg = setup->arg;
    enum err e = file_path(p->blob_dir, sizeof(p->blob_dir), why, "%s",
                           blob_store_dir(setup->blobs));
    if (e == ERR_OK) {
        e = blob_scratch_path(setup->blobs, p->scratch, why);
    }
    if (e != ERR_OK) {
        pack_job_destroy(p);
        return e;
    }
    p->n_handles = 3;
    p->process.data = p->out.data = p->err.data = p;
    BUG_ON(uv_pipe_init(setup->loop, &p->out, 0) != 0);
    BUG_ON(uv_pipe_init(setup->loop, &p->err, 0) != 0);
    int status = spawn(p, setup);
    if (status != 0) {
        close_unstarted(p);
        return err_set(why, ERR_IO, "cannot start %s: %s", setup->worker_program,
                       uv_strerror(status));
    }
    BUG_ON(uv_read_start((uv_stream_t *)&p->out, on_alloc, on_read) != 0);
    BUG_ON(uv_read_start((uv_stream_t *)&p->err, on_alloc, on_read) != 0);
    *out = p;
    return ERR_OK;
}

void pack_job_kill(struct pack_job *p)
{
    if (uv_is_active((uv_handle_t *)&p->process)) {
        uv_process_kill(&p->process, SIGKILL);
    }
}

void pack_job_destroy(struct pack_job *p)
{
    buf_fini(&p->said);
    buf_fini(&p->complained);
    free(p);
}
